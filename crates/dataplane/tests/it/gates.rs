//! Gates: replies and quotes are judged by what was there when they were indexed, and nobody is
//! told of what a gate did not allow.

use millrace_atproto::cid::Cid;
use millrace_atproto::entry::{Entry, EntryOp};
use millrace_atproto::syntax::{AtUri, Did};
use millrace_dataplane::query::hydrate::Hydrate;
use millrace_dataplane::query::notifications::ListNotifications;
use serde_json::{Value, json};

use crate::entries::{self, POST, did, tid, uri};
use crate::harness::{Harness, on_every_engine};
use crate::kinds::record;

on_every_engine!(
    a_gate_lets_in_whom_its_rules_name,
    a_judgement_stays_when_the_gate_changes,
    a_postgate_bars_quotes_but_not_the_authors_own,
    nobody_above_a_hidden_reply_is_told_of_what_is_below,
);

const AT: &str = "2026-01-01T00:00:00.000Z";

fn strong(uri: &str) -> Value {
    json!({"uri": uri, "cid": Cid::of_dag_cbor(uri.as_bytes()).to_string()})
}

fn post(author: &Did, n: i64) -> String {
    uri(author, POST, &tid(n).to_string())
}

fn written(collection: &str, n: i64, mut record_json: Value) -> EntryOp {
    record_json["$type"] = json!(collection);
    record_json["createdAt"] = json!(AT);
    entries::put(collection, &tid(n).to_string(), record(&record_json))
}

fn reply(n: i64, root: &str, parent: &str) -> EntryOp {
    let reply = json!({"root": strong(root), "parent": strong(parent)});
    written(POST, n, json!({"text": "a reply", "reply": reply}))
}

fn threadgate(author: &Did, n: i64, allow: &Value, hidden: &[String]) -> EntryOp {
    let gate = json!({"post": post(author, n), "allow": allow, "hiddenReplies": hidden});
    written("app.bsky.feed.threadgate", n, gate)
}

fn commits(author: &Did, rev: i64, ops: Vec<EntryOp>) -> Entry {
    entries::commit(author, rev, ops)
}

async fn violates(harness: &Harness, uri: &str) -> (bool, bool) {
    let posts = vec![AtUri::parse(uri).unwrap()];
    let posts = harness.client.ask(Hydrate { posts, ..Hydrate::default() }).await.unwrap().posts;
    let post = posts.iter().find(|post| post.uri == uri).unwrap();
    (post.violates_threadgate, post.violates_postgate)
}

async fn told(harness: &Harness, actor: &Did) -> Vec<(String, String)> {
    let question: ListNotifications =
        serde_json::from_value(json!({"actor": actor.as_str()})).unwrap();
    let page = harness.client.ask(question).await.unwrap();
    let mut told: Vec<(String, String)> =
        page.notifications.into_iter().map(|n| (n.reason, n.uri)).collect();
    told.sort();
    told
}

async fn a_gate_lets_in_whom_its_rules_name(harness: Harness) {
    let alice = did("alice");
    let names = ["mentioned", "follower", "followed", "listed", "stranger"];
    let rule = |name: &str| json!({"$type": format!("app.bsky.feed.threadgate#{name}")});
    let list = uri(&alice, "app.bsky.graph.list", &tid(90).to_string());
    let mut list_rule = rule("listRule");
    list_rule["list"] = json!(list);
    let gates = [
        (1, json!([rule("mentionRule")]), "mentioned"),
        (2, json!([rule("followerRule")]), "follower"),
        (3, json!([rule("followingRule")]), "followed"),
        (4, json!([list_rule]), "listed"),
        (5, json!([]), "nobody"),
    ];
    let feature =
        json!({"$type": "app.bsky.richtext.facet#mention", "did": did("mentioned").as_str()});
    let facets = json!([{"index": {"byteStart": 0, "byteEnd": 1}, "features": [feature]}]);
    let mut ops = vec![
        written("app.bsky.graph.follow", 80, json!({"subject": did("followed").as_str()})),
        written(
            "app.bsky.graph.listitem",
            91,
            json!({"list": list, "subject": did("listed").as_str()}),
        ),
    ];
    for (n, allow, _) in &gates {
        ops.push(written(POST, *n, json!({"text": "a post", "facets": facets})));
        ops.push(threadgate(&alice, *n, allow, &[]));
    }
    // One batch: all of it is there before the replies, and the last follow comes too late.
    let mut history = vec![commits(&alice, 1, ops)];
    let follow = |n: i64| written("app.bsky.graph.follow", n, json!({"subject": alice.as_str()}));
    history.push(commits(&did("follower"), 2, vec![follow(81)]));
    for name in names.iter().chain(&["alice"]) {
        let replies = gates.iter().map(|(n, _, _)| {
            let root = post(&alice, *n);
            reply(100 + n, &root, &root)
        });
        history.push(commits(&did(name), 3, replies.collect()));
    }
    history.push(commits(&did("stranger"), 4, vec![follow(82)]));
    harness.apply(&history).await;
    for (n, _, let_in) in &gates {
        for name in names {
            let (violates, _) = violates(&harness, &post(&did(name), 100 + n)).await;
            assert_eq!(violates, name != *let_in, "{name} under gate {n}");
        }
        // Alice may always answer in her own thread.
        assert!(!violates(&harness, &post(&alice, 100 + n)).await.0);
    }
    let replies: Vec<(String, String)> =
        told(&harness, &alice).await.into_iter().filter(|(reason, _)| reason == "reply").collect();
    assert_eq!(replies.len(), 4, "{replies:#?}");
}

async fn a_judgement_stays_when_the_gate_changes(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let root = post(&alice, 1);
    harness.apply(&[commits(&alice, 1, vec![written(POST, 1, json!({"text": "root"}))])]).await;
    // Within one batch, on either side of the gate.
    harness
        .apply(&[
            commits(&bob, 2, vec![reply(2, &root, &root)]),
            commits(&alice, 3, vec![threadgate(&alice, 1, &json!([]), &[])]),
            commits(&bob, 4, vec![reply(4, &root, &root)]),
            commits(
                &alice,
                5,
                vec![entries::delete("app.bsky.feed.threadgate", &tid(1).to_string())],
            ),
            commits(&bob, 6, vec![reply(6, &root, &root)]),
        ])
        .await;
    for (n, expected) in [(2, false), (4, true), (6, false)] {
        assert_eq!(violates(&harness, &post(&bob, n)).await.0, expected, "reply {n}");
    }
}

async fn a_postgate_bars_quotes_but_not_the_authors_own(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    let quoted = post(&alice, 1);
    let rules = json!([{"$type": "app.bsky.feed.postgate#disableRule"}]);
    let gate =
        written("app.bsky.feed.postgate", 1, json!({"post": quoted, "embeddingRules": rules}));
    let quote = |n: i64| {
        let embed = json!({"$type": "app.bsky.embed.record", "record": strong(&quoted)});
        written(POST, n, json!({"text": "look", "embed": embed}))
    };
    harness
        .apply(&[
            commits(&alice, 1, vec![written(POST, 1, json!({"text": "quotable"}))]),
            commits(&bob, 2, vec![quote(2)]),
            commits(&alice, 3, vec![gate, quote(3)]),
            commits(&bob, 4, vec![quote(4)]),
        ])
        .await;
    for (author, n, expected) in [(&bob, 2, false), (&alice, 3, false), (&bob, 4, true)] {
        assert_eq!(violates(&harness, &post(author, n)).await.1, expected, "quote {n}");
    }
    let quotes = told(&harness, &alice).await;
    assert_eq!(quotes, [("quote".to_owned(), post(&bob, 2))]);
}

async fn nobody_above_a_hidden_reply_is_told_of_what_is_below(harness: Harness) {
    let (alice, bob, carol) = (did("alice"), did("bob"), did("carol"));
    let (root, hidden) = (post(&alice, 1), post(&bob, 2));
    harness
        .apply(&[
            commits(&alice, 1, vec![written(POST, 1, json!({"text": "root"}))]),
            commits(&bob, 2, vec![reply(2, &root, &root)]),
            commits(
                &alice,
                3,
                vec![written(
                    "app.bsky.feed.threadgate",
                    1,
                    json!({"post": root, "hiddenReplies": [hidden]}),
                )],
            ),
            commits(&carol, 4, vec![reply(4, &root, &hidden)]),
        ])
        .await;
    assert_eq!(told(&harness, &alice).await, [("reply".to_owned(), hidden)]);
    assert_eq!(told(&harness, &bob).await, [("reply".to_owned(), post(&carol, 4))]);
}
