//! What the viewer wants to be told of.

use serde_json::{Value, json};

use super::{LIST, UNREAD, reasons};
use crate::world::{World, near_and_far};

const PREFERENCES: &str = "app.bsky.notification.getPreferences";
const PUT_PREFERENCES: &str = "app.bsky.notification.putPreferences";
const PUT_PREFERENCES_V2: &str = "app.bsky.notification.putPreferencesV2";

near_and_far!(named_and_kept, what_is_listed_and_counted, priority_as_preferred);

/// What holds for who named nothing.
fn unnamed() -> Value {
    let filterable = json!({ "include": "all", "list": true, "push": true });
    let plain = json!({ "list": true, "push": true });
    json!({
        "chat": { "include": "all", "push": true },
        "follow": filterable, "like": filterable, "likeViaRepost": filterable,
        "mention": filterable, "quote": filterable, "reply": filterable, "repost": filterable,
        "repostViaRepost": filterable,
        "starterpackJoined": plain, "subscribedPost": plain, "unverified": plain, "verified": plain,
    })
}

async fn named_and_kept(world: World) {
    world.actor("alice");
    let read = async |who: &str| world.get_as(who, PREFERENCES, &[]).await.ok();
    let put = async |body: Value| world.post_as("alice", PUT_PREFERENCES_V2, &body).await;
    assert_eq!(read("alice").await, json!({ "preferences": unnamed() }));
    let mut expected = unnamed();
    for named in [
        json!({ "verified": { "list": false, "push": true } }),
        json!({
            "like": { "include": "follows", "list": true, "push": false },
            "subscribedPost": { "list": true, "push": false },
        }),
        // Chats are looked after elsewhere.
        json!({ "chat": { "include": "accepted", "push": false } }),
        json!({ "like": { "include": "all", "list": false, "push": true }, "unheard-of": 1 }),
        json!({}),
    ] {
        let answer = put(named.clone()).await.ok();
        for (field, said) in named.as_object().unwrap() {
            if expected.get(field).is_some() && field != "chat" {
                expected[field] = said.clone();
            }
        }
        assert_eq!(answer, json!({ "preferences": expected }), "{named}");
        assert_eq!(read("alice").await, answer);
    }
    // A word that is not known includes all.
    let answer = put(json!({ "reply": { "include": "new", "list": true, "push": true } })).await;
    assert_eq!(answer.ok()["preferences"]["reply"]["include"], "all");
    assert_eq!(read("bob").await, json!({ "preferences": unnamed() }));
    for wrong in [
        json!({ "like": { "list": true, "push": true } }),
        json!({ "verified": { "list": true } }),
        json!({ "follow": { "include": 1, "list": true, "push": true } }),
        json!({ "quote": { "include": "all", "list": "yes", "push": true } }),
        json!({ "chat": {} }),
        json!([]),
    ] {
        assert_eq!(put(wrong.clone()).await.refused(), (400, "InvalidRequest"), "{wrong}");
    }
}

async fn what_is_listed_and_counted(world: World) {
    let alice = world.actor("alice");
    let post = alice.posts("hello");
    alice.follows("friend");
    for who in ["friend", "bob"] {
        world.actor(who).likes(&post);
        world.actor(who).replies(&post, "hi");
    }
    let told = async || {
        let list = world.get_as("alice", LIST, &[]).await.ok();
        let mut reasons: Vec<String> = reasons(&list).into_iter().map(str::to_owned).collect();
        reasons.sort();
        let count = world.get_as("alice", UNREAD, &[]).await.ok();
        assert_eq!(count, json!({ "count": reasons.len() }));
        reasons
    };
    assert_eq!(told().await, ["like", "like", "reply", "reply"]);
    let only_friends = json!({ "include": "follows", "list": true, "push": true });
    let never = json!({ "include": "all", "list": false, "push": true });
    world.post_as("alice", PUT_PREFERENCES_V2, &json!({ "like": only_friends })).await.ok();
    assert_eq!(told().await, ["like", "reply", "reply"]);
    world.post_as("alice", PUT_PREFERENCES_V2, &json!({ "reply": never })).await.ok();
    assert_eq!(told().await, ["like"]);
    let asked = world.get_as("alice", LIST, &[("reasons", "reply")]).await.ok();
    assert!(reasons(&asked).is_empty());
}

async fn priority_as_preferred(world: World) {
    let alice = world.actor("alice");
    let post = alice.posts("hello");
    alice.follows("friend");
    for who in ["friend", "bob"] {
        world.actor(who).likes(&post);
    }
    for (priority, listed) in [(true, 1), (false, 2)] {
        let answer =
            world.post_as("alice", PUT_PREFERENCES, &json!({ "priority": priority })).await;
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
        let list = world.get_as("alice", LIST, &[]).await.ok();
        assert_eq!((reasons(&list).len(), &list["priority"]), (listed, &json!(priority)));
        assert_eq!(world.get_as("alice", UNREAD, &[]).await.ok()["count"], json!(listed));
        let list = world.get_as("alice", LIST, &[("priority", "false")]).await.ok();
        assert_eq!((reasons(&list).len(), &list["priority"]), (2, &json!(false)));
    }
    for wrong in [json!({}), json!({ "priority": 1 })] {
        let answer = world.post_as("alice", PUT_PREFERENCES, &wrong).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"));
    }
}
