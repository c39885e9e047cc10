//! Activity subscriptions.

use serde_json::{Value, json};

use super::{LIST, UNREAD, reasons};
use crate::app_bsky_feed::mute;
use crate::people::did;
use crate::world::{World, near_and_far};

const PUT: &str = "app.bsky.notification.putActivitySubscription";
const SUBSCRIPTIONS: &str = "app.bsky.notification.listActivitySubscriptions";
const PROFILE: &str = "app.bsky.actor.getProfile";

near_and_far!(
    put_changed_and_ended,
    listed_but_for_blocks,
    seen_in_the_profile_while_it_is_let,
    told_of_posts,
    wrong_subscriptions
);

async fn put(world: &World, subject: &str, post: bool, reply: bool) -> Value {
    world.actor(subject);
    let subscription = json!({ "post": post, "reply": reply });
    let body = json!({ "subject": did(subject), "activitySubscription": subscription });
    world.post_as("alice", PUT, &body).await.ok()
}

async fn subscribed(world: &World) -> Vec<String> {
    let answer = world.get_as("alice", SUBSCRIPTIONS, &[]).await.ok();
    let handles = answer["subscriptions"].as_array().unwrap().iter();
    handles.map(|profile| profile["handle"].as_str().unwrap().to_owned()).collect()
}

async fn put_changed_and_ended(world: World) {
    assert!(subscribed(&world).await.is_empty());
    for (post, reply) in [(true, false), (true, true), (false, true)] {
        let expected = json!({
            "subject": did("bob"), "activitySubscription": { "post": post, "reply": reply },
        });
        assert_eq!(put(&world, "bob", post, reply).await, expected);
        assert_eq!(subscribed(&world).await, ["bob.test"]);
    }
    for _ in 0..2 {
        assert_eq!(put(&world, "bob", false, false).await, json!({ "subject": did("bob") }));
        assert!(subscribed(&world).await.is_empty());
    }
}

async fn listed_but_for_blocks(world: World) {
    let names = ["bob", "blocked", "carol", "blocker", "dan", "away"];
    for name in names {
        put(&world, name, true, false).await;
    }
    world.actor("alice").blocks("blocked");
    world.actor("blocker").blocks("alice");
    world.actor("away").is(false, Some("deactivated"));
    assert_eq!(subscribed(&world).await, ["dan.test", "carol.test", "bob.test"]);
    let page = world.get_as("alice", SUBSCRIPTIONS, &[("limit", "2")]).await.ok();
    assert_eq!(page["subscriptions"].as_array().unwrap().len(), 2, "filled up past the blocked");
    let next = [("limit", "2"), ("cursor", page["cursor"].as_str().unwrap())];
    let next = world.get_as("alice", SUBSCRIPTIONS, &next).await.ok();
    assert_eq!(next["subscriptions"][0]["handle"], "bob.test");
    assert_eq!(next.get("cursor"), None);
}

async fn seen_in_the_profile_while_it_is_let(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    put(&world, "bob", true, false).await;
    let said = async || {
        let profile = world.get_as("alice", PROFILE, &[("actor", "bob.test")]).await.ok();
        profile["viewer"].get("activitySubscription").cloned()
    };
    let subscription = Some(json!({ "post": true, "reply": false }));
    assert_eq!(said().await, None, "who does not follow is not let");
    alice.follows("bob");
    assert_eq!(said().await, subscription);
    let listed = world.get_as("alice", SUBSCRIPTIONS, &[]).await.ok();
    let state = &listed["subscriptions"][0]["viewer"];
    assert_eq!(Some(&state["activitySubscription"]), subscription.as_ref());
    let declare = |who: &str| {
        let collection = "app.bsky.notification.declaration";
        let record = json!({ "$type": collection, "allowSubscriptions": who });
        bob.puts(collection, "self", &record);
    };
    declare("none");
    assert_eq!(said().await, None);
    declare("mutuals");
    assert_eq!(said().await, None);
    bob.follows("alice");
    assert_eq!(said().await, subscription);
}

async fn told_of_posts(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    for name in ["bob", "muted"] {
        alice.follows(name);
        world.actor(name).posts("before");
        put(&world, name, true, false).await;
    }
    mute(&world, "alice", "muted").await;
    let bob = world.actor("bob");
    let post = bob.posts("after");
    bob.replies(&root, "a reply");
    world.actor("muted").posts("unheard");
    let told = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(reasons(&told), ["reply", "subscribed-post"]);
    let subscribed = &told["notifications"][1];
    assert_eq!(subscribed["uri"], post.uri.as_str());
    assert_eq!(subscribed["cid"], post.cid.as_str());
    assert_eq!(subscribed["record"]["text"], "after");
    assert_eq!(subscribed["author"]["handle"], "bob.test");
    assert_eq!(subscribed.get("reasonSubject"), None);
    let only = world.get_as("alice", LIST, &[("reasons", "subscribed-post")]).await.ok();
    assert_eq!(reasons(&only), ["subscribed-post"]);
    // Whoever is muted is counted, as others are.
    assert_eq!(world.get_as("alice", UNREAD, &[]).await.ok(), json!({ "count": 3 }));
    put(&world, "bob", false, false).await;
    assert_eq!(reasons(&world.get_as("alice", LIST, &[]).await.ok()), ["reply"]);
}

async fn wrong_subscriptions(world: World) {
    let both = json!({ "post": true, "reply": true });
    for wrong in [
        json!({ "subject": did("alice"), "activitySubscription": both }),
        json!({ "subject": "alice.test", "activitySubscription": both }),
        json!({ "subject": did("bob") }),
        json!({ "subject": did("bob"), "activitySubscription": { "post": true } }),
        json!({ "activitySubscription": both }),
    ] {
        let answer = world.post_as("alice", PUT, &wrong).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{wrong}");
    }
    for params in [[("limit", "0")], [("cursor", "nonsense")]] {
        let answer = world.get_as("alice", SUBSCRIPTIONS, &params).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{params:?}");
    }
}
