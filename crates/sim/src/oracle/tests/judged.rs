//! What a gate decides, and when only the program knows what it decided.

use serde_json::{Value, json};

use super::example::{answer, each};
use super::tiny::Tiny;
use crate::oracle::{Judged, Model};

fn replies(model: &Model, root: &str) -> Vec<String> {
    let thread = answer(model, None, "app.bsky.feed.getPostThread", root);
    each(&thread["thread"]["replies"], "/post/uri").into_iter().map(str::to_owned).collect()
}

fn rule(name: &str) -> Value {
    json!({"$type": format!("app.bsky.feed.threadgate#{name}")})
}

#[test]
fn a_gate_lets_in_whom_its_rules_name() {
    let mut tiny = Tiny::default();
    let [ann, ben, cid] = ["ann", "ben", "cid"].map(|name| tiny.account(name));
    let list = tiny.list(&ann, "curatelist", &[&ben]);
    tiny.follow(&ben, &ann);
    tiny.follow(&ann, &cid);
    let rules = [
        (json!([]), [false, false]),
        (json!([rule("followerRule")]), [true, false]),
        (json!([rule("followingRule")]), [false, true]),
        (json!([{"$type": "app.bsky.feed.threadgate#listRule", "list": list}]), [true, false]),
        (json!([rule("mentionRule"), rule("followerRule"), rule("followingRule")]), [true, true]),
        (Value::Null, [true, true]),
    ];
    let mut gated = Vec::new();
    for (allow, expected) in rules {
        let root = tiny.post(&ann, "root");
        tiny.threadgate(&root, allow.clone());
        gated.push((root, allow, expected));
    }
    tiny.settle();
    let mut answers = Vec::new();
    for (root, allow, expected) in gated {
        let own = tiny.reply(&ann, &root, &root);
        let theirs = [&ben, &cid].map(|did| tiny.reply(did, &root, &root));
        let mut shown: Vec<String> = theirs
            .into_iter()
            .zip(expected)
            .filter(|(_, shown)| *shown)
            .map(|(uri, _)| uri)
            .collect();
        shown.insert(0, own);
        shown.reverse();
        answers.push((root, allow, shown));
    }
    let model = tiny.model();
    assert!(model.unsure().is_empty(), "{:?}", model.unsure());
    for (root, allow, shown) in answers {
        assert_eq!(replies(&model, &root), shown, "{allow}");
        let posts = answer(&model, Some(&cid), "app.bsky.feed.getPosts", &root);
        let view =
            posts["posts"].as_array().unwrap().iter().find(|view| view["uri"] == json!(root));
        assert_eq!(view.unwrap()["replyCount"], json!(shown.len()), "{allow}");
    }
}

#[test]
fn what_changes_with_the_reply_is_asked_for() {
    let mut tiny = Tiny::default();
    let [ann, ben] = ["ann", "ben"].map(|name| tiny.account(name));
    let root = tiny.post(&ann, "root");
    tiny.settle();
    let reply = tiny.reply(&ben, &root, &root);
    tiny.threadgate(&root, json!([]));
    tiny.settle();
    let late = tiny.reply(&ben, &root, &root);
    let mut model = tiny.model();
    assert_eq!(model.unsure(), std::slice::from_ref(&reply), "and not {late}");
    for violates_threadgate in [false, true] {
        model.learn(&reply, Judged { violates_threadgate, violates_postgate: false });
        assert_eq!(replies(&model, &root).contains(&reply), !violates_threadgate);
    }
    model.learn(&late, Judged::default());
    assert!(model.judged(&late).violates_threadgate, "what is sure is not learnt");
}

#[test]
fn a_follow_that_came_or_went_with_the_reply_is_asked_for() {
    let mut tiny = Tiny::default();
    let [ann, ben] = ["ann", "ben"].map(|name| tiny.account(name));
    let root = tiny.post(&ann, "root");
    tiny.threadgate(&root, json!([rule("followerRule")]));
    tiny.settle();
    let reply = tiny.reply(&ben, &root, &root);
    // It was there and is gone before anybody looks.
    let follow = tiny.follow(&ben, &ann);
    tiny.delete(&follow);
    assert_eq!(tiny.model().unsure(), [reply]);
}

#[test]
fn a_quote_that_may_not_be_is_detached_and_so_is_one_that_was_disowned() {
    let mut tiny = Tiny::default();
    let [ann, ben] = ["ann", "ben"].map(|name| tiny.account(name));
    let [closed, open] = ["closed", "open"].map(|text| tiny.post(&ann, text));
    let gate = |post: &str| {
        post.rsplit_once('/').map(|(_, rkey)| format!("app.bsky.feed.postgate/{rkey}")).unwrap()
    };
    let disabled = json!([{"$type": "app.bsky.feed.postgate#disableRule"}]);
    tiny.put_at(&ann, &gate(&closed), json!({"post": closed, "embeddingRules": disabled}));
    tiny.settle();
    let refused = tiny.quote(&ben, &closed);
    let disowned = tiny.quote(&ben, &open);
    tiny.settle();
    let uris = json!([disowned]);
    tiny.put_at(&ann, &gate(&open), json!({"post": open, "detachedEmbeddingUris": uris}));
    let model = tiny.model();
    let posts = answer(&model, Some(&ben), "app.bsky.feed.getPosts", "");
    let view = |uri: &str| {
        posts["posts"].as_array().unwrap().iter().find(|view| view["uri"] == json!(uri)).unwrap()
    };
    for uri in [&refused, &disowned] {
        let kind = &view(uri)["embed"]["record"]["$type"];
        assert_eq!(*kind, json!("app.bsky.embed.record#viewDetached"));
    }
    assert_eq!(view(&closed)["viewer"]["embeddingDisabled"], json!(true));
    assert_eq!(view(&open)["viewer"]["embeddingDisabled"], json!(false));
    assert_eq!(view(&closed)["quoteCount"], json!(1));
}
