//! What an account likes, told to that account alone.

use serde_json::{Value, json};

use super::{GET_ACTOR_LIKES, GET_LIKES, all_pages, check_uris, uris};
use crate::people::{LIKE, Ref, did};
use crate::world::{World, near_and_far};

near_and_far!(own_likes, nobody_elses_likes, likes_that_cannot_be_shown, likes_behind_blocks);

async fn own_likes(world: World) {
    let posts: Vec<Ref> = (0..7).map(|n| world.actor("alice").posts(&n.to_string())).collect();
    // Liked in another order than they were written, some of them at one time.
    let order = [3, 0, 6, 1, 5, 2, 4];
    for (place, index) in order.into_iter().enumerate() {
        let at = format!("2025-12-01T00:00:0{}.000Z", place / 3);
        let like = json!({ "subject": posts[index].json(), "createdAt": at });
        world.actor("bob").creates(LIKE, like);
    }
    let read =
        |page: &Value| -> Vec<String> { uris(page).into_iter().map(str::to_owned).collect() };
    let asked = (Some("bob"), GET_ACTOR_LIKES);
    let found = all_pages(&world, asked, &[("actor", "bob.test")], 2, read).await;
    let expected: Vec<String> =
        order.into_iter().rev().map(|index| posts[index].uri.clone()).collect();
    assert_eq!(found, expected, "the latest like first, whenever the posts were written");
    let all = world.get_as("bob", GET_ACTOR_LIKES, &[("actor", did("bob").as_str())]).await;
    assert!(all.header("atproto-repo-rev").is_some());
    let like = &all.ok()["feed"][0]["post"]["viewer"]["like"];
    assert!(like.as_str().unwrap().starts_with(&format!("at://{}/{LIKE}/", did("bob"))));
}

async fn nobody_elses_likes(world: World) {
    let post = world.actor("alice").posts("hello");
    world.actor("bob").likes(&post);
    let refused = |answer: crate::world::Answer| {
        assert_eq!(answer.refused(), (400, "InvalidRequest"));
        assert_eq!(answer.body["message"], "Profile not found");
    };
    refused(world.get(GET_ACTOR_LIKES, &[("actor", "bob.test")]).await);
    refused(world.get_as("alice", GET_ACTOR_LIKES, &[("actor", "bob.test")]).await);
    refused(world.get_as("alice", GET_ACTOR_LIKES, &[("actor", "nobody.test")]).await);
}

async fn likes_that_cannot_be_shown(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let (kept, gone) = (alice.posts("kept"), alice.posts("gone"));
    let feed = alice.offers_feed(&did("cats"), "Cats");
    let blocker = world.actor("blocker").posts("x");
    let hidden = world.actor("hidden").posts("x");
    for subject in [&kept, &gone, &feed, &blocker, &hidden] {
        bob.likes(subject);
    }
    let taken_back = bob.likes(&alice.posts("not liked any more"));
    bob.deletes(&taken_back);
    alice.deletes(&gone);
    world.actor("blocker").blocks("bob");
    world.actor("hidden").is(false, Some("takendown"));
    let likes = world.get_as("bob", GET_ACTOR_LIKES, &[("actor", "bob.test")]).await.ok();
    check_uris(&likes, &[&kept]);
}

async fn likes_behind_blocks(world: World) {
    let post = world.actor("alice").posts("hello");
    for name in ["bob", "carol", "dan", "erin"] {
        world.actor(name).likes(&post);
    }
    // Between the author and who likes, and between the viewer and who likes.
    world.actor("bob").blocks("alice");
    let list = world.actor("alice").makes_list("modlist", "not them");
    world.actor("alice").adds(&list, "carol");
    world.actor("alice").blocks_list(&list);
    world.actor("viewer").blocks("dan");
    let likers = async |answer: crate::world::Answer| -> Vec<String> {
        let answer = answer.ok();
        let likes = answer["likes"].as_array().unwrap();
        likes.iter().map(|like| like["actor"]["handle"].as_str().unwrap().to_owned()).collect()
    };
    let params = [("uri", post.uri.as_str())];
    assert_eq!(likers(world.get(GET_LIKES, &params).await).await, ["erin.test", "dan.test"]);
    assert_eq!(likers(world.get_as("viewer", GET_LIKES, &params).await).await, ["erin.test"]);
}
