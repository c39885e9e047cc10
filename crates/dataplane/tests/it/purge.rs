//! What deleted accounts owned here: it goes whole, of them alone, and once.

use std::collections::BTreeSet;

use millrace_atproto::cid::Cid;
use millrace_dataplane::apply::change::{Changes, Op};
use millrace_dataplane::client::Client;
use millrace_dataplane::interest::NoteReader;
use millrace_dataplane::purge::{self, DERIVED, EVENTS, OPERATORS, Purged, TABLES};
use millrace_dataplane::query::bookmark::CreateBookmark;
use millrace_dataplane::query::draft::CreateDraft;
use millrace_dataplane::query::feed_seen::{MarkFeedSeen, SeenItem};
use millrace_dataplane::query::limited_post::{LIMITED_POST, Limit, PutLimitedPost, Withdraw};
use millrace_dataplane::query::media::{KeepMedia, Media};
use millrace_dataplane::query::mute::{ACTOR_MUTE, MuteActor, MuteActorList, MuteThread};
use millrace_dataplane::query::notifications::UpdateSeen;
use millrace_dataplane::query::owned::{EraseOwned, GetOwned, OwnedPosition};
use millrace_dataplane::query::preferences::{
    Preference, PutNotificationPreferences, PutNotificationPriority,
};
use millrace_dataplane::query::push::{Device, Platform, RegisterPush};
use millrace_dataplane::query::subscription::PutActivitySubscription;
use millrace_dataplane::query::web_push::{PushKeys, PushSubscription, PutWebPush};
use millrace_dataplane::reason::Reason;
use millrace_store::testing::Engine;
use millrace_store::{Param, Store, StoreError};

use crate::entries::{self, did, uri};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::at;

on_every_engine!(
    every_table_is_somebodys_or_derived,
    story_21_what_a_deleted_account_owned_goes,
    an_account_is_told_what_it_owns_and_may_have_it_erased,
    who_comes_back_has_their_rows_until_then,
);

const POST: &str = "app.bsky.feed.post";
const LIST: &str = "app.bsky.graph.list";

fn own(harness: &Harness) -> &Store {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    &local.own
}

/// A row in every table.
async fn owns_everything(client: &Client, who: &str) {
    let actor = did(who);
    let (bob, post) = (did("bob"), at(&uri(&did("bob"), POST, "a")));
    client.command(NoteReader { actor: actor.clone() }).await.unwrap();
    client.command(UpdateSeen { actor: actor.clone(), seen_at_us: 1 }).await.unwrap();
    let items = vec![SeenItem { uri: post.clone(), position: Some(3) }];
    let seen = MarkFeedSeen { actor: actor.clone(), items, up_to_us: Some(1) };
    client.command(seen).await.unwrap();
    let mute = MuteActor {
        actor: actor.clone(),
        subject: bob.clone(),
        only_reposts: false,
        only_quoteposts: false,
    };
    client.command(mute).await.unwrap();
    let list = at(&uri(&bob, LIST, "a"));
    client.command(MuteActorList { actor: actor.clone(), list }).await.unwrap();
    client.command(MuteThread { actor: actor.clone(), root: post.clone() }).await.unwrap();
    let cid = Cid::of_raw(b"x");
    client.command(CreateBookmark { actor: actor.clone(), post, cid }).await.unwrap();
    let own_post = at(&uri(&did("bob"), POST, who));
    client.command(CreateBookmark { actor: actor.clone(), post: own_post, cid }).await.unwrap();
    client.command(CreateDraft { actor: actor.clone(), draft: "1".to_owned() }).await.unwrap();
    let preference =
        Preference { reason: Reason::Like, only_follows: true, list: true, push: true };
    let preferences = vec![preference];
    client.command(PutNotificationPreferences { actor: actor.clone(), preferences }).await.unwrap();
    let priority = PutNotificationPriority { actor: actor.clone(), priority: true };
    client.command(priority).await.unwrap();
    let subscription =
        PutActivitySubscription { actor: actor.clone(), subject: bob, post: true, reply: true };
    client.command(subscription).await.unwrap();
    let device = Device { platform: Platform::Ios, app_id: "a".to_owned(), token: "t".to_owned() };
    let post = PutLimitedPost {
        actor: actor.clone(),
        rkey: entries::tid(1).into(),
        visibility: Limit::Followers,
        content: "text".to_owned(),
        langs: Vec::new(),
        idempotency_key: None,
        withdraws: Some(Withdraw { rkey: entries::tid(2).into(), grant_id: "g".to_owned() }),
    };
    client.command(post).await.unwrap();
    let (cid, mime_type, alt) = ("cid".to_owned(), "image/png".to_owned(), String::new());
    let media = Media { cid, mime_type, bytes: 1, width: 1, height: 1, alt };
    client.command(KeepMedia { actor: actor.clone(), media }).await.unwrap();
    let push = RegisterPush { actor: actor.clone(), device, age_restricted: false, devices_max: 1 };
    client.command(push).await.unwrap();
    let keys = PushKeys { p256dh: "a".to_owned(), auth: "b".to_owned() };
    let subscription = PushSubscription { endpoint: "https://push.example.com/a".to_owned(), keys };
    client
        .command(PutWebPush { actor, subscription, devices_max: 1, session_id: None })
        .await
        .unwrap();
}

/// How many rows somebody has, table by table.
async fn rows(harness: &Harness, who: &str) -> Vec<i64> {
    let who = did(who);
    let count = move |tx: &mut millrace_store::Tx| -> Result<Vec<i64>, StoreError> {
        let count = |table| {
            let sql = format!("SELECT count(*) FROM {table} WHERE did = $1");
            tx.query_one(&sql, &[Param::from(&who)], |row| row.get(0))
        };
        TABLES.into_iter().map(count).collect()
    };
    own(harness).read(count).await.unwrap()
}

/// How often each of bob's posts is kept.
async fn counts(harness: &Harness) -> Vec<(String, i64)> {
    let read = |tx: &mut millrace_store::Tx| -> Result<Vec<(String, i64)>, StoreError> {
        let sql = "SELECT subject_rkey, bookmarks FROM bookmark_count ORDER BY subject_rkey";
        tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
    };
    own(harness).read(read).await.unwrap()
}

/// An event of a post that a webhook did not take.
async fn was_not_delivered(harness: &Harness, who: &str) {
    let who = did(who);
    let insert = move |tx: &mut millrace_store::Tx| {
        let nothing: &[u8] = &[];
        tx.execute(
            "INSERT INTO dlq (consumer, event_id, topic, original_topic, partition, log_offset, key, did, headers,
               payload, error, reason, attempts, first_at_us, last_at_us, state)
             VALUES ('webhook:a', $1, 't', 't', 0, 0, $2, $1, $2, $2, '', '', 1, 1, 1, 0)",
            &[Param::from(&who), Param::Blob(nothing)],
        )
    };
    let inserted: Result<u64, StoreError> = own(harness).write(insert).await;
    assert_eq!(inserted.unwrap(), 1);
}

/// Whose events were not delivered.
async fn not_delivered(harness: &Harness) -> Vec<String> {
    let read = |tx: &mut millrace_store::Tx| {
        tx.query("SELECT did FROM dlq ORDER BY did", &[], |row| row.get::<String>(0))
    };
    let found: Result<Vec<String>, StoreError> = own(harness).read(read).await;
    found.unwrap()
}

async fn purge(harness: &Harness) -> Purged {
    purge::deleted_accounts(&harness.store, own(harness)).await.unwrap()
}

async fn every_table_is_somebodys_or_derived(harness: Harness) {
    let engine = harness.engine;
    let found: BTreeSet<String> = own(&harness)
        .read(move |tx| {
            let sql = match engine {
                Engine::Sqlite => {
                    "SELECT m.name FROM sqlite_schema AS m CROSS JOIN pragma_table_info(m.name) AS c
                    WHERE m.type = 'table' AND c.name LIKE '%did'"
                }
                Engine::Postgres => {
                    "SELECT CAST(table_name AS text) FROM information_schema.columns
                     WHERE table_schema = current_schema() AND column_name LIKE '%did'"
                }
            };
            Ok::<_, StoreError>(tx.query(sql, &[], |row| row.get(0))?.into_iter().collect())
        })
        .await
        .unwrap();
    let known = TABLES
        .iter()
        .chain(&OPERATORS)
        .chain(&DERIVED)
        .chain(&EVENTS)
        .map(|table| (*table).to_owned());
    // These name records as well as accounts, or issuers, in columns that are not looked for here.
    let unnamed = ["curated", "issued_label_last"];
    let known: BTreeSet<String> =
        known.filter(|table| !unnamed.contains(&table.as_str())).collect();
    assert_eq!(found, known, "a table of `own` says in `purge` whose its rows are");
    owns_everything(&harness.client, "alice").await;
    assert!(rows(&harness, "alice").await.iter().all(|rows| *rows > 0));
}

async fn story_21_what_a_deleted_account_owned_goes(harness: Harness) {
    let names = ["alice", "gone", "away", "unknown"];
    for who in names {
        owns_everything(&harness.client, who).await;
        was_not_delivered(&harness, who).await;
    }
    let account =
        |who: &str, status: Option<&str>| entries::account(&did(who), 1, status.is_none(), status);
    harness
        .apply(&[
            account("alice", None),
            account("gone", Some("deleted")),
            account("away", Some("deactivated")),
        ])
        .await;
    let before = rows(&harness, "alice").await;
    let purged = purge(&harness).await;
    assert_eq!(purged, Purged { accounts: 1, rows: TABLES.len() as u64 + 2 });
    let others = ["alice", "away", "unknown"].map(|who| did(who).to_string());
    assert_eq!(not_delivered(&harness).await, others);
    assert!(rows(&harness, "gone").await.iter().all(|rows| *rows == 0));
    for who in ["alice", "away", "unknown"] {
        assert_eq!(rows(&harness, who).await, before, "{who}");
    }
    let kept = [("a", 3), ("alice", 1), ("away", 1), ("unknown", 1)];
    assert_eq!(counts(&harness).await, kept.map(|(rkey, n)| (rkey.to_owned(), n)));
    assert_eq!(purge(&harness).await, Purged::default());
}

async fn an_account_is_told_what_it_owns_and_may_have_it_erased(harness: Harness) {
    for who in ["alice", "carol"] {
        owns_everything(&harness.client, who).await;
    }
    let (alice, before) = (did("alice"), rows(&harness, "alice").await);
    // More than a page of drafts.
    for _ in 0..40 {
        let draft = CreateDraft { actor: alice.clone(), draft: "{\"a\":1}".to_owned() };
        harness.client.command(draft).await.unwrap();
    }
    let mut told: Vec<(String, serde_json::Value)> = Vec::new();
    let mut cursor = None;
    loop {
        let question = GetOwned { actor: alice.clone(), cursor: cursor.take() };
        let page = harness.client.ask(question).await.unwrap();
        told.extend(page.rows.into_iter().map(|row| (page.kind.clone(), row)));
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    for (table, rows) in TABLES.iter().zip(&before) {
        let more = if *table == "draft" { 40 } else { 0 };
        let found = told.iter().filter(|(kind, _)| kind == table).count() as i64;
        assert_eq!(found, rows + more, "{table}");
    }
    let drafts = told.iter().filter(|(kind, _)| kind == "draft");
    let ids: BTreeSet<&str> = drafts.clone().map(|(_, row)| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), drafts.clone().count(), "none twice");
    assert!(drafts.clone().any(|(_, row)| row["draft"] == serde_json::json!({ "a": 1 })));
    assert!(drafts.clone().all(|(_, row)| row["created_at"].as_str().is_some()));
    let wrong = OwnedPosition { kind: "takedown".to_owned(), after: Vec::new() };
    let question = GetOwned { actor: alice.clone(), cursor: Some(wrong) };
    assert!(harness.client.ask(question).await.is_err(), "what operators keep is nobody's");

    let others = rows(&harness, "carol").await;
    forget_told(&harness).await;
    let erased = harness.client.command(EraseOwned { actor: alice.clone() }).await.unwrap();
    assert_eq!(erased.rows, told.len() as u64);
    assert!(rows(&harness, "alice").await.iter().all(|rows| *rows == 0));
    assert_eq!(rows(&harness, "carol").await, others);
    assert_eq!(counts(&harness).await.last(), Some(&("carol".to_owned(), 1)));
    // Homes are told of what they show of it.
    let told = forget_told(&harness).await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].did, alice);
    let gone: Vec<(&str, Op)> =
        told[0].changes.iter().map(|change| (change.collection.as_str(), change.op)).collect();
    assert_eq!(gone, [(LIMITED_POST, Op::Removed), (ACTOR_MUTE, Op::Removed)]);
    let again = harness.client.command(EraseOwned { actor: alice }).await.unwrap();
    assert_eq!(again.rows, 0);
    assert!(forget_told(&harness).await.is_empty());
}

/// What homes were to be told, which they are not.
async fn forget_told(harness: &Harness) -> Vec<Changes> {
    let take = |tx: &mut millrace_store::Tx| -> Result<Vec<Vec<u8>>, StoreError> {
        let told = tx.query("SELECT payload FROM outbox ORDER BY id", &[], |row| row.get(0))?;
        tx.execute("DELETE FROM outbox", &[])?;
        Ok(told)
    };
    let told = own(harness).write(take).await.unwrap();
    told.iter().map(|payload| serde_json::from_slice(payload).unwrap()).collect()
}

async fn who_comes_back_has_their_rows_until_then(harness: Harness) {
    harness.apply(&[entries::account(&did("gone"), 1, false, Some("deleted"))]).await;
    // A backup from before was put back, or the account was told something late.
    owns_everything(&harness.client, "gone").await;
    assert_eq!(purge(&harness).await.accounts, 1);
    harness.apply(&[entries::account(&did("gone"), 2, true, None)]).await;
    owns_everything(&harness.client, "gone").await;
    assert_eq!(purge(&harness).await, Purged::default());
    assert!(rows(&harness, "gone").await.iter().all(|rows| *rows > 0));
}
