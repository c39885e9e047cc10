//! Every kind of record: random histories of all of them give the same rows however they are cut
//! into batches, replayed or taken as snapshots, and leave nothing behind.

use std::collections::BTreeMap;

use millrace_atproto::cbor;
use millrace_atproto::cid::Cid;
use millrace_atproto::entry::{Action, Entry, EntryOp};
use millrace_atproto::syntax::{AtUri, Did};
use millrace_dataplane::query::record::GetRecord;
use millrace_runtime::rng::Rng;
use millrace_store::{StoreError, Tx};
use serde_json::{Value, json};

use crate::entries::{self, did, tid, uri};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    wherever_batches_end_the_rows_are_the_same,
    heads_are_the_newest_lines_of_feeds,
    a_snapshot_of_every_kind_equals_the_commits,
    a_deleted_account_leaves_no_record_of_any_kind,
    a_record_is_under_the_key_its_kind_demands,
    every_kind_of_record_is_given_back,
);

pub const ACTORS: [&str; 4] = ["alice", "bob", "carol", "dan"];
/// Record keys each actor writes under: few, so that writes collide.
const KEYS: u64 = 5;
const SEEDS: u64 = 12;

/// A record as it is in a repository.
pub fn record(json: &Value) -> Vec<u8> {
    cbor::encode(&cbor::record_from_json(json).unwrap())
}

fn someone(rng: &Rng) -> Did {
    did(ACTORS[rng.below(4) as usize])
}

fn key(rng: &Rng) -> String {
    tid(rng.below(KEYS) as i64).to_string()
}

fn strong(uri: String) -> Value {
    json!({"cid": Cid::of_dag_cbor(uri.as_bytes()).to_string(), "uri": uri})
}

fn some(rng: &Rng, collection: &str) -> String {
    uri(&someone(rng), collection, &key(rng))
}

/// One of a few times, so that the newest record of an account is not the last that came.
fn some_time(rng: &Rng) -> String {
    format!("2025-12-31T23:59:5{}.000Z", rng.below(6))
}

fn post(rng: &Rng) -> Value {
    let mut post = json!({"text": "words", "createdAt": some_time(rng)});
    if rng.below(3) > 0 {
        let root = some(rng, "app.bsky.feed.post");
        let parent = if rng.below(2) == 0 { root.clone() } else { some(rng, "app.bsky.feed.post") };
        post["reply"] = json!({"root": strong(root), "parent": strong(parent)});
    }
    if rng.below(3) == 0 {
        let quoted = strong(some(rng, "app.bsky.feed.post"));
        post["embed"] = json!({"$type": "app.bsky.embed.record", "record": quoted});
    }
    if rng.below(3) == 0 {
        let feature =
            json!({"$type": "app.bsky.richtext.facet#mention", "did": someone(rng).as_str()});
        post["facets"] = json!([{"index": {"byteStart": 0, "byteEnd": 1}, "features": [feature]}]);
    }
    post
}

fn threadgate(rng: &Rng, author: &Did, rkey: &str) -> Value {
    let rule = |name: &str| json!({"$type": format!("app.bsky.feed.threadgate#{name}")});
    let mut list = rule("listRule");
    list["list"] = json!(some(rng, "app.bsky.graph.list"));
    let rules = [rule("mentionRule"), rule("followerRule"), rule("followingRule"), list];
    let allow: Vec<Value> = rules.into_iter().filter(|_| rng.below(3) == 0).collect();
    json!({
        "post": uri(author, "app.bsky.feed.post", rkey), "allow": allow,
        "hiddenReplies": [some(rng, "app.bsky.feed.post")], "createdAt": "2026-01-01T00:00:00.000Z",
    })
}

fn postgate(rng: &Rng, author: &Did, rkey: &str) -> Value {
    let rules = json!([{"$type": "app.bsky.feed.postgate#disableRule"}]);
    json!({
        "post": uri(author, "app.bsky.feed.post", rkey), "createdAt": "2026-01-01T00:00:00.000Z",
        "embeddingRules": if rng.below(2) == 0 { rules } else { json!([]) },
        "detachedEmbeddingUris": [some(rng, "app.bsky.feed.post")],
    })
}

/// The kinds, and whether an account has one such record.
const KINDS: [(&str, bool); 20] = [
    ("app.bsky.feed.post", false),
    ("app.bsky.feed.threadgate", false),
    ("app.bsky.feed.postgate", false),
    ("app.bsky.feed.like", false),
    ("app.bsky.feed.repost", false),
    ("app.bsky.feed.generator", false),
    ("app.bsky.graph.follow", false),
    ("app.bsky.graph.block", false),
    ("app.bsky.graph.list", false),
    ("app.bsky.graph.listitem", false),
    ("app.bsky.graph.listblock", false),
    ("app.bsky.graph.starterpack", false),
    ("app.bsky.graph.verification", false),
    ("app.bsky.actor.profile", true),
    ("app.bsky.actor.status", true),
    ("app.bsky.labeler.service", true),
    ("app.bsky.notification.declaration", true),
    ("chat.bsky.actor.declaration", true),
    ("com.germnetwork.declaration", true),
    ("site.standard.publication", false),
];

/// A record of a kind, valid by its lexicon.
pub fn made(rng: &Rng, kind: &str, author: &Did, rkey: &str) -> Value {
    let at = "2026-01-01T00:00:00.000Z";
    let subject = || someone(rng).as_str().to_owned();
    let mut made = match kind {
        "app.bsky.feed.post" => post(rng),
        "app.bsky.feed.threadgate" => threadgate(rng, author, rkey),
        "app.bsky.feed.postgate" => postgate(rng, author, rkey),
        "app.bsky.feed.like" | "app.bsky.feed.repost" => {
            let mut edge = json!({"subject": strong(some(rng, "app.bsky.feed.post")), "createdAt": some_time(rng)});
            if rng.below(3) == 0 {
                edge["via"] = strong(some(rng, "app.bsky.feed.repost"));
            }
            edge
        }
        "app.bsky.feed.generator" => {
            json!({"did": "did:web:feeds.test", "displayName": "f", "createdAt": at})
        }
        "app.bsky.graph.follow" | "app.bsky.graph.block" => {
            json!({"subject": subject(), "createdAt": at})
        }
        "app.bsky.graph.list" => {
            json!({"purpose": "app.bsky.graph.defs#modlist", "name": "l", "createdAt": at})
        }
        "app.bsky.graph.listitem" => {
            // Now and then on somebody else's list, where it does not count.
            let owner = if rng.below(4) == 0 { someone(rng) } else { author.clone() };
            let list = uri(&owner, "app.bsky.graph.list", &key(rng));
            json!({"subject": subject(), "list": list, "createdAt": at})
        }
        "app.bsky.graph.listblock" => {
            json!({"subject": some(rng, "app.bsky.graph.list"), "createdAt": at})
        }
        "app.bsky.graph.starterpack" => {
            json!({"name": "s", "list": some(rng, "app.bsky.graph.list"), "createdAt": at})
        }
        "app.bsky.graph.verification" => {
            json!({"subject": subject(), "handle": "a.test", "displayName": "A", "createdAt": at})
        }
        "app.bsky.actor.profile" => json!({
            "displayName": format!("name {}", rng.below(3)),
            "joinedViaStarterPack": strong(some(rng, "app.bsky.graph.starterpack")),
        }),
        "app.bsky.actor.status" => {
            json!({"status": "app.bsky.actor.status#live", "createdAt": at})
        }
        "app.bsky.labeler.service" => {
            json!({"policies": {"labelValues": ["spam"]}, "createdAt": at})
        }
        "app.bsky.notification.declaration" => json!({"allowSubscriptions": "followers"}),
        "chat.bsky.actor.declaration" => json!({"allowIncoming": "all"}),
        "com.germnetwork.declaration" => {
            json!({"version": "1.0.0", "currentKey": {"$bytes": "AAAA"}})
        }
        "site.standard.publication" => json!({"url": "https://example.com", "name": "p"}),
        other => panic!("no record of kind {other} is made here"),
    };
    made["$type"] = json!(kind);
    // So that an edit is one.
    made["n"] = json!(rng.below(2));
    made
}

fn some_op(rng: &Rng, author: &Did) -> EntryOp {
    let (kind, single) = KINDS[rng.below(KINDS.len() as u64) as usize];
    let rkey = if single { "self".to_owned() } else { key(rng) };
    match rng.below(4) {
        0 => entries::delete(kind, &rkey),
        _ => entries::put(kind, &rkey, record(&made(rng, kind, author, &rkey))),
    }
}

/// Commits of all kinds by a few people.
pub fn history(seed: u64, commits: i64) -> Vec<Entry> {
    let rng = Rng::seeded(seed);
    let commit = |n: i64| {
        let author = someone(&rng);
        let ops = (0..=rng.below(3)).map(|_| some_op(&rng, &author)).collect();
        entries::commit(&author, n, ops)
    };
    (1..=commits).map(commit).collect()
}

/// An empty store that knows everybody, so that ids are the same in all of them.
async fn peopled(harness: &Harness) -> Harness {
    let fresh = harness.fresh().await;
    let people: Vec<Entry> =
        ACTORS.iter().map(|name| entries::identity(&did(name), 0, None)).collect();
    fresh.apply(&people).await;
    fresh
}

async fn wherever_batches_end_the_rows_are_the_same(harness: Harness) {
    for seed in 0..SEEDS {
        let history = history(seed, 150);
        let (one_by_one, batches) = (peopled(&harness).await, peopled(&harness).await);
        for entry in &history {
            one_by_one.apply(std::slice::from_ref(entry)).await;
        }
        let rng = Rng::seeded(seed + 1_000);
        let mut rest = history.as_slice();
        while !rest.is_empty() {
            let (batch, after) = rest.split_at((1 + rng.below(60) as usize).min(rest.len()));
            batches.apply(batch).await;
            // Delivered again.
            if rng.below(3) == 0 {
                batches.apply(batch).await;
            }
            rest = after;
        }
        let (expected, found) = (counting(one_by_one.dump().await), counting(batches.dump().await));
        assert!(expected.iter().any(|row| row.starts_with("list_item")), "seed {seed}");
        similar_asserts(seed, &expected, &found);
    }
}

/// Of each account with lines in its feed the newest one's time, by the lines and as it is kept.
async fn heads(harness: &Harness) -> [Vec<(i64, i64)>; 2] {
    let asked = |tx: &mut Tx| {
        let mut rows = |sql: &str| tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok::<_, StoreError>([
            rows(
                "SELECT actor_id, max(sort_at_us) FROM feed_item GROUP BY actor_id ORDER BY actor_id",
            )?,
            rows("SELECT actor_id, sort_at_us FROM feed_head ORDER BY actor_id")?,
        ])
    };
    harness.store.read(asked).await.unwrap()
}

async fn heads_are_the_newest_lines_of_feeds(harness: Harness) {
    let (mut seen, mut sunk, mut gone) = (0, 0, 0);
    for seed in 0..4 {
        let fresh = peopled(&harness).await;
        let rng = Rng::seeded(seed + 2_000);
        let history = history(seed + 200, 160);
        let mut before = BTreeMap::new();
        let (mut rest, mut done) = (history.as_slice(), 0);
        while !rest.is_empty() {
            let (batch, after) = rest.split_at((1 + rng.below(9) as usize).min(rest.len()));
            fresh.apply(batch).await;
            (rest, done) = (after, done + batch.len());
            let author = someone(&rng);
            // Delivered again, taken back to what it was, or gone for good and come again.
            let earlier = &history[..rng.below(done as u64 + 1) as usize];
            let records: Vec<(String, Vec<u8>)> =
                left(earlier).remove(&author).unwrap_or_default().into_iter().collect();
            let rev = done as i64;
            match rng.below(8) {
                0 => fresh.apply(batch).await,
                1 => fresh.apply(&[entries::snapshot(&author, rev, None, None, &records)]).await,
                2 => fresh.apply(&[entries::account(&author, rev, false, Some("deleted"))]).await,
                _ => {}
            }
            let [expected, found] = heads(&fresh).await;
            assert_eq!(expected, found, "seed {seed} after {done}");
            let now: BTreeMap<i64, i64> = found.into_iter().collect();
            seen += now.len();
            sunk +=
                before.iter().filter(|(id, at)| now.get(id).is_some_and(|now| now < at)).count();
            gone += before.keys().filter(|id| !now.contains_key(id)).count();
            before = now;
        }
    }
    assert!(seen > 0 && sunk > 0 && gone > 0, "{seen} heads, {sunk} sunk, {gone} gone");
}

/// Says what differs rather than all there is.
#[track_caller]
pub fn similar_asserts(seed: u64, expected: &[String], found: &[String]) {
    let only = |left: &[String], right: &[String]| {
        left.iter().filter(|row| !right.contains(row)).cloned().collect::<Vec<_>>()
    };
    let (missing, surplus) = (only(expected, found), only(found, expected));
    assert!(missing.is_empty() && surplus.is_empty(), "seed {seed}: -{missing:#?} +{surplus:#?}");
    assert_eq!(expected.len(), found.len(), "seed {seed}");
}

/// The records a history leaves, by account.
fn left(history: &[Entry]) -> BTreeMap<Did, BTreeMap<String, Vec<u8>>> {
    let mut left: BTreeMap<Did, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for entry in history {
        let millrace_atproto::entry::EntryBody::Commit { ops } = &entry.body else { continue };
        let records = left.entry(entry.header.did.clone()).or_default();
        for op in ops {
            let path = format!("{}/{}", op.collection.as_str(), op.rkey.as_str());
            match (op.action, &op.record) {
                (Action::Delete, _) | (_, None) => records.remove(&path),
                (_, Some(record)) => records.insert(path, record.clone()),
            };
        }
    }
    left
}

/// Rows of records alone: what was told and what gates allowed depends on the way there.
fn of_records(dump: Vec<String>) -> Vec<String> {
    const RECORDS: [&str; 11] = [
        "\"like\"",
        "like_by_subject",
        "repost",
        "repost_by_subject",
        "follow",
        "follow_by_subject",
        "block",
        "list_item",
        "list_block",
        "verification",
        "document",
    ];
    let is_record = |row: &String| {
        RECORDS.iter().any(|table| row.split('|').next() == Some(table))
            || row.starts_with("actor_count")
            || row.starts_with("record_count")
    };
    // So does which replies count.
    let without_replies = |row: String| match row.strip_prefix("record_count|") {
        Some(counts) => {
            let mut columns: Vec<&str> = counts.split('|').collect();
            columns.remove(4);
            format!("record_count|{}", columns.join("|"))
        }
        None => row,
    };
    counting(dump.into_iter().filter(is_record).map(without_replies).collect())
}

/// Rows without counters that stand at nothing: such a row is or is not.
fn counting(dump: Vec<String>) -> Vec<String> {
    dump.into_iter().filter(|row| !counts_nothing(row)).collect()
}

/// Whether a row is a counter that stands at nothing.
pub fn counts_nothing(row: &str) -> bool {
    let key_columns = match row.split('|').next() {
        Some("actor_count") => 1,
        Some("record_count") => 3,
        _ => return false,
    };
    row.split('|').skip(1 + key_columns).all(|count| count == "0")
}

async fn a_snapshot_of_every_kind_equals_the_commits(harness: Harness) {
    for seed in 0..4 {
        let history = history(seed, 120);
        let (by_commits, by_snapshots) = (peopled(&harness).await, peopled(&harness).await);
        by_commits.apply(&history).await;
        // What the store held before the snapshots came is an earlier, different state.
        by_snapshots.apply(&history[..40]).await;
        for (author, records) in left(&history) {
            let records: Vec<(String, Vec<u8>)> = records.into_iter().collect();
            by_snapshots.apply(&[entries::snapshot(&author, 500, None, None, &records)]).await;
        }
        let expected = of_records(by_commits.dump().await);
        let found = of_records(by_snapshots.dump().await);
        similar_asserts(seed, &expected, &found);
    }
}

async fn a_deleted_account_leaves_no_record_of_any_kind(harness: Harness) {
    let history = history(7, 300);
    harness.apply(&history).await;
    for (n, name) in (0..).zip(ACTORS) {
        harness.apply(&[entries::account(&did(name), 1_000 + n, false, Some("deleted"))]).await;
    }
    let rows = harness.dump().await;
    let left: Vec<&String> = rows
        .iter()
        .filter(|row| {
            let unverified = row.starts_with("notification|") && row.contains("recordDeleted");
            !(row.starts_with("actor|") || counts_nothing(row) || unverified)
        })
        .collect();
    assert!(left.is_empty(), "{left:#?}");
}

async fn a_record_is_under_the_key_its_kind_demands(harness: Harness) {
    let alice = did("alice");
    let rng = Rng::seeded(1);
    let status = record(&made(&rng, "app.bsky.actor.status", &alice, "self"));
    let profile = record(&made(&rng, "app.bsky.actor.profile", &alice, "self"));
    let gate = record(&made(&rng, "app.bsky.feed.threadgate", &alice, "3lzzzzzzzzz2z"));
    let ops = vec![
        entries::put("app.bsky.actor.status", "other", status),
        entries::put("app.bsky.actor.profile", "self", profile),
        // A deletion of what cannot be there takes nothing with it.
        entries::delete("app.bsky.actor.profile", "other"),
        // The gate of another post than the one it names.
        entries::put("app.bsky.feed.threadgate", "3lzzzzzzzzz2y", gate),
    ];
    harness.apply(&[entries::commit(&alice, 1, ops)]).await;
    let rows = harness.dump().await;
    let tables: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.split('|').next())
        .filter(|table| ["document", "profile"].contains(table))
        .collect();
    assert_eq!(tables, ["profile"]);
}

async fn every_kind_of_record_is_given_back(harness: Harness) {
    let (alice, rng) = (did("alice"), Rng::seeded(3));
    let rkey = |single: bool| if single { "self".to_owned() } else { tid(1).to_string() };
    // The post first: an edge's record names the CID of what it points at.
    let subject = uri(&alice, "app.bsky.feed.post", &rkey(false));
    let (mut ops, mut expected) = (Vec::new(), Vec::new());
    let mut subject_cid = None;
    for (kind, single) in KINDS {
        let mut json = made(&rng, kind, &alice, &rkey(single));
        let is_edge = !["app.bsky.feed.post", "app.bsky.actor.profile"].contains(&kind)
            && (json.get("subject").is_some() || json.get("list").is_some());
        if is_edge {
            json.as_object_mut().unwrap().retain(|key, _| key != "n" && key != "via");
        }
        if ["app.bsky.feed.like", "app.bsky.feed.repost"].contains(&kind) {
            json["subject"] = json!({"uri": subject, "cid": subject_cid});
        }
        if kind == "app.bsky.graph.listitem" {
            json["list"] = json!(uri(&alice, "app.bsky.graph.list", &rkey(false)));
        }
        let bytes = record(&json);
        let cid = Cid::of_dag_cbor(&bytes);
        if kind == "app.bsky.feed.post" {
            subject_cid = Some(cid.to_string());
        }
        ops.push(entries::put(kind, &rkey(single), bytes));
        expected.push((uri(&alice, kind, &rkey(single)), cid, json));
    }
    harness.apply(&[entries::commit(&alice, 1, ops)]).await;
    for (uri, cid, json) in expected {
        let asked = GetRecord { uri: AtUri::parse(&uri).unwrap() };
        let kept = harness.client.ask(asked).await.unwrap().kept;
        let kept = kept.unwrap_or_else(|| panic!("{uri} is not kept"));
        assert_eq!(kept.cid, cid, "{uri}");
        assert_eq!(serde_json::from_str::<Value>(kept.value.get()).unwrap(), json, "{uri}");
    }
    // What an edge says besides is not kept, and so it is said.
    let mut via = made(&rng, "app.bsky.feed.like", &alice, &rkey(false));
    via["via"] = strong(uri(&did("bob"), "app.bsky.feed.repost", &tid(7).to_string()));
    let op = entries::put("app.bsky.feed.like", &tid(2).to_string(), record(&via));
    harness.apply(&[entries::commit(&alice, 2, vec![op])]).await;
    let asked = |n: i64| GetRecord {
        uri: AtUri::parse(&uri(&alice, "app.bsky.feed.like", &tid(n).to_string())).unwrap(),
    };
    assert!(harness.client.ask(asked(2)).await.unwrap().kept.is_none());
    assert!(harness.client.ask(asked(3)).await.is_err());
}
