//! Notifications: of records that are still there, of threads that are not muted, of whom one
//! follows, and what is counted of them.

use millrace_dataplane::model::Notification;
use millrace_dataplane::query::mute::MuteThread;
use millrace_dataplane::query::notifications::{GetUnreadCount, ListNotifications, UpdateSeen};
use millrace_dataplane::query::preferences::{
    GetNotificationPreferences, NotificationPreferences, Preference, PutNotificationPreferences,
    PutNotificationPriority,
};
use millrace_dataplane::reason::Reason;
use serde_json::json;

use crate::entries::{START_US, did};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at, strong};

on_every_engine!(
    subjects_that_are_gone,
    muted_threads_from_then_on,
    priority_and_reasons,
    a_verification_taken_back,
    preferences_are_named_one_by_one,
    story_15_what_is_not_wanted_is_neither_listed_nor_counted,
    priority_unless_the_request_says_otherwise,
);

const LIKE: &str = "app.bsky.feed.like";
const REPOST: &str = "app.bsky.feed.repost";
const FOLLOW: &str = "app.bsky.graph.follow";
const GENERATOR: &str = "app.bsky.feed.generator";

fn asked(reasons: &[&str], priority: bool) -> ListNotifications {
    ListNotifications {
        actor: did("alice"),
        reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect(),
        priority: Some(priority),
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
    let asked = GetUnreadCount { actor: did("alice"), priority: Some(priority) };
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

/// Alice says what she wants; what holds then.
async fn wants(harness: &Harness, preferences: &[Preference]) -> NotificationPreferences {
    let (actor, preferences) = (did("alice"), preferences.to_vec());
    let command = PutNotificationPreferences { actor, preferences };
    harness.client.command(command).await.unwrap()
}

fn preference(reason: Reason, only_follows: bool, list: bool) -> Preference {
    Preference { reason, only_follows, list, push: false }
}

async fn preferences_are_named_one_by_one(harness: Harness) {
    let read = async |who: &str| {
        harness.client.ask(GetNotificationPreferences { actor: did(who) }).await.unwrap()
    };
    let unnamed = read("alice").await;
    assert_eq!(unnamed.preferences.len(), Reason::ALL.len());
    let is_default = |said: &Preference| said.list && said.push && !said.only_follows;
    assert!(unnamed.preferences.iter().all(is_default) && !unnamed.priority);
    let (likes, replies) =
        (preference(Reason::Like, true, true), preference(Reason::Reply, false, false));
    let said = wants(&harness, &[likes]).await;
    assert_eq!(said, read("alice").await);
    wants(&harness, &[replies]).await;
    let again = preference(Reason::Like, false, true);
    let said = wants(&harness, &[again]).await;
    for expected in [again, replies] {
        assert!(said.preferences.contains(&expected), "{expected:?}");
    }
    assert_eq!(said.preferences.iter().filter(|said| !is_default(said)).count(), 2);
    assert_eq!(wants(&harness, &[]).await, said, "what is not named stays");
    assert_eq!(read("bob").await, unnamed, "preferences are one's own");
    let too_many = vec![again; Reason::ALL.len() + 1];
    let command = PutNotificationPreferences { actor: did("alice"), preferences: too_many };
    assert!(harness.client.command(command).await.is_err());
}

async fn story_15_what_is_not_wanted_is_neither_listed_nor_counted(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    town.edge("alice", FOLLOW, "friend").await;
    for who in ["bob", "friend"] {
        edge(&town, who, LIKE, &post).await;
        edge(&town, who, REPOST, &post).await;
        town.reply(who, &post, &post).await;
    }
    let seen = async || {
        let mut reasons = town.harness.client.ask(asked_as_wanted()).await.unwrap().notifications;
        reasons.sort_by(|a, b| (&a.reason, &a.author).cmp(&(&b.reason, &b.author)));
        let names = reasons.into_iter().map(|told| {
            let who = if told.author == did("friend") { "friend" } else { "other" };
            format!("{} {who}", told.reason)
        });
        let count = GetUnreadCount { actor: did("alice"), priority: None };
        let count = town.harness.client.ask(count).await.unwrap().count;
        let names: Vec<String> = names.collect();
        assert_eq!(names.len() as i64, count);
        names
    };
    assert_eq!(seen().await.len(), 6);
    wants(&town.harness, &[preference(Reason::Like, true, true)]).await;
    let followed = ["like friend", "reply other", "reply friend", "repost other", "repost friend"];
    let mut expected = followed.map(str::to_owned).to_vec();
    let mut found = seen().await;
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
    let wish = [preference(Reason::Reply, false, false), preference(Reason::Repost, true, true)];
    wants(&town.harness, &wish).await;
    let mut found = seen().await;
    found.sort();
    assert_eq!(found, ["like friend", "repost friend"]);
    // A page of one is filled from what is left.
    let one = ListNotifications { limit: 1, ..asked_as_wanted() };
    let first = town.harness.client.ask(one.clone()).await.unwrap();
    let next = ListNotifications { cursor: first.cursor, ..one };
    let next = town.harness.client.ask(next).await.unwrap();
    assert_eq!((first.notifications.len(), next.notifications.len(), next.cursor), (1, 1, None));
    // What is asked for by name and not wanted is not told either.
    assert!(told(&town, asked(&["reply"], false)).await.is_empty());
    wants(&town.harness, &[preference(Reason::Reply, false, true)]).await;
    assert_eq!(told(&town, asked(&["reply"], false)).await.len(), 2);
}

fn asked_as_wanted() -> ListNotifications {
    ListNotifications { priority: None, ..asked(&[], false) }
}

async fn priority_unless_the_request_says_otherwise(harness: Harness) {
    let town = Town::new(harness);
    let post = town.post("alice").await;
    town.edge("alice", FOLLOW, "friend").await;
    for who in ["bob", "friend"] {
        edge(&town, who, LIKE, &post).await;
    }
    let client = &town.harness.client;
    for (priority, listed) in [(false, 2), (true, 1), (false, 2)] {
        let command = PutNotificationPriority { actor: did("alice"), priority };
        client.command(command).await.unwrap();
        let page = client.ask(asked_as_wanted()).await.unwrap();
        assert_eq!((page.priority, page.notifications.len()), (priority, listed));
        let count = GetUnreadCount { actor: did("alice"), priority: None };
        assert_eq!(client.ask(count).await.unwrap().count, listed as i64);
        for (said, listed) in [(true, 1), (false, 2)] {
            let page = client.ask(asked(&[], said)).await.unwrap();
            assert_eq!((page.priority, page.notifications.len()), (said, listed));
            assert_eq!(unread(&town, said).await, listed as i64);
        }
    }
}
