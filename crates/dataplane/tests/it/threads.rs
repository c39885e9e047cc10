//! Threads: who liked what in them, and what their authors wrote on their own.

use millrace_dataplane::query::thread::{GetPostThread, RootAuthorLike, Thread};
use serde_json::json;

use crate::entries::{did, uri};
use crate::harness::{Harness, on_every_engine};
use crate::hydration::{Town, at, strong};

on_every_engine!(
    likes_of_the_root_author,
    a_thread_of_ones_own,
    a_thread_of_ones_own_that_bites_its_tail,
    bounds_of_a_thread,
    replies_of_one_time_stand_by_record_key,
);

const POST: &str = "app.bsky.feed.post";
const LIKE: &str = "app.bsky.feed.like";

async fn thread(town: &Town, anchor: &str) -> Thread {
    let asked = GetPostThread { uri: at(anchor), below: 6, above: 80, op_thread: true };
    town.harness.client.ask(asked).await.unwrap()
}

async fn likes_of_the_root_author(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    let reply = town.reply("bob", &root, &root).await;
    let below = town.reply("carol", &root, &reply).await;
    let like = async |who: &str, post: &str| {
        town.write(who, LIKE, json!({ "subject": strong(post) })).await
    };
    let liked = like("alice", &below).await;
    like("bob", &below).await;
    let elsewhere = town.post("dan").await;
    like("alice", &elsewhere).await;
    for anchor in [&root, &reply, &below] {
        let likes = thread(&town, anchor).await.root_author_likes;
        assert_eq!(likes, [RootAuthorLike { uri: below.clone(), like: liked.clone() }], "{anchor}");
    }
    assert!(thread(&town, &elsewhere).await.root_author_likes.is_empty());
}

async fn a_thread_of_ones_own(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    town.reply("bob", &root, &root).await;
    let second = town.reply("alice", &root, &root).await;
    let afterthought = town.reply("alice", &root, &root).await;
    let third = town.reply("alice", &root, &second).await;
    let bob = town.reply("bob", &root, &third).await;
    town.reply("alice", &root, &bob).await;
    // Of another thread, though it stands here.
    let other = town.post("alice").await;
    town.reply("alice", &other, &third).await;
    let expected = [root.clone(), second.clone(), third.clone()];
    for anchor in [&root, &second, &afterthought, &bob] {
        assert_eq!(thread(&town, anchor).await.op_thread, expected, "{anchor}");
    }
    assert!(thread(&town, &other).await.op_thread.is_empty(), "nobody goes on alone in it");
    let asked = GetPostThread { uri: at(&root), below: 6, above: 80, op_thread: false };
    assert!(town.harness.client.ask(asked).await.unwrap().op_thread.is_empty());
}

async fn a_thread_of_ones_own_that_bites_its_tail(harness: Harness) {
    let town = Town::new(harness);
    let [one, two] = ["one", "two"].map(|rkey| uri(&did("alice"), POST, rkey));
    for (rkey, parent) in [("one", &two), ("two", &one)] {
        let reply = json!({ "root": strong(&one), "parent": strong(parent) });
        town.put("alice", POST, rkey, json!({ "text": rkey, "reply": reply })).await;
    }
    for anchor in [&one, &two] {
        let found = thread(&town, anchor).await;
        assert!(found.op_thread.is_empty());
        assert_eq!(found.ancestors.len(), 2);
        assert_eq!(found.descendants.len(), 1);
    }
}

async fn bounds_of_a_thread(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    let mut chain = vec![root.clone()];
    for n in 0..30 {
        chain.push(town.reply("alice", &root, &chain[n]).await);
    }
    let asked = GetPostThread { uri: at(&chain[10]), below: 3, above: 4, op_thread: true };
    let found = town.harness.client.ask(asked).await.unwrap();
    let up: Vec<&String> = chain[6..=10].iter().rev().collect();
    assert_eq!(found.ancestors.iter().collect::<Vec<_>>(), up);
    assert_eq!(found.descendants, chain[11..14]);
    assert_eq!(found.op_thread, chain, "its own thread is whole, wherever one looks");
    let asked = GetPostThread { uri: at(&root), below: 1_001, above: 4, op_thread: false };
    assert!(town.harness.client.ask(asked).await.is_err());
}

async fn replies_of_one_time_stand_by_record_key(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    let mut replies = Vec::new();
    // Whoever is known longer has the smaller id; that must not count.
    for (who, rkey) in
        [("bob", "3l2222222222d"), ("carol", "3l2222222222c"), ("dan", "3l2222222222e")]
    {
        let reply = json!({ "root": strong(&root), "parent": strong(&root) });
        let time = "2020-01-01T00:00:00.000Z";
        let record = json!({ "text": who, "createdAt": time, "reply": reply });
        replies.push(town.put(who, POST, rkey, record).await);
    }
    let [bob, carol, dan] = replies.try_into().unwrap();
    assert_eq!(thread(&town, &root).await.descendants, [dan, bob, carol]);
}
