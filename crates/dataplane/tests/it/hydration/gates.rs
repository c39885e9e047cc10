//! Gates: who may reply, who may quote, and what authors take out of their threads and of others'
//! posts.

use millrace_dataplane::query::hydrate::Hydrate;
use serde_json::{Value, json};

use super::{FOLLOW, LIST_ITEM, POST, Town, at, post, strong};
use crate::entries::did;
use crate::harness::{Harness, on_every_engine};

on_every_engine!(who_may_reply, replies_that_are_hidden, who_may_quote, quotes_that_are_taken_out);

const THREADGATE: &str = "app.bsky.feed.threadgate";
const POSTGATE: &str = "app.bsky.feed.postgate";

impl Town {
    async fn gate(&self, collection: &str, post: &str, fields: Value) -> String {
        let mut gate = fields;
        gate["post"] = json!(post);
        self.put("alice", collection, post.rsplit('/').next().unwrap(), gate).await
    }

    async fn reply_disabled(&self, viewer: &str, uri: &str) -> Option<bool> {
        let found = self.posts(Some(viewer), &[uri]).await;
        post(&found, uri).viewer.as_ref().unwrap().reply_disabled
    }
}

async fn who_may_reply(harness: Harness) {
    let town = Town::new(harness);
    let mention = json!({"$type": "app.bsky.richtext.facet#mention", "did": did("mentioned")});
    let facets = json!([{"index": {"byteStart": 0, "byteEnd": 1}, "features": [mention]}]);
    let root = town.write("alice", POST, json!({"text": "hello", "facets": facets})).await;
    let reply = town.reply("bob", &root, &root).await;
    town.edge("follower", FOLLOW, "alice").await;
    town.edge("alice", FOLLOW, "followed").await;
    // The list itself need not stand.
    let list = "at://did:web:alice.test/app.bsky.graph.list/3lzzzzzzzzz2z";
    town.write("alice", LIST_ITEM, json!({"subject": did("listed"), "list": list})).await;
    assert_eq!(town.reply_disabled("stranger", &root).await, None, "there is no gate");
    let people = ["alice", "mentioned", "follower", "followed", "listed", "stranger"];
    let rule = |name: &str| json!([{"$type": format!("app.bsky.feed.threadgate#{name}")}]);
    let listed = json!([{"$type": "app.bsky.feed.threadgate#listRule", "list": list}]);
    let both = json!([rule("followerRule")[0], listed[0]]);
    // The rules, and of the people those who may not reply.
    for (allow, expected) in [
        (None, [false; 6]),
        (Some(json!([])), [false, true, true, true, true, true]),
        (Some(rule("mentionRule")), [false, false, true, true, true, true]),
        (Some(rule("followerRule")), [false, true, false, true, true, true]),
        (Some(rule("followingRule")), [false, true, true, false, true, true]),
        (Some(listed), [false, true, true, true, false, true]),
        (Some(both), [false, true, false, true, false, true]),
    ] {
        let mut gate = json!({});
        if let Some(allow) = allow {
            gate["allow"] = allow;
        }
        let gate = town.gate(THREADGATE, &root, gate).await;
        for (viewer, expected) in people.into_iter().zip(expected) {
            for uri in [&root, &reply] {
                assert_eq!(
                    town.reply_disabled(viewer, uri).await,
                    Some(expected),
                    "{viewer} {gate}"
                );
            }
        }
    }
}

async fn replies_that_are_hidden(harness: Harness) {
    let town = Town::new(harness);
    let root = town.post("alice").await;
    let reply = town.reply("bob", &root, &root).await;
    let other = town.reply("bob", &root, &root).await;
    let list = town.list("alice", "curatelist", &[]).await;
    let rule = json!({"$type": "app.bsky.feed.threadgate#listRule", "list": list});
    let gate = json!({"hiddenReplies": [reply], "allow": [rule]});
    let gate = town.gate(THREADGATE, &root, gate).await;
    for viewer in [None, Some("bob")] {
        let found = town.posts(viewer, &[&reply, &other]).await;
        assert_eq!(
            (post(&found, &reply).hidden_by_root, post(&found, &other).hidden_by_root),
            (true, false)
        );
        let gates: Vec<(&str, &str)> =
            found.threadgates.iter().map(|gate| (gate.uri.as_str(), gate.post.as_str())).collect();
        assert_eq!(gates, [(gate.as_str(), root.as_str())], "once, with the root not asked for");
        assert_eq!(found.lists[0].uri, list, "with the list it names");
    }
    // The gate of a post that is only quoted is not shown.
    let quote = town.quote("carol", &root).await;
    assert!(town.posts(None, &[&quote]).await.threadgates.is_empty());
    town.delete(&gate).await;
    assert!(!post(&town.posts(None, &[&reply]).await, &reply).hidden_by_root);
}

async fn who_may_quote(harness: Harness) {
    let town = Town::new(harness);
    let hello = town.post("alice").await;
    let is_disabled = async |viewer: &str| {
        let found = town.posts(Some(viewer), &[&hello]).await;
        post(&found, &hello).viewer.as_ref().unwrap().embedding_disabled
    };
    assert!(!is_disabled("bob").await);
    let rules = json!({"embeddingRules": [{"$type": "app.bsky.feed.postgate#disableRule"}]});
    town.gate(POSTGATE, &hello, rules).await;
    assert!(is_disabled("bob").await);
    assert!(!is_disabled("alice").await);
    let quote = town.quote("bob", &hello).await;
    assert!(post(&town.posts(None, &[&quote]).await, &quote).violates_postgate);
}

async fn quotes_that_are_taken_out(harness: Harness) {
    let town = Town::new(harness);
    let hello = town.post("alice").await;
    let (taken_out, left) = (town.quote("bob", &hello).await, town.quote("bob", &hello).await);
    town.gate(POSTGATE, &hello, json!({"detachedEmbeddingUris": [taken_out]})).await;
    let found = town.posts(None, &[&taken_out, &left]).await;
    assert_eq!(
        (post(&found, &taken_out).quote_detached, post(&found, &left).quote_detached),
        (true, false)
    );
    // The same one level deeper, and with what a reply answers.
    let deeper = town.quote("carol", &taken_out).await;
    assert!(post(&town.posts(None, &[&deeper]).await, &taken_out).quote_detached);
    let reply = json!({"root": strong(&taken_out), "parent": strong(&taken_out)});
    let reply = town.write("dan", POST, json!({"text": "", "reply": reply})).await;
    let asked = Hydrate { posts: vec![at(&reply)], reply_refs: true, ..Hydrate::default() };
    assert!(post(&town.hydrate(asked).await, &taken_out).quote_detached);
}
