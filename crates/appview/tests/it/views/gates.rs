//! Threads with gates, and replies that stand behind blocks, as feeds show them.

use serde_json::{Value, json};

use super::post;
use crate::people::did;
use crate::world::{World, near_and_far};

near_and_far!(
    a_gate_with_its_lists,
    what_a_reply_answers_behind_blocks,
    a_reply_the_gate_does_not_allow,
);

const GET_AUTHOR_FEED: &str = "app.bsky.feed.getAuthorFeed";

async fn a_gate_with_its_lists(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    let list = alice.makes_list("curatelist", "friends");
    alice.adds(&list, "bob");
    let list_rule = json!({ "$type": "app.bsky.feed.threadgate#listRule", "list": list.uri });
    let lost =
        json!({ "$type": "app.bsky.feed.threadgate#listRule", "list": format!("{}x", list.uri) });
    let gate = alice.gates(&root, json!({ "allow": [list_rule, lost] }));
    let seen = post(&world, Some("bob"), &root).await;
    assert_eq!(seen["threadgate"]["uri"], gate.uri.as_str());
    assert_eq!(seen["threadgate"]["cid"], gate.cid.as_str());
    assert_eq!(seen["threadgate"]["record"]["post"], root.uri.as_str());
    let lists = seen["threadgate"]["lists"].as_array().unwrap();
    assert_eq!((lists.len(), &lists[0]["name"]), (1, &json!("friends")));
    assert_eq!(lists[0].get("creator"), None);
    assert_eq!(seen["viewer"]["replyDisabled"], false);
    assert_eq!(post(&world, Some("carol"), &root).await["viewer"]["replyDisabled"], true);
    let reply = world.actor("bob").replies(&root, "reply");
    let seen = post(&world, Some("carol"), &reply).await;
    assert_eq!((&seen["viewer"]["replyDisabled"], seen.get("threadgate")), (&json!(true), None));
    let seen = post(&world, None, &root).await;
    assert_eq!((seen.get("viewer"), seen["threadgate"].is_object()), (None, true));
}

/// The newest line of somebody's own feed.
async fn line(world: &World, viewer: Option<&str>, author: &str) -> Value {
    let author = did(author);
    let params = [("actor", author.as_str()), ("limit", "1")];
    let mut answer = match viewer {
        Some(viewer) => world.get_as(viewer, GET_AUTHOR_FEED, &params).await.ok(),
        None => world.get(GET_AUTHOR_FEED, &params).await.ok(),
    };
    answer["feed"][0].take()
}

/// What stands for the root and the parent: `text` of a post, or why it is not shown.
fn answered(line: &Value) -> [&str; 2] {
    ["root", "parent"].map(|which| {
        let item = &line["reply"][which];
        item["record"]["text"].as_str().unwrap_or_else(|| {
            item["$type"].as_str().unwrap().trim_start_matches("app.bsky.feed.defs#")
        })
    })
}

async fn what_a_reply_answers_behind_blocks(world: World) {
    let root = world.actor("alice").posts("root");
    let parent = world.actor("bob").replies(&root, "parent");
    world.actor("carol").replies(&parent, "reply");
    let shown = line(&world, None, "carol").await;
    assert_eq!(answered(&shown), ["root", "parent"]);
    assert_eq!(shown["reply"]["grandparentAuthor"]["did"], json!(did("alice")));
    // Who blocks whom, and what stands for the root and the parent.
    for (by, who, expected) in [
        ("carol", "bob", ["root", "blockedPost"]),
        ("bob", "carol", ["root", "blockedPost"]),
        ("alice", "carol", ["blockedPost", "parent"]),
        ("alice", "bob", ["blockedPost", "parent"]),
        ("viewer", "alice", ["blockedPost", "parent"]),
        ("bob", "viewer", ["root", "blockedPost"]),
    ] {
        let block = world.actor(by).blocks(who);
        let shown = line(&world, Some("viewer"), "carol").await;
        assert_eq!(answered(&shown), expected, "{by} blocks {who}");
        let grandparent = shown["reply"].get("grandparentAuthor");
        assert_eq!(grandparent.is_some(), expected[1] == "parent", "{by} blocks {who}");
        world.actor(by).deletes(&block);
    }
    world.actor("bob").deletes(&parent);
    assert_eq!(answered(&line(&world, None, "carol").await), ["root", "notFoundPost"]);
}

async fn a_reply_the_gate_does_not_allow(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("root");
    alice.gates(&root, json!({ "allow": [] }));
    world.actor("bob").replies(&root, "all the same");
    let shown = line(&world, Some("bob"), "bob").await;
    assert_eq!(shown["post"]["record"]["text"], "all the same");
    assert_eq!(shown.get("reply"), None, "it does not stand in the thread");
    assert_eq!(shown["post"]["viewer"]["replyDisabled"], true, "even its author may not go on");
}
