//! Searches with alternatives, exclusions and what rows say of posts.

use serde_json::{Value, json};

use crate::people::Ref;
use crate::world::{World, near_and_far};

const SEARCH: &str = "app.bsky.feed.searchPostsV2";

near_and_far!(what_is_searched_for, not_behind_a_block, wrong_searches);

#[track_caller]
fn check(answer: &Value, expected: &[&Ref]) {
    let posts = answer["posts"].as_array().unwrap();
    let uris: Vec<&str> = posts.iter().map(|post| post["uri"].as_str().unwrap()).collect();
    let expected: Vec<&str> = expected.iter().map(|post| post.uri.as_str()).collect();
    assert_eq!(uris, expected);
}

async fn what_is_searched_for(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let first = alice.posts_with("the mill", json!({ "tags": ["river"], "langs": ["en"] }));
    let second = bob.posts_with("the mill again", json!({ "langs": ["de"] }));
    let reply = bob.replies(&first, "what a mill");
    world.actor("carol").likes(&second);
    world.actor("carol").follows("alice");
    let query = ("query", "mill");
    let recent = ("sort", "recent");
    for (params, expected) in [
        (vec![query], vec![&second, &first, &reply]),
        (vec![query, recent], vec![&reply, &second, &first]),
        (vec![query, recent, ("authors", "alice.test")], vec![&first]),
        (
            vec![query, recent, ("authors", "alice.test"), ("authors", "bob.test")],
            vec![&reply, &second, &first],
        ),
        (vec![recent, ("excludeAuthors", "bob.test")], vec![&first]),
        (vec![recent, ("hashtags", "river")], vec![&first]),
        (vec![recent, ("languages", "de"), ("languages", "en")], vec![&second, &first]),
        (vec![recent, ("repliesOnly", "true")], vec![&reply]),
        (vec![query, recent, ("excludeReplies", "true")], vec![&second, &first]),
        (vec![recent, ("threadRootUri", first.uri.as_str())], vec![&reply]),
        (vec![query, recent, ("hasMedia", "true")], vec![]),
        (
            vec![query, recent, ("allTime", "true"), ("queryLanguage", "ja")],
            vec![&reply, &second, &first],
        ),
    ] {
        let answer = world.get(SEARCH, &params).await.ok();
        check(&answer, &expected);
        assert_eq!(answer.get("cursor"), None, "{params:?}");
    }
    let params = [query, recent, ("following", "true")];
    check(&world.get_as("carol", SEARCH, &params).await.ok(), &[&first]);
    check(&world.get(SEARCH, &params).await.ok(), &[]);
    for (sort, last) in [("recent", &first), ("top", &reply)] {
        let params = [query, ("sort", sort), ("limit", "2")];
        let page = world.get(SEARCH, &params).await.ok();
        let cursor = page["cursor"].as_str().unwrap();
        let next = [&params[..], &[("cursor", cursor)]].concat();
        check(&world.get(SEARCH, &next).await.ok(), &[last]);
    }
}

async fn not_behind_a_block(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let mine = bob.posts("mill of bob");
    let other = alice.posts("mill of alice");
    bob.blocks("alice");
    let params = [("query", "mill"), ("sort", "recent")];
    check(&world.get_as("bob", SEARCH, &params).await.ok(), &[&mine]);
    check(&world.get_as("alice", SEARCH, &params).await.ok(), &[&other]);
    check(&world.get(SEARCH, &params).await.ok(), &[&other, &mine]);
}

async fn wrong_searches(world: World) {
    let long = "x".repeat(641);
    for wrong in [
        vec![],
        vec![("query", " ")],
        vec![("query", "x"), ("repliesOnly", "true"), ("excludeReplies", "true")],
        vec![("query", "x"), ("hasMedia", "yes")],
        vec![("query", "x"), ("since", "yesterday")],
        vec![("query", "x"), ("authors", "no account")],
        vec![("query", "x"), ("urls", "no url")],
        vec![("query", "x"), ("languages", "!")],
        vec![("query", "x"), ("hashtags", long.as_str())],
        vec![("query", "x"), ("threadRootUri", "x")],
        vec![("query", "x"), ("limit", "101")],
        vec![("domains", "a.example"); 11],
    ] {
        let answer = world.get(SEARCH, &wrong).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{wrong:?}");
    }
}
