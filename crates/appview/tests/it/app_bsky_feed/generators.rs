//! Feed generators by their maker and by name.

use serde_json::{Value, json};

use super::{GET_ACTOR_FEEDS, GET_FEED_GENERATORS, all_pages};
use crate::people::{GENERATOR, Ref, did};
use crate::world::{World, near_and_far};

near_and_far!(feeds_of_an_account, feeds_by_name, what_only_their_servers_answer);

fn uris(answer: &Value) -> Vec<String> {
    let feeds = answer["feeds"].as_array().unwrap();
    feeds.iter().map(|feed| feed["uri"].as_str().unwrap().to_owned()).collect()
}

async fn feeds_of_an_account(world: World) {
    let carol = world.actor("carol");
    let record = |n: usize| {
        let at = format!("2025-12-01T00:00:0{}.000Z", n / 3);
        json!({ "did": did("cats"), "displayName": n.to_string(), "createdAt": at })
    };
    let mut made: Vec<Ref> = (0..7).map(|n| carol.creates(GENERATOR, record(n))).collect();
    let gone = carol.offers_feed(&did("cats"), "gone");
    carol.deletes(&gone);
    world.actor("dan").offers_feed(&did("cats"), "dan's");
    made.reverse();
    let expected: Vec<String> = made.into_iter().map(|feed| feed.uri).collect();
    let asked = (None, GET_ACTOR_FEEDS);
    assert_eq!(all_pages(&world, asked, &[("actor", "carol.test")], 2, uris).await, expected);
    let all = world.get(GET_ACTOR_FEEDS, &[("actor", did("carol").as_str())]).await.ok();
    assert_eq!((uris(&all), all.get("cursor")), (expected, None));
    assert_eq!(all["feeds"][0]["displayName"], "6");
    let none = world.get(GET_ACTOR_FEEDS, &[("actor", "dan.test"), ("limit", "1")]).await.ok();
    assert_eq!(none["feeds"].as_array().unwrap().len(), 1);
    let unknown = world.get(GET_ACTOR_FEEDS, &[("actor", "nobody.test")]).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    assert_eq!(unknown.body["message"], "Profile not found");
}

async fn feeds_by_name(world: World) {
    let (one, two) = (
        world.actor("carol").offers_feed(&did("cats"), "1"),
        world.actor("dan").offers_feed(&did("cats"), "2"),
    );
    let post = world.actor("carol").posts("no feed");
    let hidden = world.actor("hidden").offers_feed(&did("cats"), "3");
    world.actor("hidden").is(false, Some("takendown"));
    let like = world.actor("alice").likes(&two);
    let by_handle = "at://carol.test/app.bsky.feed.generator/x".to_owned();
    let asked = [&two.uri, &one.uri, &post.uri, &hidden.uri, &by_handle];
    let params: Vec<(&str, &str)> = asked.into_iter().map(|uri| ("feeds", uri.as_str())).collect();
    let answer = world.get_as("alice", GET_FEED_GENERATORS, &params).await.ok();
    assert_eq!(uris(&answer), [two.uri.as_str(), one.uri.as_str()]);
    assert_eq!(answer["feeds"][0]["viewer"], json!({ "like": like.uri }));
    assert_eq!(answer["feeds"][1]["viewer"], json!({}));
    assert_eq!(answer["feeds"][0]["likeCount"], 1);
}

/// A PDS sends these to the feed generator itself; this one offers homes alone.
async fn what_only_their_servers_answer(world: World) {
    let feed = world.actor("alice").offers_feed(&did("cats"), "Cats").uri;
    let skeleton = "app.bsky.feed.getFeedSkeleton";
    let answer = world.get_as("alice", skeleton, &[("feed", &feed)]).await;
    assert_eq!(answer.refused(), (400, "UnknownFeed"));
    let interactions = json!({ "interactions": [] });
    let answer = world.post_as("alice", "app.bsky.feed.sendInteractions", &interactions).await;
    assert_eq!(answer.refused(), (501, "MethodNotImplemented"));
}
