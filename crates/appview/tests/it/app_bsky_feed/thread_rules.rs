//! Threads with gates, blocks and mutes, and with what is broken above: navigation goes on.

use serde_json::{Value, json};

use super::{GET_POST_THREAD, GET_TIMELINE, mute};
use crate::people::{POST, Ref, did};
use crate::world::{World, near_and_far};

near_and_far!(
    gated_threads,
    hidden_replies_stand_in_their_thread,
    threads_of_muted_people,
    story_16_a_deleted_parent_keeps_the_thread,
    story_16_blocks_of_the_viewer_in_a_thread,
    story_16_a_block_between_others_hides_nobody_else,
    story_16_a_blocked_anchor,
    story_16_threads_that_bite_their_tail,
    story_16_a_reply_to_what_is_no_post,
);

async fn thread_as(world: &World, who: Option<&str>, post: &Ref) -> Value {
    let params = [("uri", post.uri.as_str())];
    let answer = match who {
        Some(who) => world.get_as(who, GET_POST_THREAD, &params).await,
        None => world.get(GET_POST_THREAD, &params).await,
    };
    answer.ok()
}

/// The text of a post; what stands for one that is not shown is its kind.
fn text(item: &Value) -> &str {
    item["post"]["record"]["text"].as_str().unwrap_or_else(|| {
        item["$type"].as_str().unwrap().trim_start_matches("app.bsky.feed.defs#")
    })
}

fn replies(thread: &Value) -> Vec<&str> {
    thread["replies"].as_array().unwrap().iter().map(text).collect()
}

/// Texts of what stands above, from the nearest on.
fn above(thread: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let mut item = thread;
    while let Some(parent) = item.get("parent") {
        found.push(text(parent));
        item = parent;
    }
    found
}

async fn gated_threads(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let gate = alice.gates(&root, json!({ "allow": [] }));
    let own = alice.replies(&root, "own");
    let refused = world.actor("bob").replies(&root, "refused");
    let below = world.actor("carol").replies(&own, "below");
    let answer = thread_as(&world, Some("bob"), &root).await;
    assert_eq!(replies(&answer["thread"]), ["own"]);
    assert_eq!(answer["threadgate"]["uri"], gate.uri.as_str());
    assert_eq!(answer["thread"]["post"]["threadgate"]["uri"], gate.uri.as_str());
    assert_eq!(answer["thread"]["post"]["viewer"]["replyDisabled"], true);
    assert_eq!(replies(&answer["thread"]["replies"][0]), Vec::<&str>::new());
    // What the gate does not allow stands alone.
    for post in [&refused, &below] {
        let answer = thread_as(&world, None, post).await;
        assert_eq!(answer["thread"]["post"]["uri"], post.uri.as_str());
        assert_eq!((answer["thread"].get("parent"), answer["thread"].get("replies")), (None, None));
        assert_eq!(answer["threadgate"]["uri"], gate.uri.as_str());
    }
}

async fn hidden_replies_stand_in_their_thread(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let hidden = world.actor("bob").replies(&root, "hidden");
    world.actor("carol").replies(&root, "kept");
    alice.gates(&root, json!({ "hiddenReplies": [hidden.uri] }));
    // Hiding is what flat threads do; here the record says it, and clients act on it.
    let answer = thread_as(&world, None, &root).await;
    assert_eq!(replies(&answer["thread"]), ["kept", "hidden"]);
    assert_eq!(answer["threadgate"]["record"]["hiddenReplies"], json!([hidden.uri]));
}

async fn threads_of_muted_people(world: World) {
    let root = world.actor("alice").posts("root");
    let muted = world.actor("muted").replies(&root, "muted");
    world.actor("bob").replies(&muted, "below");
    mute(&world, "viewer", "muted").await;
    let answer = thread_as(&world, Some("viewer"), &root).await;
    assert_eq!(replies(&answer["thread"]), ["muted"]);
    assert_eq!(answer["thread"]["replies"][0]["post"]["author"]["viewer"]["muted"], true);
}

async fn story_16_a_deleted_parent_keeps_the_thread(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let root = alice.posts("root");
    let middle = bob.replies(&root, "middle");
    let anchor = alice.replies(&middle, "anchor");
    let below = bob.replies(&anchor, "below");
    bob.deletes(&middle);
    let answer = thread_as(&world, None, &anchor).await;
    assert_eq!(answer["thread"]["parent"]["uri"], middle.uri.as_str(), "it says which is gone");
    assert_eq!(above(&answer["thread"]), ["notFoundPost"]);
    assert_eq!(replies(&answer["thread"]), ["below"]);
    assert_eq!(above(&thread_as(&world, None, &below).await["thread"]), ["anchor", "notFoundPost"]);
    // In a feed its root is still shown.
    world.actor("carol").follows("alice");
    let feed = world.get_as("carol", GET_TIMELINE, &[]).await.ok();
    let reply = &feed["feed"][0]["reply"];
    assert_eq!(reply["root"]["uri"], root.uri.as_str());
    assert_eq!(
        reply["parent"],
        json!({
            "$type": "app.bsky.feed.defs#notFoundPost", "uri": middle.uri, "notFound": true,
        })
    );
}

async fn story_16_blocks_of_the_viewer_in_a_thread(world: World) {
    let root = world.actor("alice").posts("root");
    let blocked = world.actor("blocked").replies(&root, "blocked");
    let anchor = world.actor("carol").replies(&blocked, "anchor");
    world.actor("blocker").replies(&anchor, "blocker");
    world.actor("dan").replies(&anchor, "dan");
    let block = world.actor("viewer").blocks("blocked");
    world.actor("blocker").blocks("viewer");
    let answer = thread_as(&world, Some("viewer"), &anchor).await;
    let parent = &answer["thread"]["parent"];
    assert_eq!(
        *parent,
        json!({
            "$type": "app.bsky.feed.defs#blockedPost", "uri": blocked.uri, "blocked": true,
            "author": { "did": did("blocked"), "viewer": { "blockedBy": false, "blocking": block.uri } },
        })
    );
    assert_eq!(replies(&answer["thread"]), ["dan", "blockedPost"]);
    assert_eq!(answer["thread"]["replies"][1]["author"]["viewer"]["blockedBy"], true);
    let by_nobody = thread_as(&world, None, &anchor).await;
    assert_eq!(above(&by_nobody["thread"]), ["blocked", "root"]);
    assert_eq!(replies(&by_nobody["thread"]), ["dan", "blocker"]);
}

async fn story_16_a_block_between_others_hides_nobody_else(world: World) {
    let root = world.actor("alice").posts("root");
    let parent = world.actor("bob").replies(&root, "bob");
    let anchor = world.actor("carol").replies(&parent, "carol");
    world.actor("dan").replies(&anchor, "dan");
    world.actor("bob").blocks("carol");
    let answer = thread_as(&world, Some("erin"), &anchor).await;
    assert_eq!(answer["thread"]["post"]["uri"], anchor.uri.as_str());
    assert_eq!(above(&answer["thread"]), ["blockedPost"]);
    assert_eq!(answer["thread"]["parent"]["uri"], parent.uri.as_str());
    assert_eq!(replies(&answer["thread"]), ["dan"]);
    // From above the reply is gone for everybody, with what is below it.
    assert_eq!(
        replies(&thread_as(&world, Some("erin"), &parent).await["thread"]),
        Vec::<&str>::new()
    );
    assert_eq!(replies(&thread_as(&world, None, &root).await["thread"]), ["bob"]);
}

async fn story_16_a_blocked_anchor(world: World) {
    let root = world.actor("alice").posts("root");
    world.actor("bob").replies(&root, "reply");
    world.actor("alice").blocks("viewer");
    let answer = thread_as(&world, Some("viewer"), &root).await;
    let thread = &answer["thread"];
    assert_eq!(thread["$type"], "app.bsky.feed.defs#blockedPost");
    assert_eq!((&thread["uri"], &thread["blocked"]), (&json!(root.uri), &json!(true)));
    assert_eq!(thread["author"], json!({ "did": did("alice"), "viewer": { "blockedBy": true } }));
}

async fn story_16_threads_that_bite_their_tail(world: World) {
    let alice = world.actor("alice");
    let named = |n: usize| Ref {
        uri: format!("at://{}/{POST}/3kaaaaaaaaa2{}", did("alice"), ["a", "b", "c"][n]),
        cid: alice.posts("for its cid").cid,
    };
    let posts = [named(0), named(1), named(2)];
    // Each answers the next, and the last the first; each names the first as its root.
    for n in 0..3 {
        let reply = json!({ "root": posts[0].json(), "parent": posts[(n + 1) % 3].json() });
        let record = json!({
            "$type": POST, "text": n.to_string(), "createdAt": "2025-12-01T00:00:00Z", "reply": reply,
        });
        let (_, rkey) = posts[n].uri.rsplit_once('/').unwrap();
        alice.puts(POST, rkey, &record);
    }
    // And one that answers itself.
    let narcissus = named(0).uri.replace("2a", "2d");
    let own = Ref { uri: narcissus.clone(), cid: posts[0].cid.clone() };
    let record = json!({
        "$type": POST, "text": "me", "createdAt": "2025-12-01T00:00:00Z",
        "reply": { "root": own.json(), "parent": own.json() },
    });
    alice.puts(POST, own.uri.rsplit_once('/').unwrap().1, &record);
    for post in posts.iter().chain([&own]) {
        let params = [("uri", post.uri.as_str()), ("depth", "1000"), ("parentHeight", "1000")];
        let answer = world.get(GET_POST_THREAD, &params).await;
        let text = answer.text.clone();
        let thread = answer.ok();
        assert_eq!(thread["thread"]["post"]["uri"], post.uri.as_str());
        assert!(text.matches("#threadViewPost").count() <= 6, "each is shown once a direction");
    }
}

async fn story_16_a_reply_to_what_is_no_post(world: World) {
    let alice = world.actor("alice");
    let feed = alice.offers_feed(&did("cats"), "Cats");
    let reply = json!({ "root": feed.json(), "parent": feed.json() });
    let post = alice.posts_with("to a feed", json!({ "reply": reply }));
    let answer = thread_as(&world, None, &post).await;
    assert_eq!(answer["thread"]["post"]["uri"], post.uri.as_str());
    assert_eq!(above(&answer["thread"]), ["notFoundPost"]);
    assert_eq!(answer["thread"]["parent"]["uri"], feed.uri.as_str());
}
