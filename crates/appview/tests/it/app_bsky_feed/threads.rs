//! Threads: shape, bounds, what is missing, depth.

use serde_json::{Value, json};

use super::GET_POST_THREAD;
use crate::people::{Ref, did};
use crate::world::{World, near_and_far};

near_and_far!(
    thread_around_a_post,
    thread_bounds,
    thread_with_missing_parents,
    thread_not_found,
    threads_a_thousand_levels_deep
);

async fn thread(world: &World, post: &Ref, params: &[(&str, &str)]) -> Value {
    let params = [&[("uri", post.uri.as_str())], params].concat();
    world.get(GET_POST_THREAD, &params).await.ok()["thread"].take()
}

/// The shape of a thread: texts with their replies.
fn shape(thread: &Value) -> Value {
    let text = &thread["post"]["record"]["text"];
    match thread["replies"].as_array() {
        Some(replies) if !replies.is_empty() => {
            json!({ text.as_str().unwrap(): replies.iter().map(shape).collect::<Value>() })
        }
        _ => text.clone(),
    }
}

async fn thread_around_a_post(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let root = alice.posts("root");
    let parent = bob.replies(&root, "parent");
    let anchor = alice.replies(&parent, "anchor");
    let first = bob.replies(&anchor, "first");
    alice.replies(&first, "nested");
    bob.replies(&anchor, "second");
    bob.replies(&root, "elsewhere");
    let like = alice.likes(&parent);
    let thread = thread(&world, &anchor, &[]).await;
    assert_eq!(thread["$type"], "app.bsky.feed.defs#threadViewPost");
    assert_eq!(shape(&thread), json!({ "anchor": ["second", { "first": ["nested"] }] }));
    assert_eq!(thread["replies"][0]["replies"], json!([]));
    assert_eq!(thread["threadContext"], json!({}));
    assert_eq!(thread["parent"]["post"]["uri"], parent.uri.as_str());
    assert_eq!(thread["parent"]["threadContext"], json!({ "rootAuthorLike": like.uri }));
    assert_eq!(thread["parent"].get("replies"), None);
    assert_eq!(thread["parent"]["parent"]["post"]["uri"], root.uri.as_str());
    assert_eq!(thread["parent"]["parent"].get("parent"), None);
    let by_handle = anchor.uri.replace(did("alice").as_str(), "alice.test");
    let again = world.get_as("alice", GET_POST_THREAD, &[("uri", &by_handle)]).await.ok();
    assert_eq!(again["thread"]["parent"]["threadContext"], json!({ "rootAuthorLike": like.uri }));
    assert_eq!(again["thread"]["parent"]["post"]["viewer"]["like"], like.uri.as_str());
}

async fn thread_bounds(world: World) {
    let alice = world.actor("alice");
    let mut chain = vec![alice.posts("0")];
    for n in 1..6 {
        chain.push(alice.replies(&chain[n - 1], &n.to_string()));
    }
    let shape_of = async |params: &[(&str, &str)]| shape(&thread(&world, &chain[2], params).await);
    assert_eq!(shape_of(&[]).await, json!({ "2": [{ "3": [{ "4": ["5"] }] }] }));
    assert_eq!(shape_of(&[("depth", "2")]).await, json!({ "2": [{ "3": ["4"] }] }));
    let none = thread(&world, &chain[2], &[("depth", "0"), ("parentHeight", "0")]).await;
    assert_eq!((none.get("replies"), none.get("parent")), (None, None));
    let one = thread(&world, &chain[2], &[("depth", "1"), ("parentHeight", "1")]).await;
    assert_eq!(one["parent"]["post"]["record"]["text"], "1");
    assert_eq!(one["parent"].get("parent"), None);
    assert_eq!(one["replies"][0].get("replies"), None, "beyond the depth nothing is said");
}

async fn thread_with_missing_parents(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let root = alice.posts("root");
    let middle = bob.replies(&root, "middle");
    let anchor = alice.replies(&middle, "anchor");
    bob.deletes(&middle);
    let shown = thread(&world, &anchor, &[]).await;
    let missing =
        json!({ "$type": "app.bsky.feed.defs#notFoundPost", "uri": middle.uri, "notFound": true });
    assert_eq!(shown["parent"], missing, "the chain ends where it is broken");
    assert_eq!(shape(&thread(&world, &root, &[]).await), json!("root"));
    // Somebody hidden is as good as gone, and so is what hangs below.
    let carol = world.actor("carol");
    let hidden = carol.replies(&root, "hidden");
    let below = alice.replies(&hidden, "below");
    bob.replies(&root, "kept");
    carol.is(false, Some("takendown"));
    assert_eq!(shape(&thread(&world, &root, &[]).await), json!({ "root": ["kept"] }));
    assert_eq!(thread(&world, &below, &[]).await["parent"]["notFound"], true);
    // A reply that names another root than its parent does stands outside the thread.
    let stray = json!({ "reply": { "root": anchor.json(), "parent": root.json() } });
    let stray = bob.posts_with("stray", stray);
    assert_eq!(shape(&thread(&world, &root, &[]).await), json!({ "root": ["kept"] }));
    assert_eq!(thread(&world, &stray, &[]).await.get("parent"), None);
}

async fn thread_not_found(world: World) {
    let alice = world.actor("alice");
    let gone = alice.posts("gone");
    alice.deletes(&gone);
    let by_bob = world.actor("bob").posts("hidden");
    world.actor("bob").is(false, Some("suspended"));
    let (_, rev) =
        alice.puts("app.bsky.actor.profile", "self", &json!({ "$type": "app.bsky.actor.profile" }));
    let list = format!("at://{}/app.bsky.graph.list/x", did("alice"));
    let repo = format!("at://{}", did("alice"));
    for uri in
        [&gone.uri, &by_bob.uri, &list, &repo, &"at://nobody.test/app.bsky.feed.post/x".to_owned()]
    {
        let answer = world.get_as("alice", GET_POST_THREAD, &[("uri", uri)]).await;
        assert_eq!(answer.refused(), (400, "NotFound"), "{uri}");
        assert_eq!(answer.header("atproto-repo-rev"), Some(rev.to_string().as_str()), "{uri}");
    }
}

async fn threads_a_thousand_levels_deep(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("0");
    let mut last = root.clone();
    for n in 1..=1_000 {
        last = alice.replies(&last, &n.to_string());
    }
    let down = [("uri", root.uri.as_str()), ("depth", "1000")];
    let down = world.get(GET_POST_THREAD, &down).await;
    assert_eq!(down.status, 200);
    assert_eq!(down.text.matches("#threadViewPost").count(), 1_001);
    assert!(down.text.contains(&last.uri));
    let up = [("uri", last.uri.as_str()), ("parentHeight", "1000"), ("depth", "0")];
    let up = world.get(GET_POST_THREAD, &up).await;
    assert_eq!(up.status, 200);
    assert_eq!(up.text.matches("#threadViewPost").count(), 1_001);
    assert!(up.text.contains(&root.uri));
}
