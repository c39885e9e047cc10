//! What the other edges bring about: lines of a feed, and who is told of what.

use millrace_atproto::cid::Cid;
use millrace_atproto::entry::EntryOp;
use millrace_atproto::syntax::Did;
use millrace_dataplane::query::notifications::ListNotifications;
use serde_json::{Value, json};

use crate::entries::{self, POST, did, tid, uri};
use crate::harness::{Harness, on_every_engine};
use crate::kinds::record;

on_every_engine!(
    a_post_stands_in_a_feed_once_however_often_it_is_reposted,
    a_reposter_is_told_of_what_their_repost_led_to,
    a_verification_is_told_when_given_and_when_taken,
    a_starter_pack_is_told_of_who_joins_once,
    a_reply_that_waited_is_told_of_for_the_nearest_post,
);

const REPOST: &str = "app.bsky.feed.repost";

fn written(collection: &str, rkey: &str, mut json: Value) -> EntryOp {
    json["$type"] = json!(collection);
    json["createdAt"] = json!("2026-01-01T00:00:00.000Z");
    entries::put(collection, rkey, record(&json))
}

fn strong(uri: &str) -> Value {
    json!({"uri": uri, "cid": Cid::of_dag_cbor(uri.as_bytes()).to_string()})
}

fn key(n: i64) -> String {
    tid(n).to_string()
}

fn repost(n: i64, subject: &str) -> EntryOp {
    written(REPOST, &key(n), json!({"subject": strong(subject)}))
}

async fn told(harness: &Harness, actor: &Did) -> Vec<(String, Option<String>)> {
    let question: ListNotifications =
        serde_json::from_value(json!({"actor": actor.as_str()})).unwrap();
    let page = harness.client.ask(question).await.unwrap();
    page.notifications.into_iter().map(|n| (n.reason, n.reason_subject)).collect()
}

/// Record keys of the reposts that are lines of somebody's feed.
async fn lines(harness: &Harness) -> Vec<String> {
    let dump = harness.dump().await;
    let lines = dump.iter().filter_map(|row| {
        let columns: Vec<&str> = row.split('|').collect();
        (columns[0] == "feed_item" && columns[3] == "5").then(|| columns[4].to_owned())
    });
    lines.collect()
}

async fn a_post_stands_in_a_feed_once_however_often_it_is_reposted(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let subject = uri(&alice, POST, &key(1));
    let id = |n: i64| tid(n).to_u64().to_string();
    let commit = async |rev: i64, ops: Vec<EntryOp>| {
        harness.apply(&[entries::commit(&bob, rev, ops)]).await;
    };
    commit(1, vec![repost(5, &subject), repost(3, &subject)]).await;
    assert_eq!(lines(&harness).await, [id(5)]);
    commit(2, vec![repost(4, &subject)]).await;
    assert_eq!(lines(&harness).await, [id(5)]);
    // The one shown goes: the next that was indexed stands for the pair.
    commit(3, vec![entries::delete(REPOST, &key(5))]).await;
    assert_eq!(lines(&harness).await, [id(3)]);
    commit(4, vec![entries::delete(REPOST, &key(4))]).await;
    assert_eq!(lines(&harness).await, [id(3)]);
    commit(5, vec![entries::delete(REPOST, &key(3))]).await;
    assert!(lines(&harness).await.is_empty());
    // What is no post is no line.
    commit(6, vec![repost(6, &uri(&alice, "app.bsky.feed.generator", "hot"))]).await;
    assert!(lines(&harness).await.is_empty());
}

async fn a_reposter_is_told_of_what_their_repost_led_to(harness: Harness) {
    let (alice, bob, carol) = (did("alice"), did("bob"), did("carol"));
    let post = uri(&alice, POST, &key(1));
    let via = uri(&bob, REPOST, &key(2));
    let edge = |collection: &str, n: i64| {
        written(collection, &key(n), json!({"subject": strong(&post), "via": strong(&via)}))
    };
    let ops = vec![edge("app.bsky.feed.like", 3), edge(REPOST, 4)];
    let first = written(POST, &key(1), json!({"text": "a post"}));
    harness
        .apply(&[
            entries::commit(&alice, 1, vec![first]),
            entries::commit(&bob, 1, vec![repost(2, &post)]),
            entries::commit(&carol, 1, ops),
        ])
        .await;
    let mut to_bob = told(&harness, &bob).await;
    to_bob.sort();
    assert_eq!(
        to_bob,
        [
            ("like-via-repost".to_owned(), Some(via.clone())),
            ("repost-via-repost".to_owned(), Some(via)),
        ]
    );
}

async fn a_verification_is_told_when_given_and_when_taken(harness: Harness) {
    const VERIFICATION: &str = "app.bsky.graph.verification";
    let (alice, issuer) = (did("alice"), did("issuer"));
    let given =
        json!({"subject": alice.as_str(), "handle": "alice.test", "displayName": "A\u{0}lice"});
    let ops = vec![written(VERIFICATION, &key(1), given)];
    harness.apply(&[entries::commit(&issuer, 1, ops)]).await;
    assert_eq!(told(&harness, &alice).await, [("verified".to_owned(), None)]);
    let rows = harness.dump().await;
    assert!(rows.iter().any(|row| row.starts_with("verification|") && row.ends_with("|Alice")));
    let ops = vec![entries::delete(VERIFICATION, &key(1))];
    harness.apply(&[entries::commit(&issuer, 2, ops)]).await;
    assert_eq!(told(&harness, &alice).await, [("unverified".to_owned(), None)]);
}

async fn a_starter_pack_is_told_of_who_joins_once(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let pack = uri(&alice, "app.bsky.graph.starterpack", &key(1));
    let profile = |name: &str| {
        written(
            "app.bsky.actor.profile",
            "self",
            json!({"displayName": name, "joinedViaStarterPack": strong(&pack)}),
        )
    };
    let list = uri(&alice, "app.bsky.graph.list", &key(2));
    let made =
        written("app.bsky.graph.starterpack", &key(1), json!({"name": "friends", "list": list}));
    harness.apply(&[entries::commit(&alice, 1, vec![made])]).await;
    for (rev, name) in [(1, "Bob"), (2, "Bobby")] {
        harness.apply(&[entries::commit(&bob, rev, vec![profile(name)])]).await;
    }
    assert_eq!(told(&harness, &alice).await, [("starterpack-joined".to_owned(), Some(pack))]);
}

async fn a_reply_that_waited_is_told_of_for_the_nearest_post(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let [root, nearer] = [1, 2].map(|n| uri(&alice, POST, &key(n)));
    let post = |n: i64, parent: Option<&str>| {
        let reply = parent.map(|parent| json!({"root": strong(&root), "parent": strong(parent)}));
        let mut post = json!({"text": "a post"});
        if let Some(reply) = reply {
            post["reply"] = reply;
        }
        written(POST, &key(n), post)
    };
    harness.apply(&[entries::commit(&bob, 1, vec![post(3, Some(&nearer))])]).await;
    assert!(told(&harness, &alice).await.is_empty());
    // What it answers, and what that answers, come together: which first must not matter.
    let both = vec![post(1, None), post(2, Some(&root))];
    harness.apply(&[entries::commit(&alice, 1, both)]).await;
    assert_eq!(told(&harness, &alice).await, [("reply".to_owned(), Some(nearer))]);
}
