//! Feeds, threads, posts by name, likes, reposts and quotes.

mod actor_likes;
mod feeds;
mod generators;
mod get_feed;
mod list_feed;
mod pages;
mod posts;
mod quotes;
mod reposts;
mod rules;
mod search_v2;
mod thread_rules;
mod threads;

use serde_json::{Value, json};

use crate::people::{POST, Ref, did};
use crate::world::{World, near_and_far};

const GET_ACTOR_FEEDS: &str = "app.bsky.feed.getActorFeeds";
const GET_ACTOR_LIKES: &str = "app.bsky.feed.getActorLikes";

const GET_AUTHOR_FEED: &str = "app.bsky.feed.getAuthorFeed";
const GET_FEED_GENERATORS: &str = "app.bsky.feed.getFeedGenerators";
const GET_LIKES: &str = "app.bsky.feed.getLikes";
const GET_LIST_FEED: &str = "app.bsky.feed.getListFeed";
const GET_POSTS: &str = "app.bsky.feed.getPosts";
const GET_POST_THREAD: &str = "app.bsky.feed.getPostThread";
const GET_QUOTES: &str = "app.bsky.feed.getQuotes";
const GET_REPOSTED_BY: &str = "app.bsky.feed.getRepostedBy";
const GET_TIMELINE: &str = "app.bsky.feed.getTimeline";

near_and_far!(likes_of_a_post, parameters, revisions);

/// URIs of the posts of a feed.
pub(crate) fn uris(feed: &Value) -> Vec<&str> {
    let items = feed["feed"].as_array().unwrap();
    items.iter().map(|item| item["post"]["uri"].as_str().unwrap()).collect()
}

#[track_caller]
pub(crate) fn check_uris(feed: &Value, expected: &[&Ref]) {
    let expected: Vec<&str> = expected.iter().map(|post| post.uri.as_str()).collect();
    assert_eq!(uris(feed), expected);
}

/// An account mutes another.
pub(crate) async fn mute(world: &World, who: &str, whom: &str) {
    world.actor(whom);
    let answer =
        world.post_as(who, "app.bsky.graph.muteActor", &json!({ "actor": did(whom) })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// All pages of a method, each of at most `limit` items, as `read` sees them.
pub(crate) async fn all_pages<T>(
    world: &World,
    (who, nsid): (Option<&str>, &str),
    params: &[(&str, &str)],
    limit: usize,
    read: impl Fn(&Value) -> Vec<T>,
) -> Vec<T> {
    let limit_text = limit.to_string();
    let mut found = Vec::new();
    let mut cursor = String::new();
    for _ in 0..100 {
        let params = [params, &[("limit", limit_text.as_str()), ("cursor", &cursor)]].concat();
        let page = match who {
            Some(who) => world.get_as(who, nsid, &params).await.ok(),
            None => world.get(nsid, &params).await.ok(),
        };
        let items = read(&page);
        assert!(items.len() <= limit, "{nsid}: {} items", items.len());
        found.extend(items);
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return found,
        }
    }
    panic!("{nsid} has no end");
}

async fn likes_of_a_post(world: World) {
    let post = world.actor("alice").posts("hello");
    let other = world.actor("alice").posts("other");
    for name in ["bob", "carol", "dan", "erin"] {
        world.actor(name).likes(&post);
    }
    world.actor("bob").likes(&other);
    world.actor("carol").is(false, Some("deactivated"));
    let likers = |answer: &Value| -> Vec<String> {
        let likes = answer["likes"].as_array().unwrap();
        likes.iter().map(|like| like["actor"]["handle"].as_str().unwrap().to_owned()).collect()
    };
    let all = world.get_as("bob", GET_LIKES, &[("uri", &post.uri), ("cid", &post.cid)]).await.ok();
    assert_eq!(likers(&all), ["erin.test", "dan.test", "bob.test"]);
    assert_eq!((&all["uri"], &all["cid"]), (&json!(post.uri), &json!(post.cid)));
    assert_eq!(all["likes"][0]["actor"]["viewer"]["muted"], false);
    assert_eq!(all["likes"][0]["createdAt"], all["likes"][0]["indexedAt"]);
    let page = world.get(GET_LIKES, &[("uri", &post.uri), ("limit", "2")]).await.ok();
    assert_eq!(likers(&page), ["erin.test", "dan.test"]);
    let next =
        [("uri", post.uri.as_str()), ("limit", "2"), ("cursor", page["cursor"].as_str().unwrap())];
    let next = world.get(GET_LIKES, &next).await.ok();
    assert_eq!(likers(&next), ["bob.test"], "filled up past who is hidden");
    assert_eq!(next.get("cursor"), None);
    let by_handle = "at://alice.test/app.bsky.feed.post/x";
    let nothing = world.get(GET_LIKES, &[("uri", by_handle)]).await.ok();
    assert_eq!(nothing, json!({ "uri": by_handle, "likes": [] }));
}

async fn parameters(world: World) {
    let uri = format!("at://{}/{POST}/3kaaaaaaaaa2a", did("alice"));
    let many: Vec<(&str, &str)> = vec![("uris", &uri); 26];
    let long = "x".repeat(513);
    for (nsid, params) in [
        (GET_AUTHOR_FEED, &[][..]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("limit", "0")]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("limit", "101")]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("limit", "ten")]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("includePins", "yes")]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("cursor", &long)]),
        (GET_LIKES, &[]),
        (GET_LIKES, &[("uri", "https://example.com")]),
        (GET_LIKES, &[("uri", &uri), ("cid", "not a cid")]),
        (GET_ACTOR_FEEDS, &[]),
        (GET_ACTOR_FEEDS, &[("actor", "nobody.test")]),
        (GET_ACTOR_LIKES, &[("actor", "alice.test"), ("cursor", "1::2")]),
        (GET_FEED_GENERATORS, &[]),
        (GET_FEED_GENERATORS, &[("feeds", "cats")]),
        (GET_LIST_FEED, &[]),
        (GET_LIST_FEED, &[("list", &uri), ("limit", "0")]),
        (GET_QUOTES, &[]),
        (GET_QUOTES, &[("uri", "at://"), ("limit", "1")]),
        (GET_QUOTES, &[("uri", &uri), ("cursor", "x")]),
        (GET_REPOSTED_BY, &[]),
        (GET_REPOSTED_BY, &[("uri", &uri), ("cid", "x")]),
        (GET_REPOSTED_BY, &[("uri", &uri), ("cursor", "1::2::x")]),
        (GET_POSTS, &[]),
        (GET_POSTS, &[("uris", "at://")]),
        (GET_POSTS, &many),
        (GET_POST_THREAD, &[]),
        (GET_POST_THREAD, &[("uri", &uri), ("depth", "-1")]),
        (GET_POST_THREAD, &[("uri", &uri), ("depth", "1001")]),
        (GET_POST_THREAD, &[("uri", &uri), ("parentHeight", "1.5")]),
        (GET_TIMELINE, &[("limit", "1000")]),
        (GET_TIMELINE, &[("cursor", "::")]),
    ] {
        let answer = world.get_as("alice", nsid, params).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {params:?}");
    }
}

async fn revisions(world: World) {
    let post = world.actor("alice").posts("hello");
    let (_, rev) = world.actor("bob").puts(
        "app.bsky.actor.profile",
        "self",
        &json!({ "$type": "app.bsky.actor.profile" }),
    );
    let rev = rev.to_string();
    for (nsid, param, expected) in [
        (GET_AUTHOR_FEED, ("actor", "alice.test"), Some(rev.as_str())),
        (GET_TIMELINE, ("limit", "1"), Some(&rev)),
        (GET_POST_THREAD, ("uri", &post.uri), Some(&rev)),
        (GET_POSTS, ("uris", &post.uri), None),
        (GET_LIKES, ("uri", &post.uri), None),
    ] {
        let answer = world.get_as("bob", nsid, &[param]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("atproto-repo-rev"), expected, "{nsid}");
        assert_eq!(answer.header("atproto-content-labelers"), Some(""), "{nsid}");
        let unknown = world.get_as("stranger", nsid, &[param]).await;
        assert_eq!(unknown.header("atproto-repo-rev"), None, "{nsid}");
    }
    let missing = world.get_as("bob", GET_AUTHOR_FEED, &[("actor", "nobody.test")]).await;
    assert_eq!(missing.header("atproto-repo-rev"), None);
}
