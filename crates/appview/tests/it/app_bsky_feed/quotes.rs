//! Who quotes a post.

use serde_json::{Value, json};

use super::{GET_QUOTES, all_pages};
use crate::people::Ref;
use crate::world::{World, near_and_far};

near_and_far!(who_quotes, quotes_behind_blocks, quotes_at_one_time);

fn texts(answer: &Value) -> Vec<&str> {
    let posts = answer["posts"].as_array().unwrap();
    posts.iter().map(|post| post["record"]["text"].as_str().unwrap()).collect()
}

async fn who_quotes(world: World) {
    let post = world.actor("alice").posts("hello");
    let first = world.actor("bob").quotes(&post, "first");
    world.actor("carol").quotes(&post, "second");
    world.actor("dan").quotes(&first, "of the quote");
    world.actor("dan").replies(&post, "no quote");
    let params = [("uri", post.uri.as_str()), ("cid", &post.cid)];
    let answer = world.get_as("bob", GET_QUOTES, &params).await.ok();
    assert_eq!(texts(&answer), ["second", "first"]);
    assert_eq!((&answer["uri"], &answer["cid"]), (&json!(post.uri), &json!(post.cid)));
    assert_eq!(answer["posts"][0]["embed"]["record"]["uri"], post.uri.as_str());
    assert_eq!(answer["posts"][1]["viewer"]["threadMuted"], false);
    assert_eq!(answer["posts"][1]["quoteCount"], 1);
    world.actor("bob").deletes(&first);
    world.actor("carol").is(false, Some("suspended"));
    let answer = world.get(GET_QUOTES, &[("uri", &post.uri)]).await.ok();
    assert_eq!(answer, json!({ "uri": post.uri, "posts": [] }));
    let by_handle = "at://alice.test/app.bsky.feed.post/x";
    let nothing = world.get(GET_QUOTES, &[("uri", by_handle)]).await.ok();
    assert_eq!(nothing, json!({ "uri": by_handle, "posts": [] }));
}

async fn quotes_behind_blocks(world: World) {
    let post = world.actor("alice").posts("hello");
    for name in ["bob", "carol", "dan"] {
        world.actor(name).quotes(&post, name);
    }
    world.actor("alice").blocks("bob");
    world.actor("carol").blocks("viewer");
    let params = [("uri", post.uri.as_str())];
    assert_eq!(texts(&world.get(GET_QUOTES, &params).await.ok()), ["dan", "carol"]);
    assert_eq!(texts(&world.get_as("viewer", GET_QUOTES, &params).await.ok()), ["dan"]);
}

async fn quotes_at_one_time(world: World) {
    let post = world.actor("alice").posts("hello");
    let embed = json!({ "$type": "app.bsky.embed.record", "record": post.json() });
    let same = json!({ "createdAt": "2025-12-01T00:00:00.000Z", "embed": embed });
    let written: Vec<Ref> =
        (0..7).map(|n| world.actor("bob").posts_with(&n.to_string(), same.clone())).collect();
    let read = |page: &Value| -> Vec<String> {
        page["posts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|post| post["uri"].as_str().unwrap().to_owned())
            .collect()
    };
    let found = all_pages(&world, (None, GET_QUOTES), &[("uri", &post.uri)], 3, read).await;
    let expected: Vec<String> = written.into_iter().rev().map(|post| post.uri).collect();
    assert_eq!(found, expected);
}
