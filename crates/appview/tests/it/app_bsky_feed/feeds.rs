//! Author feeds and timelines.

use serde_json::json;

use super::{GET_AUTHOR_FEED, GET_TIMELINE, check_uris, uris};
use crate::people::{Ref, blob, did, video};
use crate::world::{World, near_and_far};

near_and_far!(
    author_feed_filters,
    author_feed_threads_are_whole,
    author_feed_pages,
    author_feed_pins,
    what_a_reply_answers,
    a_feed_of_hidden_people,
    timeline_of_follows,
    timeline_pages_past_hidden_people
);

async fn author_feed_filters(world: World) {
    let alice = world.actor("alice");
    let other = world.actor("bob").posts("by bob");
    let plain = alice.posts("plain");
    let reply = alice.replies(&other, "to bob");
    let own = alice.replies(&plain, "to myself");
    let image =
        json!({ "$type": "app.bsky.embed.images", "images": [{ "image": blob("i"), "alt": "" }] });
    let picture = alice.posts_with("picture", json!({ "embed": image }));
    let video = alice.posts_with(
        "film",
        json!({ "embed": { "$type": "app.bsky.embed.video", "video": video("v") } }),
    );
    let feed = async |filter: &str| {
        let params = [("actor", "alice.test"), ("filter", filter)];
        world.get(GET_AUTHOR_FEED, &params).await.ok()
    };
    check_uris(&feed("posts_with_replies").await, &[&video, &picture, &own, &reply, &plain]);
    check_uris(&feed("posts_no_replies").await, &[&video, &picture, &plain]);
    check_uris(&feed("posts_with_media").await, &[&picture]);
    check_uris(&feed("posts_with_video").await, &[&video]);
    check_uris(&feed("posts_and_author_threads").await, &[&video, &picture, &own, &plain]);
    check_uris(&feed("com.example.unknown").await, &[&video, &picture, &own, &reply, &plain]);
    let by_default = world.get(GET_AUTHOR_FEED, &[("actor", did("alice").as_str())]).await.ok();
    check_uris(&by_default, &[&video, &picture, &own, &reply, &plain]);
    assert_eq!(by_default.get("cursor"), None);
}

async fn author_feed_threads_are_whole(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("1");
    let second = alice.replies(&root, "2");
    let by_bob = world.actor("bob").replies(&second, "bob cuts in");
    let after_bob = alice.replies(&by_bob, "in alice's thread, under bob");
    let third = alice.replies(&second, "3");
    let gone = alice.replies(&root, "gone");
    let orphan = alice.replies(&gone, "orphan");
    alice.deletes(&gone);
    let params = [("actor", "alice.test"), ("filter", "posts_and_author_threads")];
    let feed = world.get(GET_AUTHOR_FEED, &params).await.ok();
    check_uris(&feed, &[&third, &second, &root]);
    let all = world.get(GET_AUTHOR_FEED, &[("actor", "alice.test")]).await.ok();
    check_uris(&all, &[&orphan, &third, &after_bob, &second, &root]);
}

async fn author_feed_pages(world: World) {
    let alice = world.actor("alice");
    // Equal times: none may be lost between two pages.
    let same = json!({ "createdAt": "2025-12-01T00:00:00.000Z" });
    let written: Vec<Ref> =
        (0..7).map(|n| alice.posts_with(&n.to_string(), same.clone())).collect();
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..10 {
        let params = [("actor", "alice.test"), ("limit", "3"), ("cursor", &cursor)];
        let page = world.get(GET_AUTHOR_FEED, &params).await.ok();
        assert!(uris(&page).len() <= 3);
        seen.extend(uris(&page).into_iter().map(str::to_owned));
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let mut expected: Vec<String> = written.into_iter().map(|post| post.uri).collect();
    expected.reverse();
    assert_eq!(seen, expected);
    let wrong =
        world.get(GET_AUTHOR_FEED, &[("actor", "alice.test"), ("cursor", "not ours")]).await;
    assert_eq!(wrong.refused(), (400, "InvalidRequest"));
}

async fn author_feed_pins(world: World) {
    let alice = world.actor("alice");
    let (one, two, three) = (alice.posts("1"), alice.posts("2"), alice.posts("3"));
    let by_bob = world.actor("bob").posts("bob's");
    alice.has_profile(json!({ "pinnedPost": one.json() }));
    let feed = async |params: &[(&str, &str)]| {
        let params = [&[("actor", "alice.test")], params].concat();
        world.get(GET_AUTHOR_FEED, &params).await.ok()
    };
    let pinned = feed(&[("includePins", "true"), ("limit", "2")]).await;
    check_uris(&pinned, &[&one, &three, &two]);
    assert_eq!(pinned["feed"][0]["reason"], json!({ "$type": "app.bsky.feed.defs#reasonPin" }));
    assert_eq!(pinned["feed"][1].get("reason"), None);
    let next = feed(&[
        ("includePins", "true"),
        ("limit", "2"),
        ("cursor", pinned["cursor"].as_str().unwrap()),
    ])
    .await;
    check_uris(&next, &[&one]);
    assert_eq!(next["feed"][0].get("reason"), None);
    check_uris(&feed(&[]).await, &[&three, &two, &one]);
    check_uris(&feed(&[("includePins", "true")]).await, &[&one, &three, &two]);
    alice.has_profile(json!({ "pinnedPost": by_bob.json() }));
    check_uris(&feed(&[("includePins", "true")]).await, &[&three, &two, &one]);
    alice.has_profile(json!({ "pinnedPost": one.json() })).deletes(&one);
    check_uris(&feed(&[("includePins", "true")]).await, &[&three, &two]);
}

async fn what_a_reply_answers(world: World) {
    let root = world.actor("alice").posts("root");
    let parent = world.actor("bob").replies(&root, "parent");
    let reply = world.actor("carol").replies(&parent, "reply");
    world.actor("dan").follows("carol");
    let feed = world.get_as("dan", GET_TIMELINE, &[]).await.ok();
    check_uris(&feed, &[&reply]);
    let shown = &feed["feed"][0]["reply"];
    assert_eq!(shown["root"]["$type"], "app.bsky.feed.defs#postView");
    assert_eq!(shown["root"]["uri"], root.uri.as_str());
    assert_eq!(shown["parent"]["uri"], parent.uri.as_str());
    assert_eq!(shown["parent"]["viewer"]["threadMuted"], false);
    assert_eq!(shown["grandparentAuthor"]["handle"], "alice.test");
    world.actor("bob").deletes(&parent);
    world.actor("alice").is(false, Some("takendown"));
    let feed = world.get_as("dan", GET_TIMELINE, &[]).await.ok();
    let missing = |post: &Ref| json!({ "$type": "app.bsky.feed.defs#notFoundPost", "uri": post.uri, "notFound": true });
    assert_eq!(
        feed["feed"][0]["reply"],
        json!({ "root": missing(&root), "parent": missing(&parent) })
    );
}

async fn a_feed_of_hidden_people(world: World) {
    let alice = world.actor("alice");
    alice.posts("hello");
    alice.is(false, Some("suspended"));
    let answer = world.get(GET_AUTHOR_FEED, &[("actor", "alice.test")]).await;
    assert_eq!(answer.refused(), (400, "InvalidRequest"));
    assert_eq!(answer.body["message"], "Profile not found");
    let unknown = world.get(GET_AUTHOR_FEED, &[("actor", "nobody.test")]).await;
    assert_eq!(unknown.body["message"], "Profile not found");
}

async fn timeline_of_follows(world: World) {
    let alice = world.actor("alice");
    let follow = alice.follows("bob");
    alice.follows("carol");
    let one = world.actor("bob").posts("1");
    world.actor("dan").posts("not followed");
    let two = world.actor("carol").posts("2");
    let three = alice.posts("3");
    check_uris(&world.get_as("alice", GET_TIMELINE, &[]).await.ok(), &[&three, &two, &one]);
    alice.deletes(&follow);
    check_uris(
        &world.get_as("alice", GET_TIMELINE, &[("algorithm", "any")]).await.ok(),
        &[&three, &two],
    );
    assert_eq!(world.get_as("stranger", GET_TIMELINE, &[]).await.ok(), json!({ "feed": [] }));
}

async fn timeline_pages_past_hidden_people(world: World) {
    let alice = world.actor("alice");
    alice.follows("bob");
    alice.follows("carol");
    let old = world.actor("carol").posts("old");
    for n in 0..60 {
        world.actor("bob").posts(&n.to_string());
    }
    let new = world.actor("carol").posts("new");
    world.actor("bob").is(false, Some("deactivated"));
    let page = world.get_as("alice", GET_TIMELINE, &[("limit", "4")]).await.ok();
    check_uris(&page, &[&new]);
    let mut cursor = page["cursor"].as_str().expect("a page left short leads on").to_owned();
    for _ in 0..10 {
        let page =
            world.get_as("alice", GET_TIMELINE, &[("limit", "4"), ("cursor", &cursor)]).await.ok();
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return check_uris(&page, &[&old]),
        }
    }
    panic!("the end was not reached");
}
