//! Notifications: of records that are still there, of threads that are not muted, of whom one
//! follows, and what is counted of them.

use millrace_dataplane::model::Notification;
use millrace_dataplane::query::mute::MuteThread;
use millrace_dataplane::query::notifications::{GetUnreadCount, ListNotifications, UpdateSeen};
use serde_json::json;

use crate::entries::{START_US, did};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at, strong};

on_every_engine!(
    subjects_that_are_gone,
    muted_threads_from_then_on,
    priority_and_reasons,
    a_verification_taken_back,
);

const LIKE: &str = "app.bsky.feed.like";
const REPOST: &str = "app.bsky.feed.repost";
const FOLLOW: &str = "app.bsky.graph.follow";
const GENERATOR: &str = "app.bsky.feed.generator";

fn asked(reasons: &[&str], priority: bool) -> ListNotifications {
    ListNotifications {
        actor: did("alice"),
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        priority,
        limit: 50,
        cursor: None,
    }
}

async fn told(town: &Town, question: ListNotifications) -> Vec<Notification> {
    town.harness.client.ask(question).await.unwrap().notifications
}

async fn reasons(town: &Town) -> Vec<String> {
    told(town, asked(&[], false)).await.into_iter().map(|told| told.reason).collect()
}

async fn unread(town: &Town, priority: bool) -> i64 {
    let asked = GetUnreadCount { actor: did("alice"), priority };
    town.harness.client.ask(asked).await.unwrap().count
}

async fn edge(town: &Town, who: &str, collection: &str, subject: &str) -> String {
    town.write(who, collection, json!({ "subject": strong(subject) })).await
}

async fn subjects_that_are_gone(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    let feed =
        town.write("alice", GENERATOR, json!({ "did": did("cats"), "displayName": "c" })).await;
    let repost = edge(&town, "alice", REPOST, &town.post("dan").await).await;
    for subject in [&post, &feed, &repost] {
        edge(&town, "bob", LIKE, subject).await;
    }
    edge(&town, "bob", LIKE, "at://did:web:alice.test/com.example.thing/x").await;
    assert_eq!((reasons(&town).await, unread(&town, false).await), (vec!["like".to_owned(); 3], 4));
    for (gone, left) in [(&repost, 2), (&feed, 1), (&post, 0)] {
        town.delete(gone).await;
        assert_eq!(reasons(&town).await.len(), left);
        assert_eq!(unread(&town, false).await, 4, "counted until they are seen");
    }
}

async fn muted_threads_from_then_on(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    let reply = async |at_us: i64| {
        let at = millrace_atproto::datetime::format_ms_us(START_US + at_us);
        let reply = json!({ "root": strong(&root), "parent": strong(&root) });
        let post = json!({ "text": "r", "reply": reply, "createdAt": at });
        town.write("bob", "app.bsky.feed.post", post).await
    };
    let before = reply(-5_000_000).await;
    // A key that is no TID is as good as one.
    let named = town.put("alice", "app.bsky.feed.post", "named", json!({ "text": "n" })).await;
    for root in [&root, &named] {
        let mute = MuteThread { actor: did("alice"), root: at(root) };
        town.harness.client.command(mute).await.unwrap();
    }
    reply(0).await;
    town.reply("bob", &named, &named).await;
    let elsewhere = town.post("alice").await;
    let heard = town.reply("bob", &elsewhere, &elsewhere).await;
    let told = told(&town, asked(&[], false)).await;
    let uris: Vec<&String> = told.iter().map(|told| &told.uri).collect();
    assert_eq!(uris, [&heard, &before]);
    assert_eq!(unread(&town, false).await, 2);
}

async fn priority_and_reasons(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    town.edge("alice", FOLLOW, "friend").await;
    for who in ["bob", "friend", "carol"] {
        edge(&town, who, LIKE, &post).await;
        edge(&town, who, REPOST, &post).await;
    }
    assert_eq!((unread(&town, false).await, unread(&town, true).await), (6, 2));
    let friends = told(&town, asked(&[], true)).await;
    assert!(friends.iter().all(|told| told.author == did("friend")));
    assert_eq!(friends.len(), 2);
    assert_eq!(told(&town, asked(&["repost"], true)).await.len(), 1);
    assert_eq!(told(&town, asked(&["repost", "unheard-of"], false)).await.len(), 3);
    let seen = UpdateSeen { actor: did("alice"), seen_at_us: i64::MAX };
    town.harness.client.command(seen).await.unwrap();
    assert_eq!((unread(&town, false).await, unread(&town, true).await), (0, 0));
}

async fn a_verification_taken_back(harness: Harness) {
    let town = Town::new(harness);
    town.post("alice").await;
    let record = json!({ "subject": did("alice"), "handle": "alice.test", "displayName": "Alice" });
    let verification = town.write("issuer", "app.bsky.graph.verification", record).await;
    assert_eq!(
        (reasons(&town).await, unread(&town, false).await),
        (vec!["verified".to_owned()], 1)
    );
    town.delete(&verification).await;
    let told = told(&town, asked(&[], false)).await;
    assert_eq!(told[0].reason, "unverified");
    assert!(told.iter().all(|told| told.record.get().contains("recordDeleted")));
    assert_eq!(unread(&town, false).await, 0);
}
