//! Activity subscriptions: whom one is subscribed to, and of which posts one is told.

use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Client;
use millrace_dataplane::model::{ActivitySubscription, Notification};
use millrace_dataplane::query::hydrate::Hydrate;
use millrace_dataplane::query::mute::MuteThread;
use millrace_dataplane::query::notifications::{GetUnreadCount, ListNotifications, UpdateSeen};
use millrace_dataplane::query::preferences::{Preference, PutNotificationPreferences};
use millrace_dataplane::query::subscription::{
    ListActivitySubscriptions, PutActivitySubscription, SUBSCRIPTIONS_MAX,
};
use millrace_dataplane::reason::Reason;
use millrace_store::{Param, StoreError};
use serde_json::json;

use crate::entries::did;
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at, strong};

on_every_engine!(
    pages_of_whom_one_is_subscribed_to,
    subscriptions_are_bounded,
    told_of_posts_from_then_on,
    told_of_replies_if_asked_for,
    told_while_the_author_lets_it,
    told_of_a_post_once,
    told_among_others_page_by_page,
    seen_in_detail,
);

const FOLLOW: &str = "app.bsky.graph.follow";
const POST: &str = "app.bsky.feed.post";
const DECLARATION: &str = "app.bsky.notification.declaration";
/// Later than any entry: a post counts from when it was seen.
const LATER: &str = "2026-06-01T00:00:00.000Z";

async fn subscribe(client: &Client, who: &str, subject: &str, post: bool, reply: bool) {
    let command = PutActivitySubscription { actor: did(who), subject: did(subject), post, reply };
    client.command(command).await.unwrap();
}

async fn subjects(
    client: &Client,
    limit: u32,
    cursor: Option<String>,
) -> (Vec<String>, Option<String>) {
    let asked = ListActivitySubscriptions { actor: did("alice"), limit, cursor };
    let page = client.ask(asked).await.unwrap();
    (page.subjects.iter().map(ToString::to_string).collect(), page.cursor)
}

async fn pages_of_whom_one_is_subscribed_to(harness: Harness) {
    let client = &harness.client;
    for name in ["bob", "carol", "dan"] {
        subscribe(client, "alice", name, true, false).await;
    }
    subscribe(client, "bob", "erin", true, true).await;
    // The clock of these tests stands.
    let (mut found, cursor) = subjects(client, 2, None).await;
    let (more, end) = subjects(client, 2, cursor).await;
    found.extend(more);
    let expected = ["dan", "carol", "bob"].map(|name| did(name).to_string());
    assert_eq!((found, end), (expected.to_vec(), None));
    subscribe(client, "alice", "carol", false, true).await;
    subscribe(client, "alice", "dan", false, false).await;
    subscribe(client, "alice", "nobody", false, false).await;
    let expected = ["carol", "bob"].map(|name| did(name).to_string());
    assert_eq!(subjects(client, 50, None).await, (expected.to_vec(), None));
    let oneself = PutActivitySubscription {
        actor: did("alice"),
        subject: did("alice"),
        post: true,
        reply: true,
    };
    let refused = client.command(oneself).await;
    assert!(matches!(refused, Err(DataplaneError::InvalidRequest(_))));
}

async fn subscriptions_are_bounded(harness: Harness) {
    let Client::Local(local) = &harness.client else { panic!("the harness is local") };
    let fill = |tx: &mut millrace_store::Tx| -> Result<u64, StoreError> {
        let names: Vec<String> =
            (0..SUBSCRIPTIONS_MAX - 1).map(|n| format!("did:plc:{n}")).collect();
        let alice = did("alice");
        tx.execute_many(
            "INSERT INTO activity_subscription (did, subject, created_at_us, posts_since_us)
             SELECT r.a, r.b, 1, 1 FROM {rows:a TEXT, b TEXT} AS r",
            names.iter().map(|name| [Param::from(&alice), Param::Text(name)]),
        )
    };
    local.own.write(fill).await.unwrap();
    let client = &harness.client;
    subscribe(client, "alice", "last", true, true).await;
    let more = PutActivitySubscription {
        actor: did("alice"),
        subject: did("more"),
        post: true,
        reply: false,
    };
    match client.command(more.clone()).await {
        Err(DataplaneError::InvalidRequest(message)) => {
            assert!(message.contains(&SUBSCRIPTIONS_MAX.to_string()), "{message}");
        }
        other => panic!("{other:?}"),
    }
    subscribe(client, "alice", "last", false, true).await;
    subscribe(client, "alice", "last", false, false).await;
    client.command(more).await.unwrap();
}

fn asked() -> ListNotifications {
    ListNotifications {
        actor: did("alice"),
        reasons: Vec::new(),
        priority: None,
        limit: 50,
        cursor: None,
    }
}

/// What Alice is told, the newest first; it is counted as well.
async fn told(town: &Town) -> Vec<Notification> {
    let told = town.harness.client.ask(asked()).await.unwrap().notifications;
    let count = GetUnreadCount { actor: did("alice"), priority: None };
    let count = town.harness.client.ask(count).await.unwrap().count;
    assert_eq!(told.len() as i64, count);
    told
}

async fn uris(town: &Town) -> Vec<String> {
    told(town).await.into_iter().map(|told| told.uri).collect()
}

async fn posts(town: &Town, who: &str) -> String {
    town.write(who, POST, json!({ "text": "x", "createdAt": LATER })).await
}

async fn replies(town: &Town, who: &str, root: &str) -> String {
    let reply = json!({ "root": strong(root), "parent": strong(root) });
    town.write(who, POST, json!({ "text": "x", "createdAt": LATER, "reply": reply })).await
}

/// Alice follows bob, and is subscribed to his posts.
async fn subscribed(harness: Harness) -> Town {
    let town = Town::new(harness);
    town.post("alice").await;
    town.edge("alice", FOLLOW, "bob").await;
    subscribe(&town.harness.client, "alice", "bob", true, false).await;
    town
}

async fn told_of_posts_from_then_on(harness: Harness) {
    let town = subscribed(harness).await;
    town.post("bob").await;
    assert!(told(&town).await.is_empty(), "what was there before is not told");
    let post = posts(&town, "bob").await;
    replies(&town, "bob", &post).await;
    posts(&town, "carol").await;
    let found = told(&town).await;
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].uri, found[0].reason.as_str()), (&post, "subscribed-post"));
    assert_eq!((&found[0].author, &found[0].reason_subject), (&did("bob"), &None));
    assert!(found[0].record.get().contains(LATER));
    let mut only = asked();
    only.reasons = vec!["subscribed-post".to_owned()];
    assert_eq!(town.harness.client.ask(only.clone()).await.unwrap().notifications.len(), 1);
    only.reasons = vec!["like".to_owned()];
    assert!(town.harness.client.ask(only).await.unwrap().notifications.is_empty());
    // Seen, it counts no more.
    let seen = UpdateSeen { actor: did("alice"), seen_at_us: found[0].sort_at_us };
    town.harness.client.command(seen).await.unwrap();
    let count = GetUnreadCount { actor: did("alice"), priority: None };
    assert_eq!(town.harness.client.ask(count.clone()).await.unwrap().count, 0);
    let next = posts(&town, "bob").await;
    assert_eq!(town.harness.client.ask(count).await.unwrap().count, 1);
    town.delete(&next).await;
    town.delete(&post).await;
    assert!(town.harness.client.ask(asked()).await.unwrap().notifications.is_empty());
}

async fn told_of_replies_if_asked_for(harness: Harness) {
    let town = subscribed(harness).await;
    let root = posts(&town, "carol").await;
    let post = posts(&town, "bob").await;
    let reply = replies(&town, "bob", &root).await;
    assert_eq!(uris(&town).await, [post.as_str()]);
    let client = &town.harness.client;
    subscribe(client, "alice", "bob", true, true).await;
    assert_eq!(uris(&town).await, [reply.clone(), post]);
    subscribe(client, "alice", "bob", false, true).await;
    assert_eq!(uris(&town).await, [reply.as_str()]);
    // A muted thread is silent, and so is a reason that is not wanted.
    let mute = MuteThread { actor: did("alice"), root: at(&root) };
    client.command(mute).await.unwrap();
    assert!(told(&town).await.is_empty());
    subscribe(client, "alice", "bob", true, true).await;
    assert_eq!(told(&town).await.len(), 1);
    let reason = Reason::SubscribedPost;
    let unwanted = Preference { reason, only_follows: false, list: false, push: true };
    let command = PutNotificationPreferences { actor: did("alice"), preferences: vec![unwanted] };
    client.command(command).await.unwrap();
    assert!(told(&town).await.is_empty());
}

async fn told_while_the_author_lets_it(harness: Harness) {
    let town = subscribed(harness).await;
    posts(&town, "bob").await;
    let declare = async |who: &str| {
        let declaration = json!({ "allowSubscriptions": who });
        town.put("bob", DECLARATION, "self", declaration).await;
        told(&town).await.len()
    };
    assert_eq!(told(&town).await.len(), 1);
    assert_eq!(declare("none").await, 0);
    assert_eq!(declare("mutuals").await, 0);
    town.edge("bob", FOLLOW, "alice").await;
    // That bob follows is told as well.
    assert_eq!(declare("mutuals").await, 2);
    assert_eq!(declare("followers").await, 2);
    assert_eq!(declare("none").await, 1);
    // Who does not follow is not told, whatever they asked for.
    let client = &town.harness.client;
    subscribe(client, "alice", "carol", true, true).await;
    posts(&town, "carol").await;
    assert_eq!(told(&town).await.len(), 1);
    town.edge("alice", FOLLOW, "carol").await;
    assert_eq!(told(&town).await.len(), 2);
    subscribe(client, "alice", "carol", false, false).await;
    assert_eq!(told(&town).await.len(), 1);
}

async fn told_of_a_post_once(harness: Harness) {
    let town = subscribed(harness).await;
    subscribe(&town.harness.client, "alice", "bob", true, true).await;
    let root = posts(&town, "alice").await;
    replies(&town, "bob", &root).await;
    let found = told(&town).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].reason, "reply");
}

async fn told_among_others_page_by_page(harness: Harness) {
    let town = subscribed(harness).await;
    town.edge("alice", FOLLOW, "carol").await;
    subscribe(&town.harness.client, "alice", "carol", true, false).await;
    let own = posts(&town, "alice").await;
    let mut expected = Vec::new();
    for n in 0..9 {
        expected.push(match n % 3 {
            0 => posts(&town, "bob").await,
            1 => replies(&town, "dan", &own).await,
            _ => posts(&town, "carol").await,
        });
    }
    expected.reverse();
    assert_eq!(uris(&town).await, expected);
    for limit in [1, 2, 4, 9] {
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = ListNotifications { limit, cursor, ..asked() };
            let page = town.harness.client.ask(page).await.unwrap();
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

async fn seen_in_detail(harness: Harness) {
    let town = subscribed(harness).await;
    town.post("bob").await;
    let said = async |viewer: &str, detailed: bool| {
        let mut asked = Hydrate { viewer: Some(did(viewer)), ..Hydrate::default() };
        let named = if detailed { &mut asked.detailed } else { &mut asked.actors };
        named.push(did("bob"));
        let found = town.hydrate(asked).await;
        let bob = found.actors.into_iter().find(|actor| actor.did == did("bob")).unwrap();
        bob.viewer.unwrap().activity_subscription
    };
    let posts = ActivitySubscription { post: true, reply: false };
    assert_eq!(said("alice", true).await, Some(posts));
    assert_eq!(said("alice", false).await, None);
    assert_eq!(said("carol", true).await, None);
    subscribe(&town.harness.client, "alice", "bob", true, true).await;
    assert_eq!(said("alice", true).await, Some(ActivitySubscription { reply: true, ..posts }));
}
