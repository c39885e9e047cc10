//! Pages of every method that has any: nothing is lost between two of them, whatever the times are
//! and whatever is taken out.

use serde_json::{Value, json};

use super::{
    GET_ACTOR_LIKES, GET_AUTHOR_FEED, GET_LIKES, GET_QUOTES, GET_REPOSTED_BY, GET_TIMELINE,
    all_pages, mute, uris,
};
use crate::people::{LIKE, REPOST, Ref};
use crate::world::{World, near_and_far};

near_and_far!(
    story_17_equal_times_lose_nothing,
    story_17_a_page_emptied_by_rules_leads_on,
    story_17_likes_by_the_time_of_the_like,
    story_17_a_time_to_come_does_not_stick_to_the_top,
    story_17_cursors_of_others_are_refused,
);

fn owned(page: &Value) -> Vec<String> {
    uris(page).into_iter().map(str::to_owned).collect()
}

async fn story_17_equal_times_lose_nothing(world: World) {
    const AT: &str = "2025-12-01T00:00:00.000Z";
    let at = || json!({ "createdAt": AT });
    let post = world.actor("alice").posts("hello");
    let viewer = world.actor("viewer");
    let mut written: Vec<String> = Vec::new();
    for n in 0..9 {
        let name = format!("person{n}");
        let person = world.actor(&name);
        let edge = json!({ "subject": post.json(), "createdAt": AT });
        person.creates(LIKE, edge.clone());
        person.creates(REPOST, edge);
        viewer.follows(&name);
        written.push(person.posts_with("at one time", at()).uri);
    }
    let mut found = all_pages(&world, (Some("viewer"), GET_TIMELINE), &[], 4, owned).await;
    let reposted = found.iter().filter(|uri| **uri == post.uri).count();
    assert_eq!(reposted, 9);
    found.retain(|uri| *uri != post.uri);
    found.sort_unstable();
    written.sort_unstable();
    assert_eq!(found, written);
    let subject = [("uri", post.uri.as_str())];
    let people = |page: &Value, list: &str, actor: &str| -> Vec<Value> {
        let items = page[list].as_array().unwrap();
        items.iter().map(|item| item.pointer(actor).unwrap().clone()).collect()
    };
    let likers = all_pages(&world, (None, GET_LIKES), &subject, 4, |page| {
        people(page, "likes", "/actor/did")
    })
    .await;
    let reposters = all_pages(&world, (None, GET_REPOSTED_BY), &subject, 4, |page| {
        people(page, "repostedBy", "/did")
    })
    .await;
    for mut found in [likers, reposters] {
        found.sort_unstable_by_key(Value::to_string);
        found.dedup();
        assert_eq!(found.len(), 9);
    }
}

async fn story_17_a_page_emptied_by_rules_leads_on(world: World) {
    let viewer = world.actor("viewer");
    viewer.follows("fine");
    viewer.follows("muted");
    let post = world.actor("alice").posts("hello");
    let old = world.actor("fine").posts("old");
    let old_quote = world.actor("fine").quotes(&post, "old");
    for n in 0..60 {
        let name = if n % 2 == 0 { "muted" } else { "blocked" };
        world.actor(name).posts(&n.to_string());
        world.actor(name).quotes(&post, &n.to_string());
    }
    mute(&world, "viewer", "muted").await;
    viewer.blocks("muted");
    viewer.blocks("blocked");
    let first = world.get_as("viewer", GET_TIMELINE, &[("limit", "2")]).await.ok();
    assert_eq!(owned(&first), Vec::<String>::new());
    assert!(first["cursor"].is_string(), "an empty page keeps its cursor");
    let feed = all_pages(&world, (Some("viewer"), GET_TIMELINE), &[], 2, owned).await;
    assert_eq!(feed, [&old_quote.uri, &old.uri].map(String::clone));
    let subject = [("uri", post.uri.as_str())];
    let quotes = all_pages(&world, (Some("viewer"), GET_QUOTES), &subject, 2, |page| {
        let posts = page["posts"].as_array().unwrap();
        posts.iter().map(|post| post["uri"].as_str().unwrap().to_owned()).collect()
    });
    assert_eq!(quotes.await, [old_quote.uri]);
}

async fn story_17_likes_by_the_time_of_the_like(world: World) {
    let posts: Vec<Ref> = (0..6).map(|n| world.actor("alice").posts(&n.to_string())).collect();
    for post in posts.iter().rev() {
        world.actor("bob").likes(post);
    }
    let asked = (Some("bob"), GET_ACTOR_LIKES);
    let found = all_pages(&world, asked, &[("actor", "bob.test")], 2, owned).await;
    let expected: Vec<String> = posts.into_iter().map(|post| post.uri).collect();
    assert_eq!(found, expected, "the oldest post was liked last");
}

async fn story_17_a_time_to_come_does_not_stick_to_the_top(world: World) {
    let alice = world.actor("alice");
    let future = alice.posts_with("from 2099", json!({ "createdAt": "2099-01-01T00:00:00Z" }));
    // It counts from when it was seen.
    world.settle().await;
    let present = alice.posts("now");
    let feed = world.get(GET_AUTHOR_FEED, &[("actor", "alice.test")]).await.ok();
    assert_eq!(owned(&feed), [present.uri, future.uri]);
}

async fn story_17_cursors_of_others_are_refused(world: World) {
    let post = world.actor("alice").posts("hello");
    for cursor in ["1733000000000__bafyx", "2025-12-01T00:00:00.000Z", "did:plc:x", "0::0", "x"] {
        for (nsid, param) in [
            (GET_TIMELINE, None),
            (GET_AUTHOR_FEED, Some(("actor", "alice.test"))),
            (GET_ACTOR_LIKES, Some(("actor", "alice.test"))),
            (GET_LIKES, Some(("uri", post.uri.as_str()))),
            (GET_QUOTES, Some(("uri", &post.uri))),
            (GET_REPOSTED_BY, Some(("uri", &post.uri))),
        ] {
            let params: Vec<_> = [("cursor", cursor)].into_iter().chain(param).collect();
            let answer = world.get_as("alice", nsid, &params).await;
            assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {cursor}");
        }
    }
}
