//! Notifications and the seen mark.

mod preferences;
mod push;
mod subscriptions;

use millrace_atproto::datetime::format_ms_us;
use serde_json::{Value, json};

use crate::app_bsky_feed::mute;
use crate::people::{LIKE, REPOST, did};
use crate::world::{World, near_and_far};

const LIST: &str = "app.bsky.notification.listNotifications";
const UNREAD: &str = "app.bsky.notification.getUnreadCount";
const SEEN: &str = "app.bsky.notification.updateSeen";

near_and_far!(
    what_happened,
    unread_until_seen,
    without_a_seen_mark,
    filters,
    pages,
    what_is_gone,
    reposts_and_what_came_of_them,
    verified_and_not_any_more,
    joined_by_a_starter_pack,
    nothing_of_blocked_or_muted_people,
    muted_threads,
    replies_that_were_hidden,
    only_of_whom_one_follows,
    parameters
);

fn reasons(answer: &Value) -> Vec<&str> {
    answer["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["reason"].as_str().unwrap())
        .collect()
}

async fn what_happened(world: World) {
    let post = world.actor("alice").posts("hello");
    let bob = world.actor("bob");
    bob.has_profile(json!({ "displayName": "Bob" }));
    let follow = bob.follows("alice");
    let like = bob.likes(&post);
    let reply = bob.replies(&post, "hi");
    let quote = bob.quotes(&post, "look");
    let facet = json!([{
        "index": { "byteStart": 0, "byteEnd": 6 },
        "features": [{ "$type": "app.bsky.richtext.facet#mention", "did": did("alice") }],
    }]);
    let mention = bob.posts_with("@alice", json!({ "facets": facet }));
    let answer = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(reasons(&answer), ["mention", "quote", "reply", "like", "follow"]);
    let uris: Vec<&Value> =
        answer["notifications"].as_array().unwrap().iter().map(|n| &n["uri"]).collect();
    let expected = [&mention, &quote, &reply, &like, &follow].map(|record| record.uri.clone());
    assert_eq!(uris, expected.iter().collect::<Vec<_>>());
    let liked = &answer["notifications"][3];
    assert_eq!(
        *liked,
        json!({
            "uri": like.uri, "cid": like.cid, "author": liked["author"], "reason": "like", "reasonSubject": post.uri,
            "record": {
                "$type": "app.bsky.feed.like", "subject": post.json(), "createdAt": liked["record"]["createdAt"],
            },
            "isRead": true, "indexedAt": liked["record"]["createdAt"], "labels": [],
        })
    );
    assert_eq!(liked["author"]["displayName"], "Bob");
    assert_eq!(liked["author"]["viewer"]["followedBy"], follow.uri.as_str());
    assert_eq!(answer["notifications"][4].get("reasonSubject"), None);
    assert_eq!(answer["notifications"][2]["record"]["text"], "hi");
    assert_eq!(answer["priority"], false);
}

async fn unread_until_seen(world: World) {
    let post = world.actor("alice").posts("hello");
    world.actor("bob").likes(&post);
    let between_us = world.now_us() + 1_000;
    world.actor("carol").likes(&post);
    assert_eq!(world.get_as("alice", UNREAD, &[]).await.ok(), json!({ "count": 2 }));
    let seen_at = format_ms_us(between_us);
    let answer = world.post_as("alice", SEEN, &json!({ "seenAt": seen_at })).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    assert_eq!(world.get_as("alice", UNREAD, &[]).await.ok(), json!({ "count": 1 }));
    let list = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(list["seenAt"], seen_at);
    let read: Vec<&Value> =
        list["notifications"].as_array().unwrap().iter().map(|n| &n["isRead"]).collect();
    assert_eq!(read, [false, true]);
    world.post_as("alice", SEEN, &json!({ "seenAt": "2030-01-01T00:00:00Z", "extra": 1 })).await;
    assert_eq!(world.get_as("alice", UNREAD, &[]).await.ok(), json!({ "count": 0 }));
    // The mark is the viewer's own.
    assert_eq!(world.get_as("bob", LIST, &[]).await.ok().get("seenAt"), None);
}

async fn without_a_seen_mark(world: World) {
    for name in ["bob", "carol", "dan"] {
        world.actor(name).follows("alice");
    }
    let list = world.get_as("alice", LIST, &[("limit", "2")]).await.ok();
    let read: Vec<&Value> =
        list["notifications"].as_array().unwrap().iter().map(|n| &n["isRead"]).collect();
    assert_eq!(read, [false, true], "the newest is unread, the others are not");
    assert_eq!(list["seenAt"], list["notifications"][0]["indexedAt"]);
    let cursor = list["cursor"].as_str().unwrap();
    let next = world.get_as("alice", LIST, &[("limit", "2"), ("cursor", cursor)]).await.ok();
    assert_eq!(next["notifications"][0]["isRead"], true);
    assert_eq!(next.get("seenAt"), None);
    let nothing = world.get_as("stranger", LIST, &[]).await.ok();
    assert_eq!(nothing, json!({ "notifications": [], "priority": false }));
    assert_eq!(world.get_as("stranger", UNREAD, &[]).await.ok(), json!({ "count": 0 }));
}

async fn filters(world: World) {
    let post = world.actor("alice").posts("hello");
    world.actor("alice").follows("bob");
    world.actor("bob").likes(&post);
    world.actor("carol").likes(&post);
    world.actor("carol").follows("alice");
    let list = async |params: &[(&str, &str)]| world.get_as("alice", LIST, params).await.ok();
    assert_eq!(reasons(&list(&[("reasons", "follow")]).await), ["follow"]);
    assert_eq!(
        reasons(&list(&[("reasons", "follow"), ("reasons", "like")]).await),
        ["follow", "like", "like"]
    );
    assert!(reasons(&list(&[("reasons", "com.example.unknown")]).await).is_empty());
    let priority = list(&[("priority", "true")]).await;
    assert_eq!(priority["priority"], true);
    assert_eq!(reasons(&priority), ["like"]);
    assert_eq!(priority["notifications"][0]["author"]["handle"], "bob.test");
}

async fn pages(world: World) {
    let alice = world.actor("alice");
    let posts: Vec<_> = (0..7).map(|n| alice.posts(&n.to_string())).collect();
    let likes: Vec<_> = posts.iter().map(|post| world.actor("bob").likes(post)).collect();
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..10 {
        let page = world.get_as("alice", LIST, &[("limit", "3"), ("cursor", &cursor)]).await.ok();
        seen.extend(
            page["notifications"]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| n["uri"].as_str().unwrap().to_owned()),
        );
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<String> = likes.into_iter().rev().map(|like| like.uri).collect();
    assert_eq!(seen, expected);
}

async fn what_is_gone(world: World) {
    let alice = world.actor("alice");
    let (post, gone) = (alice.posts("hello"), alice.posts("gone"));
    world.actor("bob").likes(&gone);
    let taken_back = world.actor("bob").likes(&post);
    world.actor("carol").likes(&post);
    world.actor("dan").likes(&post);
    alice.deletes(&gone);
    world.actor("bob").deletes(&taken_back);
    world.actor("carol").is(false, Some("takendown"));
    let list = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(list["notifications"].as_array().unwrap().len(), 1);
    assert_eq!(list["notifications"][0]["author"]["handle"], "dan.test");
}

async fn reposts_and_what_came_of_them(world: World) {
    let post = world.actor("alice").posts("hello");
    let repost = world.actor("bob").reposts(&post);
    let via =
        |subject: &crate::people::Ref| json!({ "subject": subject.json(), "via": repost.json() });
    let like = world.actor("carol").creates(LIKE, via(&post));
    let again = world.actor("dan").creates(REPOST, via(&post));
    let to_alice = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(reasons(&to_alice), ["repost", "like", "repost"]);
    assert_eq!(to_alice["notifications"][2]["reasonSubject"], post.uri.as_str());
    assert_eq!(to_alice["notifications"][2]["record"]["$type"], REPOST);
    let to_bob = world.get_as("bob", LIST, &[]).await.ok();
    assert_eq!(reasons(&to_bob), ["repost-via-repost", "like-via-repost"]);
    let told = &to_bob["notifications"];
    assert_eq!((&told[0]["uri"], &told[1]["uri"]), (&json!(again.uri), &json!(like.uri)));
    assert_eq!(told[1]["reasonSubject"], repost.uri.as_str());
    assert_eq!(told[1]["author"]["handle"], "carol.test");
    assert_eq!(world.get_as("bob", UNREAD, &[]).await.ok(), json!({ "count": 2 }));
    // Once the repost is taken back, nothing came of it.
    world.actor("bob").deletes(&repost);
    assert!(reasons(&world.get_as("bob", LIST, &[]).await.ok()).is_empty());
    assert_eq!(reasons(&world.get_as("alice", LIST, &[]).await.ok()), ["repost", "like"]);
}

async fn verified_and_not_any_more(world: World) {
    world.actor("alice");
    let record = json!({ "subject": did("alice"), "handle": "alice.test", "displayName": "Alice" });
    let issued = world.actor("issuer").creates("app.bsky.graph.verification", record);
    let told = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(reasons(&told), ["verified"]);
    assert_eq!(told["notifications"][0]["record"]["handle"], "alice.test");
    assert_eq!(told["notifications"][0].get("reasonSubject"), None);
    world.actor("issuer").deletes(&issued);
    let told = world.get_as("alice", LIST, &[]).await.ok();
    let deleted = json!({ "$type": "app.bsky.notification.defs#recordDeleted" });
    let cid = "bafyreidad6nyekfa4a67yfb573ptxiv6s7kyxyg2ra6qbbemcruadvtuim";
    assert_eq!(reasons(&told)[0], "unverified");
    for notification in told["notifications"].as_array().unwrap() {
        assert_eq!(notification["uri"], issued.uri.as_str());
        assert_eq!((&notification["record"], &notification["cid"]), (&deleted, &json!(cid)));
    }
    assert_eq!(world.get_as("alice", UNREAD, &[]).await.ok(), json!({ "count": 0 }));
}

async fn joined_by_a_starter_pack(world: World) {
    let alice = world.actor("alice");
    let list = alice.makes_list("referencelist", "friends");
    let pack = alice.makes_starter_pack("start here", &list, &[]);
    world.actor("bob").has_profile(json!({ "joinedViaStarterPack": pack.json() }));
    // Joining counts from when it was seen.
    world.settle().await;
    let follow = json!({ "subject": did("alice"), "via": pack.json() });
    world.actor("carol").creates(crate::people::FOLLOW, follow);
    let told = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(reasons(&told), ["follow", "starterpack-joined"]);
    let [followed, joined] = [0, 1].map(|index| &told["notifications"][index]);
    assert_eq!(joined["reasonSubject"], pack.uri.as_str());
    assert_eq!(joined["record"]["$type"], "app.bsky.actor.profile");
    assert_eq!(followed["starterPack"]["uri"], pack.uri.as_str());
    assert_eq!(joined.get("starterPack"), None);
    alice.deletes(&pack);
    let told = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(reasons(&told), ["follow"]);
    assert_eq!(told["notifications"][0].get("starterPack"), None);
}

async fn nothing_of_blocked_or_muted_people(world: World) {
    let alice = world.actor("alice");
    let post = alice.posts("hello");
    for name in ["blocked", "blocker", "muted", "fine"] {
        world.actor(name).likes(&post);
    }
    alice.blocks("blocked");
    world.actor("blocker").blocks("alice");
    mute(&world, "alice", "muted").await;
    let told = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(reasons(&told), ["like"]);
    assert_eq!(told["notifications"][0]["author"]["handle"], "fine.test");
}

async fn muted_threads(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let bob = world.actor("bob");
    let before = bob.replies(&root, "before");
    let answer =
        world.post_as("alice", "app.bsky.graph.muteThread", &json!({ "root": root.uri })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    bob.replies(&root, "after");
    let own = alice.replies(&before, "own");
    bob.replies(&own, "below");
    bob.likes(&own);
    let elsewhere = alice.posts("elsewhere");
    let heard = bob.replies(&elsewhere, "elsewhere");
    let told = world.get_as("alice", LIST, &[]).await.ok();
    let uris: Vec<&Value> =
        told["notifications"].as_array().unwrap().iter().map(|n| &n["uri"]).collect();
    assert_eq!(uris, [heard.uri.as_str(), before.uri.as_str()], "what came before stays");
    assert_eq!(world.get_as("alice", UNREAD, &[]).await.ok(), json!({ "count": 2 }));
    let pages = [("limit", "1")];
    let first = world.get_as("alice", LIST, &pages).await.ok();
    let next = [("limit", "1"), ("cursor", first["cursor"].as_str().unwrap())];
    let next = world.get_as("alice", LIST, &next).await.ok();
    assert_eq!(next["notifications"][0]["uri"], before.uri.as_str(), "filled up past the muted");
    // Others in the thread are told.
    assert_eq!(reasons(&world.get_as("bob", LIST, &[]).await.ok()), ["reply"]);
}

async fn replies_that_were_hidden(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let bob = world.actor("bob");
    let hidden = bob.replies(&root, "hidden");
    let kept = bob.replies(&root, "kept");
    alice.gates(&root, json!({ "hiddenReplies": [hidden.uri] }));
    let told = world.get_as("alice", LIST, &[]).await.ok();
    assert_eq!(reasons(&told), ["reply"]);
    assert_eq!(told["notifications"][0]["uri"], kept.uri.as_str());
}

async fn only_of_whom_one_follows(world: World) {
    let alice = world.actor("alice");
    let post = alice.posts("hello");
    alice.follows("friend");
    for n in 0..12 {
        world.actor(&format!("person{n}")).likes(&post);
    }
    let like = world.actor("friend").likes(&post);
    for n in 12..24 {
        world.actor(&format!("person{n}")).likes(&post);
    }
    let params = [("priority", "true"), ("limit", "1")];
    let told = world.get_as("alice", LIST, &params).await.ok();
    assert_eq!(told["notifications"][0]["uri"], like.uri.as_str());
    assert_eq!((told.get("cursor"), &told["priority"]), (None, &json!(true)));
    let count = async |priority: &str| {
        world.get_as("alice", UNREAD, &[("priority", priority)]).await.ok()["count"].clone()
    };
    assert_eq!((count("true").await, count("false").await), (json!(1), json!(25)));
}

async fn parameters(world: World) {
    for (nsid, params) in [
        (LIST, &[("seenAt", "2026-01-01T00:00:00Z")]),
        (LIST, &[("seenAt", "yesterday")]),
        (LIST, &[("priority", "1")]),
        (LIST, &[("limit", "0")]),
        (LIST, &[("cursor", "x")]),
        (UNREAD, &[("seenAt", "2026-01-01T00:00:00Z")]),
        (UNREAD, &[("priority", "1")]),
    ] {
        let answer = world.get_as("alice", nsid, params).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {params:?}");
    }
    for body in
        [json!({}), json!({ "seenAt": "yesterday" }), json!({ "seenAt": 1 }), json!([]), json!("x")]
    {
        let answer = world.post_as("alice", SEEN, &body).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{body}");
    }
}
