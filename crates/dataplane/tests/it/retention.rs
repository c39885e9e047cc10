//! What is forgotten, what is not, and that counters follow: beside the same tables from which the
//! authors themselves deleted the same records, and under the eyes of the audit.

use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::entry::Entry;
use millrace_atproto::syntax::Did;
use millrace_dataplane::audit::{self, AuditOptions};
use millrace_dataplane::interest::{self, NoteReader, Terms};
use millrace_dataplane::query::bookmark::{CreateBookmark, DeleteBookmark};
use millrace_dataplane::retention::{Forgotten, RetentionConfig, Sweep};
use millrace_sim::records::{self, Ref, Reply};

use crate::entries::{self, FOLLOW, LIKE, POST, START_US, did, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    what_nobody_here_cares_for_is_forgotten_as_if_it_were_deleted,
    what_comes_back_goes_again,
    what_somebody_has_a_bookmark_of_stays,
    old_notices_of_edges_go_and_those_of_posts_stay,
    interest_is_who_reads_and_whom_they_follow
);

const REPOST: &str = "app.bsky.feed.repost";
const DAY_MS: i64 = 86_400_000;
const DAY_US: i64 = DAY_MS * 1_000;
/// Everything happened long before.
const NOW_US: i64 = START_US + 100 * DAY_US;

fn reference(uri: &str) -> Ref {
    Ref { uri: uri.to_owned(), cid: millrace_atproto::cid::Cid::of_dag_cbor(uri.as_bytes()) }
}

/// The address of somebody's `n`-th record.
fn at(who: &str, collection: &str, n: i64) -> String {
    entries::uri(&did(who), collection, &tid(n).to_string())
}

fn wrote(who: &str, collection: &str, n: i64, record: Vec<u8>) -> Entry {
    let rkey = tid(n).to_string();
    entries::commit(&did(who), n, vec![entries::put(collection, &rkey, record)])
}

fn post(who: &str, n: i64) -> Entry {
    wrote(who, POST, n, records::post("x", START_US, None, None, None))
}

fn reply(who: &str, n: i64, root: &str, parent: &str) -> Entry {
    let reply = Reply { root: reference(root), parent: reference(parent) };
    wrote(who, POST, n, records::post("re", START_US, Some(&reply), None, None))
}

fn like(who: &str, n: i64, post: &str) -> Entry {
    wrote(who, LIKE, n, records::like(&reference(post), START_US))
}

fn follow(who: &str, n: i64, whom: &str) -> Entry {
    wrote(who, FOLLOW, n, records::follow(&did(whom), START_US))
}

/// Alice reads here and follows bob; eve and mallory are nobody's.
fn history() -> Vec<Entry> {
    let eve = |n| at("eve", POST, n);
    let alices = at("alice", POST, 1);
    let bobs = at("bob", POST, 2);
    let quote = |who: &str, n, of: &str| {
        let quoted = reference(of);
        wrote(who, POST, n, records::post("q", START_US, None, Some(&quoted), None))
    };
    let alice: Did = did("alice");
    let mention = Some(("alice.test", &alice));
    let late = 80 * DAY_MS;
    vec![
        post("alice", 1),
        post("bob", 2),
        follow("alice", 3, "bob"),
        // Nobody's, with what nobody did with it.
        post("eve", 10),
        like("mallory", 11, &eve(10)),
        wrote(
            "mallory",
            REPOST,
            12,
            records::repost(&reference(&eve(10)), &format_ms_us(START_US), None),
        ),
        reply("mallory", 13, &bobs, &bobs),
        quote("mallory", 14, &bobs),
        // All that there is of its author.
        post("zoe", 15),
        // Alice takes part.
        post("eve", 20),
        like("alice", 21, &eve(20)),
        like("mallory", 22, &eve(20)),
        post("eve", 30),
        wrote(
            "alice",
            REPOST,
            31,
            records::repost(&reference(&eve(30)), &format_ms_us(START_US), None),
        ),
        reply("eve", 40, &alices, &alices),
        post("eve", 50),
        reply("mallory", 51, &eve(50), &eve(50)),
        reply("alice", 52, &eve(50), &at("mallory", POST, 51)),
        post("eve", 60),
        quote("alice", 61, &eve(60)),
        wrote("eve", POST, 70, records::post("hi", START_US, None, None, mention)),
        quote("eve", 71, &alices),
        like("bob", 72, &eve(10)),
        // Young, and old but taken by the log of late.
        wrote("eve", POST, late, records::post("new", START_US + 80 * DAY_US, None, None, None)),
        post("mallory", late + 1),
    ]
}

async fn reads(harness: &Harness, who: &str) {
    harness.client.command(NoteReader { actor: did(who) }).await.unwrap();
}

fn config() -> RetentionConfig {
    RetentionConfig {
        posts_days: Some(30),
        reader_days: 200,
        batch_rows_max: 3,
        ..RetentionConfig::default()
    }
}

async fn sweep(harness: &Harness, config: &RetentionConfig, log_oldest_us: i64) -> Forgotten {
    let mut sweep = Sweep::begin(&harness.store, config, NOW_US, log_oldest_us).await.unwrap();
    assert!(!sweep.is_overwhelmed());
    while sweep.step(&harness.store).await.unwrap() {}
    sweep.forgotten()
}

/// Every row, but for counters that count nothing.
async fn rows(harness: &Harness) -> Vec<String> {
    let mut rows = harness.dump().await;
    rows.retain(|row| {
        let zero = row.starts_with("record_count|") && row.ends_with("|0|0|0|0|0");
        !zero
    });
    rows
}

async fn assert_right(harness: &Harness) {
    let report = audit::run(
        &harness.store,
        &AuditOptions::default(),
        &millrace_dataplane::progress::Progress::default(),
    )
    .await
    .unwrap();
    assert!(report.rows > 0);
    assert_eq!(report.total(), 0, "{:?}", report.listed);
}

async fn what_nobody_here_cares_for_is_forgotten_as_if_it_were_deleted(harness: Harness) {
    let other = harness.fresh().await;
    for entry in history() {
        harness.apply(std::slice::from_ref(&entry)).await;
        other.apply(&[entry]).await;
    }
    let before = rows(&harness).await;
    assert_eq!(sweep(&harness, &RetentionConfig::default(), NOW_US).await, Forgotten::default());
    assert_eq!(rows(&harness).await, before, "nothing is forgotten unless it is configured");

    reads(&harness, "alice").await;
    // The log still holds what came in the last 30 days.
    let gone = sweep(&harness, &config(), START_US + 70 * DAY_US).await;
    assert_eq!(gone, Forgotten { posts: 4, edges: 2, notifications: 0 });
    let delete = |who: &str, collection: &str, n: i64, rev: i64| {
        let ops = vec![entries::delete(collection, &tid(n).to_string())];
        entries::commit(&did(who), rev, ops)
    };
    let rev = 90 * DAY_MS;
    other
        .apply(&[
            delete("eve", POST, 10, rev),
            delete("mallory", POST, 13, rev),
            delete("mallory", POST, 14, rev + 1),
            delete("mallory", LIKE, 11, rev + 2),
            delete("mallory", REPOST, 12, rev + 3),
            delete("zoe", POST, 15, rev),
        ])
        .await;
    assert_eq!(rows(&harness).await, rows(&other).await);
    assert_right(&harness).await;
    assert_eq!(sweep(&harness, &config(), START_US + 70 * DAY_US).await, Forgotten::default());
    // Once the log has forgotten it too, what came late is old.
    let gone = sweep(&harness, &config(), NOW_US).await;
    assert_eq!(gone, Forgotten { posts: 1, ..Forgotten::default() });
    assert_right(&harness).await;
}

async fn what_comes_back_goes_again(harness: Harness) {
    reads(&harness, "alice").await;
    harness.apply(&history()).await;
    let gone = sweep(&harness, &config(), NOW_US).await;
    let kept = rows(&harness).await;
    // What the log holds is applied again after a crash: it is older than what is known.
    harness.apply(&history()).await;
    assert_eq!(rows(&harness).await, kept, "a replay brings nothing back");
    // Its repository is fetched whole, as after a gap.
    let all: Vec<(String, Vec<u8>)> = history()
        .into_iter()
        .filter(|entry| entry.header.did == did("mallory"))
        .flat_map(|entry| match entry.body {
            millrace_atproto::entry::EntryBody::Commit { ops } => ops,
            _ => Vec::new(),
        })
        .filter_map(|op| Some((format!("{}/{}", op.collection, op.rkey), op.record?)))
        .collect();
    harness.apply(&[entries::snapshot(&did("mallory"), 95 * DAY_MS, None, None, &all)]).await;
    assert_ne!(rows(&harness).await, kept);
    assert_right(&harness).await;
    // The log holds the snapshot: nothing of it goes yet.
    let held = sweep(&harness, &config(), START_US + 95 * DAY_US).await;
    assert_eq!(held, Forgotten::default());
    let again = sweep(&harness, &config(), NOW_US).await;
    // All but the posts of eve and zoe.
    assert_eq!((again.posts, again.edges), (gone.posts - 2, gone.edges));
    assert_eq!(rows(&harness).await, kept);
    assert_right(&harness).await;
}

async fn what_somebody_has_a_bookmark_of_stays(harness: Harness) {
    harness.apply(&history()).await;
    let named = records::post("n", START_US, None, None, None);
    let named = vec![entries::put(POST, "by-name", named)];
    harness.apply(&[entries::commit(&did("zoe"), 16, named)]).await;
    reads(&harness, "alice").await;
    let posts = [at("zoe", POST, 15), entries::uri(&did("zoe"), POST, "by-name")];
    for post in &posts {
        let (post, cid) = (post.parse().unwrap(), reference(post).cid);
        let kept = CreateBookmark { actor: did("alice"), post, cid };
        harness.client.command(kept).await.unwrap();
    }
    let gone = sweep(&harness, &config(), START_US + 70 * DAY_US).await;
    assert_eq!(gone.posts, 3, "all but those of zoe");
    for post in &posts {
        let given_up = DeleteBookmark { actor: did("alice"), post: post.parse().unwrap() };
        harness.client.command(given_up).await.unwrap();
    }
    let gone = sweep(&harness, &config(), START_US + 70 * DAY_US).await;
    assert_eq!(gone.posts, 2);
    assert_right(&harness).await;
}

async fn old_notices_of_edges_go_and_those_of_posts_stay(harness: Harness) {
    let alices = at("alice", POST, 1);
    let young = wrote(
        "mallory",
        LIKE,
        90 * DAY_MS,
        records::like(&reference(&alices), START_US + 90 * DAY_US),
    );
    let history = [
        post("alice", 1),
        like("eve", 2, &alices),
        follow("eve", 3, "alice"),
        reply("eve", 4, &alices, &alices),
        young,
    ];
    harness.apply(&history).await;
    let of_notices =
        |rows: Vec<String>| rows.into_iter().filter(|row| row.starts_with("notification|")).count();
    assert_eq!(of_notices(harness.dump().await), 4);
    let config = RetentionConfig { notifications_days: Some(30), ..config() };
    let config = RetentionConfig { posts_days: None, ..config };
    let gone = sweep(&harness, &config, NOW_US).await;
    assert_eq!(gone, Forgotten { notifications: 2, ..Forgotten::default() });
    assert_eq!(of_notices(harness.dump().await), 2, "the reply's, and the young one");
    assert_right(&harness).await;
}

async fn interest_is_who_reads_and_whom_they_follow(harness: Harness) {
    harness.apply(&history()).await;
    let terms = Terms { since_us: START_US - 1, interactions: false, accounts_max: 100 };
    let readers = interest::readers(&harness.store, terms.since_us).await.unwrap();
    assert!(readers.is_empty());
    reads(&harness, "alice").await;
    // Nobody has heard of her; she reads all the same.
    reads(&harness, "newcomer").await;
    let mut readers = interest::readers(&harness.store, terms.since_us).await.unwrap();
    readers.sort_unstable();
    assert_eq!(readers, [did("alice"), did("newcomer")]);
    assert!(interest::readers(&harness.store, START_US).await.unwrap().is_empty());
    let of = async |terms| {
        let found = interest::of_readers(&harness.store, &readers, terms).await.unwrap();
        let mut found: Vec<Did> = found.into_iter().collect();
        found.sort_unstable();
        found
    };
    assert_eq!(of(terms).await, [did("alice"), did("bob"), did("newcomer")]);
    let wide = Terms { interactions: true, ..terms };
    let all = [did("alice"), did("bob"), did("eve"), did("mallory"), did("newcomer")];
    assert_eq!(of(wide).await, all);
    assert_eq!(of(Terms { accounts_max: 2, ..wide }).await.len(), 2);
}
