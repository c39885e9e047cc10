//! `GET /api/v1/notifications`: what happened, in groups, as a browser of ours and programs see it.

use millrace_atproto::datetime::format_ms_us;
use serde_json::{Value, json};

use crate::pds::Pds;
use crate::people::did;
use crate::sign_in::Alice;
use crate::world::{Answer, Reach, World, near_and_far};

near_and_far!(
    groups_of_what_happened,
    pages_of_groups_lose_nothing,
    what_is_not_told,
    questions_are_the_callers_own,
);

const PATH: &str = "/api/v1/notifications";
const SEEN: &str = "/xrpc/app.bsky.notification.updateSeen";

async fn alice(world: &World) -> Alice {
    let pds = Pds::start(world, "alice").await;
    world.actor("alice");
    Alice::signs_in(world, &pds).await
}

async fn ask(world: &World, alice: &Alice, query: &[(&str, &str)]) -> Answer {
    let request = world.request("GET", PATH).query(query);
    world.send(alice.from(request, "same-origin")).await
}

async fn unread(world: &World, alice: &Alice) -> Value {
    let request = world.request("GET", "/api/v1/notifications/unread");
    world.send(alice.from(request, "same-origin")).await.ok()
}

/// Type, people and count of each group.
fn said(page: &Value) -> Vec<(String, String, u64)> {
    let handles = |group: &Value| {
        let people = group["people"].as_array().unwrap().iter();
        let handles: Vec<&str> = people.map(|one| one["handle"].as_str().unwrap()).collect();
        handles.join(" ").replace(".test", "")
    };
    let groups = page["notifications"].as_array().unwrap().iter();
    groups
        .map(|group| {
            let kind = group["type"].as_str().unwrap().to_owned();
            (kind, handles(group), group["count"].as_u64().unwrap())
        })
        .collect()
}

fn group(kind: &str, people: &str, count: u64) -> (String, String, u64) {
    (kind.to_owned(), people.to_owned(), count)
}

async fn groups_of_what_happened(world: World) {
    let alice = alice(&world).await;
    let post = world.actor("alice").posts("hello");
    world.actor("bob").likes(&post);
    world.actor("bob").follows("alice");
    world.actor("carol").likes(&post);
    let reply = world.actor("carol").replies(&post, "hi");
    world.actor("dan").likes(&post);
    world.actor("dan").quotes(&post, "look");
    world.actor("erin").reposts(&post);
    let page = ask(&world, &alice, &[]).await.ok();
    let expected = [
        group("REPOST", "erin", 1),
        group("QUOTE", "dan", 1),
        group("LIKE", "dan carol bob", 3),
        group("REPLY", "carol", 1),
        group("FOLLOW", "bob", 1),
    ];
    assert_eq!(said(&page), expected);
    let groups = page["notifications"].as_array().unwrap();
    assert_eq!(groups[2]["subject"], post.uri);
    assert_eq!((&groups[3]["subject"], &groups[3]["id"]), (&json!(reply.uri), &json!(reply.uri)));
    assert_eq!(groups[4]["subject"], Value::Null);
    assert!(groups.iter().all(|group| group["isRead"] == false && group["isCut"] == false));
    assert_eq!(page.get("cursor"), None);
    assert_eq!(unread(&world, &alice).await, json!({ "count": 7 }));
    // What comes afterwards does not stand with what was read.
    let seen = json!({ "seenAt": format_ms_us(world.now_us() + 1_000) });
    let request = world.request("POST", SEEN).json(&seen);
    assert_eq!(world.send(alice.from(request, "same-origin")).await.status, 200);
    world.actor("frank").likes(&post);
    let page = ask(&world, &alice, &[]).await.ok();
    assert_eq!(said(&page)[..2], [group("LIKE", "frank", 1), group("REPOST", "erin", 1)]);
    assert_eq!(page["notifications"][0]["isRead"], false);
    assert_eq!(page["notifications"][1]["isRead"], true);
    assert_eq!(page["seenAt"], seen["seenAt"]);
    assert_eq!(unread(&world, &alice).await, json!({ "count": 1 }));
}

async fn pages_of_groups_lose_nothing(world: World) {
    let alice = alice(&world).await;
    let (first, second) = (world.actor("alice").posts("one"), world.actor("alice").posts("two"));
    for name in ["bob", "carol", "dan"] {
        world.actor(name).likes(&first);
        world.actor(name).likes(&second);
        world.actor(name).follows("alice");
    }
    let mut seen = Vec::new();
    let mut cursor = None;
    loop {
        let query: Vec<(&str, &str)> = std::iter::once(("limit", "1"))
            .chain(cursor.as_deref().map(|cursor| ("cursor", cursor)))
            .collect();
        let page = ask(&world, &alice, &query).await.ok();
        let groups = page["notifications"].as_array().unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0]["isCut"], page.get("cursor").is_some());
        seen.extend(said(&page));
        cursor = page.get("cursor").map(|cursor| cursor.as_str().unwrap().to_owned());
        if cursor.is_none() {
            break;
        }
    }
    let total: u64 = seen.iter().map(|group| group.2).sum();
    assert_eq!(total, 9);
    let page = ask(&world, &alice, &[("limit", "2")]).await.ok();
    let expected = [group("FOLLOW", "dan", 1), group("LIKE", "dan", 1)];
    assert_eq!(said(&page), expected, "the third would be another post's");
    assert_eq!(said(&ask(&world, &alice, &[]).await.ok()).len(), 3);
}

async fn what_is_not_told(world: World) {
    let alice = alice(&world).await;
    let post = world.actor("alice").posts("hello");
    world.actor("bob").likes(&post);
    world.actor("carol").likes(&post);
    world.actor("alice").blocks("bob");
    let page = ask(&world, &alice, &[]).await.ok();
    assert_eq!(said(&page), [group("LIKE", "carol", 1)]);
    let body = json!({ "like": { "include": "all", "list": false, "push": true } });
    let nsid = "app.bsky.notification.putPreferencesV2";
    world.post_as("alice", nsid, &body).await.ok();
    let page = ask(&world, &alice, &[]).await.ok();
    assert_eq!(page["notifications"], json!([]));
    assert_eq!(unread(&world, &alice).await, json!({ "count": 0 }));
}

async fn questions_are_the_callers_own(world: World) {
    let alice = alice(&world).await;
    world.actor("bob").follows("alice");
    let token = alice.token(&world, &["read"]).await;
    for path in [PATH, "/api/v1/notifications/unread"] {
        world.send(world.request("GET", path).bearer_auth(&token)).await.ok();
        assert_eq!(world.send(world.request("GET", path)).await.refused().0, 401);
    }
    for query in [("limit", "0"), ("limit", "101"), ("cursor", "x")] {
        let refused = ask(&world, &alice, &[query]).await;
        assert_eq!(refused.refused(), (400, "InvalidRequest"), "{query:?}");
    }
}

/// `notifications.new_post = "followers"`.
async fn followers_are_told(reach: Reach) {
    let world = World::with_followers_told(reach).await;
    let alice = alice(&world).await;
    world.actor("bob").posts("before");
    world.actor("alice").follows("bob");
    let post = world.actor("bob").posts("after");
    let listed = world.get_as("alice", "app.bsky.notification.listNotifications", &[]).await.ok();
    let told = listed["notifications"].as_array().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["uri"], &told[0]["reason"]),
        (&json!(post.uri), &json!("subscribed-post"))
    );
    assert_eq!(unread(&world, &alice).await, json!({ "count": 1 }));
    assert_eq!(said(&ask(&world, &alice, &[]).await.ok()), [group("NEW_POST", "bob", 1)]);
    let mute = json!({ "actor": did("bob") });
    world.post_as("alice", "app.bsky.graph.muteActor", &mute).await;
    assert_eq!(unread(&world, &alice).await, json!({ "count": 0 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_are_told_near() {
    followers_are_told(Reach::Local).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_are_told_far() {
    followers_are_told(Reach::Remote).await;
}
