//! Bookmarks.

use serde_json::{Value, json};

use crate::app_bsky_feed::mute;
use crate::people::{Ref, did};
use crate::world::{World, near_and_far};

const CREATE: &str = "app.bsky.bookmark.createBookmark";
const DELETE: &str = "app.bsky.bookmark.deleteBookmark";
const LIST: &str = "app.bsky.bookmark.getBookmarks";
const POSTS: &str = "app.bsky.feed.getPosts";

near_and_far!(
    kept_and_given_up,
    shown_with_the_post,
    pages,
    what_became_of_them,
    only_posts_by_did,
);

async fn keep(world: &World, who: &str, post: &Ref) {
    let answer = world.post_as(who, CREATE, &post.json()).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
}

async fn give_up(world: &World, who: &str, post: &Ref) {
    let answer = world.post_as(who, DELETE, &json!({ "uri": post.uri })).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
}

async fn kept(world: &World, who: &str) -> Vec<Value> {
    let answer = world.get_as(who, LIST, &[]).await.ok();
    assert_eq!(answer.get("cursor"), None);
    answer["bookmarks"].as_array().unwrap().clone()
}

async fn kept_and_given_up(world: World) {
    let post = world.actor("bob").posts("hello");
    assert!(kept(&world, "alice").await.is_empty());
    keep(&world, "alice", &post).await;
    keep(&world, "alice", &post).await;
    let found = kept(&world, "alice").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["subject"], post.json());
    assert!(found[0]["createdAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(found[0]["item"]["$type"], "app.bsky.feed.defs#postView");
    assert_eq!(found[0]["item"]["uri"], post.uri.as_str());
    assert_eq!(found[0]["item"]["viewer"]["bookmarked"], true);
    assert!(kept(&world, "bob").await.is_empty());
    give_up(&world, "alice", &post).await;
    give_up(&world, "alice", &post).await;
    assert!(kept(&world, "alice").await.is_empty());
}

async fn shown_with_the_post(world: World) {
    let post = world.actor("bob").posts("hello");
    let shown = async |who: &str| {
        let post = world.get_as(who, POSTS, &[("uris", &post.uri)]).await.ok()["posts"][0].clone();
        (post["bookmarkCount"].clone(), post["viewer"]["bookmarked"].clone())
    };
    assert_eq!(shown("alice").await, (json!(0), json!(false)));
    keep(&world, "alice", &post).await;
    keep(&world, "carol", &post).await;
    assert_eq!(shown("alice").await, (json!(2), json!(true)));
    assert_eq!(shown("bob").await, (json!(2), json!(false)));
    let nobody = world.get(POSTS, &[("uris", &post.uri)]).await.ok();
    assert_eq!(nobody["posts"][0]["bookmarkCount"], 2);
    give_up(&world, "alice", &post).await;
    assert_eq!(shown("alice").await, (json!(1), json!(false)));
    give_up(&world, "carol", &post).await;
    assert_eq!(shown("carol").await, (json!(0), json!(false)));
}

async fn pages(world: World) {
    let bob = world.actor("bob");
    let posts: Vec<Ref> = (0..5).map(|n| bob.posts(&n.to_string())).collect();
    for post in &posts {
        keep(&world, "alice", post).await;
    }
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get_as("alice", LIST, &[("limit", "2"), ("cursor", &cursor)]).await.ok();
        let items = page["bookmarks"].as_array().unwrap();
        found.extend(items.iter().map(|item| item["subject"]["uri"].clone()));
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<&str> = posts.iter().rev().map(|post| post.uri.as_str()).collect();
    assert_eq!(found, expected, "the last kept first");
    for params in [[("limit", "0")], [("limit", "101")], [("cursor", "nonsense")]] {
        let answer = world.get_as("alice", LIST, &params).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{params:?}");
    }
}

async fn what_became_of_them(world: World) {
    let alice = world.actor("alice");
    let names = ["blocked", "blocker", "muted", "gone", "away"];
    let posts = names.map(|name| world.actor(name).posts("hello"));
    let unknown =
        Ref { uri: format!("at://{}/app.bsky.feed.post/x", did("x")), ..posts[0].clone() };
    for post in posts.iter().chain([&unknown]) {
        keep(&world, "alice", post).await;
    }
    alice.blocks("blocked");
    world.actor("blocker").blocks("alice");
    mute(&world, "alice", "muted").await;
    world.actor("gone").deletes(&posts[3]);
    world.actor("away").is(false, Some("deactivated"));
    let found = kept(&world, "alice").await;
    let kinds: Vec<&str> =
        found.iter().rev().map(|kept| kept["item"]["$type"].as_str().unwrap()).collect();
    let [post, blocked, gone] = ["postView", "blockedPost", "notFoundPost"]
        .map(|kind| format!("app.bsky.feed.defs#{kind}"));
    assert_eq!(kinds, [&blocked, &blocked, &post, &gone, &gone, &gone]);
    assert_eq!(found[5]["item"]["author"]["did"], did("blocked").as_str());
    assert_eq!(found[0]["item"], json!({ "$type": gone, "uri": unknown.uri, "notFound": true }));
    // What is no longer there can be given up.
    give_up(&world, "alice", &posts[3]).await;
    assert_eq!(kept(&world, "alice").await.len(), 5);
}

async fn only_posts_by_did(world: World) {
    let bob = world.actor("bob");
    let follow = bob.follows("alice");
    let post = bob.posts("hello");
    for nsid in [CREATE, DELETE] {
        for (uri, name) in [
            (follow.uri.as_str(), "UnsupportedCollection"),
            (did("bob").as_str(), "InvalidRequest"),
            (&format!("at://{}", did("bob")), "UnsupportedCollection"),
            (&format!("at://{}/app.bsky.feed.post", did("bob")), "InvalidRequest"),
            ("at://bob.test/app.bsky.feed.post/a", "InvalidRequest"),
        ] {
            let body = json!({ "uri": uri, "cid": post.cid });
            let answer = world.post_as("alice", nsid, &body).await;
            assert_eq!(answer.refused(), (400, name), "{nsid} {uri}");
        }
        let answer = world.post_as("alice", nsid, &json!({})).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"));
    }
    for cid in [json!("x"), json!(7), json!(null)] {
        let answer = world.post_as("alice", CREATE, &json!({ "uri": post.uri, "cid": cid })).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{cid}");
    }
    assert!(kept(&world, "alice").await.is_empty());
}
