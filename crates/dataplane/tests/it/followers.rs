//! `notifications.new_post = "followers"`: who follows is told of posts as who is subscribed.

use std::sync::Arc;

use millrace_dataplane::client::{Client, Local};
use millrace_dataplane::config::NewPost;
use millrace_dataplane::query::Context;
use millrace_dataplane::query::mute::MuteActor;
use millrace_dataplane::query::notifications::{GetUnreadCount, ListNotifications, UpdateSeen};
use millrace_dataplane::query::preferences::{Preference, PutNotificationPreferences};
use millrace_dataplane::query::subscription::PutActivitySubscription;
use millrace_dataplane::reason::Reason;
use serde_json::json;

use crate::entries::did;
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, strong};

on_every_engine!(
    followers_are_told_of_posts_from_then_on,
    the_author_and_the_reader_decide,
    subscriptions_and_follows_are_one,
    many_are_paged_through,
);

const FOLLOW: &str = "app.bsky.graph.follow";
const POST: &str = "app.bsky.feed.post";
const DECLARATION: &str = "app.bsky.notification.declaration";
/// Later than any entry: a post counts from when it was seen.
const LATER: &str = "2026-06-01T00:00:00.000Z";

/// A town in which followers are told.
fn town(mut harness: Harness) -> Town {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let context = Context { new_post: NewPost::Followers, ..local.context.clone() };
    let (store, own, clock) = (local.store.clone(), local.own.clone(), local.clock.clone());
    harness.client = Client::Local(Arc::new(Local { store, own, context, clock }));
    Town::new(harness)
}

fn asked(limit: u32, cursor: Option<String>) -> ListNotifications {
    ListNotifications { actor: did("alice"), reasons: Vec::new(), priority: None, limit, cursor }
}

/// What Alice is told, the newest first; it is counted as well.
async fn told(town: &Town) -> Vec<String> {
    let told = town.harness.client.ask(asked(100, None)).await.unwrap().notifications;
    assert_eq!(told.len() as i64, unread(town).await);
    assert!(told.iter().all(|told| told.reason == "subscribed-post"));
    told.into_iter().map(|told| told.uri).collect()
}

async fn unread(town: &Town) -> i64 {
    let count = GetUnreadCount { actor: did("alice"), priority: None };
    town.harness.client.ask(count).await.unwrap().count
}

async fn posts(town: &Town, who: &str) -> String {
    town.write(who, POST, json!({ "text": "x", "createdAt": LATER })).await
}

async fn replies(town: &Town, who: &str, root: &str) {
    let reply = json!({ "root": strong(root), "parent": strong(root) });
    town.write(who, POST, json!({ "text": "x", "createdAt": LATER, "reply": reply })).await;
}

/// A follow that says it is as late as its entry.
async fn follows(town: &Town, who: &str, whom: &str) -> String {
    town.write(who, FOLLOW, json!({ "subject": did(whom), "createdAt": LATER })).await
}

async fn followers_are_told_of_posts_from_then_on(harness: Harness) {
    let town = town(harness);
    posts(&town, "alice").await;
    posts(&town, "bob").await;
    let follow = follows(&town, "alice", "bob").await;
    assert!(told(&town).await.is_empty(), "what was there before is not told");
    let post = posts(&town, "bob").await;
    replies(&town, "bob", &post).await;
    posts(&town, "carol").await;
    posts(&town, "alice").await;
    assert_eq!(told(&town).await, [post.as_str()], "threads of whom one follows alone");
    // A second follow changes nothing, and the first one goes with what it told of.
    let again = follows(&town, "alice", "bob").await;
    assert_eq!(told(&town).await, [post.as_str()]);
    town.delete(&follow).await;
    assert!(told(&town).await.is_empty());
    let next = posts(&town, "bob").await;
    assert_eq!(told(&town).await, [next]);
    town.delete(&again).await;
    assert!(told(&town).await.is_empty());
}

async fn the_author_and_the_reader_decide(harness: Harness) {
    let town = town(harness);
    posts(&town, "alice").await;
    follows(&town, "alice", "bob").await;
    posts(&town, "bob").await;
    let declare = async |who: &str| {
        let declaration = json!({ "allowSubscriptions": who });
        town.put("bob", DECLARATION, "self", declaration).await;
        told(&town).await.len()
    };
    assert_eq!(declare("none").await, 0);
    assert_eq!(declare("mutuals").await, 0);
    assert_eq!(declare("followers").await, 1);
    let client = &town.harness.client;
    let prefer = async |list: bool| {
        let reason = Reason::SubscribedPost;
        let wish = Preference { reason, only_follows: false, list, push: true };
        let command = PutNotificationPreferences { actor: did("alice"), preferences: vec![wish] };
        client.command(command).await.unwrap();
        told(&town).await.len()
    };
    assert_eq!(prefer(false).await, 0);
    assert_eq!(prefer(true).await, 1);
    let mute = |only_reposts: bool| MuteActor {
        actor: did("alice"),
        subject: did("bob"),
        only_reposts,
        only_quoteposts: false,
    };
    client.command(mute(true)).await.unwrap();
    assert_eq!(told(&town).await.len(), 1);
    client.command(mute(false)).await.unwrap();
    assert_eq!(told(&town).await.len(), 0);
}

async fn subscriptions_and_follows_are_one(harness: Harness) {
    let town = town(harness);
    posts(&town, "alice").await;
    follows(&town, "alice", "bob").await;
    let first = posts(&town, "bob").await;
    let subscribe = PutActivitySubscription {
        actor: did("alice"),
        subject: did("bob"),
        post: false,
        reply: true,
    };
    town.harness.client.command(subscribe).await.unwrap();
    let other = posts(&town, "carol").await;
    replies(&town, "bob", &other).await;
    let found = told(&town).await;
    assert_eq!((found.len(), &found[1]), (2, &first), "the reply because it was asked for");
    let seen_at_us = asked_newest(&town).await;
    let seen = UpdateSeen { actor: did("alice"), seen_at_us };
    town.harness.client.command(seen).await.unwrap();
    assert_eq!(unread(&town).await, 0);
    posts(&town, "bob").await;
    assert_eq!(unread(&town).await, 1);
}

async fn asked_newest(town: &Town) -> i64 {
    let page = town.harness.client.ask(asked(1, None)).await.unwrap();
    page.notifications[0].sort_at_us
}

async fn many_are_paged_through(harness: Harness) {
    let town = town(harness);
    posts(&town, "alice").await;
    let names: Vec<String> = (0..12).map(|n| format!("friend{n}")).collect();
    for name in &names {
        follows(&town, "alice", name).await;
    }
    let mut expected = Vec::new();
    for n in 0..30 {
        expected.push(posts(&town, &names[n * 7 % 12]).await);
        replies(&town, &names[n * 5 % 12], &expected[0]).await;
    }
    expected.reverse();
    assert_eq!(told(&town).await, expected);
    for limit in [1, 4, 30] {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = town.harness.client.ask(asked(limit, cursor)).await.unwrap();
            assert!(page.notifications.len() <= limit as usize);
            found.extend(page.notifications.into_iter().map(|told| told.uri));
            cursor = page.cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, expected, "pages of {limit}");
    }
}
