//! Drafts.

use serde_json::{Value as Json, json};

use super::{CID, LIST, URI};
use crate::cbor::from_json;
use crate::lexicon::check_draft;

#[track_caller]
fn accepts(draft: &Json) {
    let value = from_json(draft).unwrap();
    assert_eq!(check_draft(&value), Ok(()), "{draft}");
}

#[track_caller]
fn refuses(draft: &Json, path: &str) {
    let value = from_json(draft).unwrap();
    let error = check_draft(&value).unwrap_err();
    assert_eq!(error.path(), path, "{draft}: {error}");
}

/// A draft of one post with further fields.
fn of(fields: &Json) -> Json {
    let mut post = json!({"text": "hello"});
    post.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"posts": [post]})
}

#[test]
fn what_it_is_made_of() {
    accepts(&json!({
        "$type": "app.bsky.draft.defs#draft", "deviceId": "d", "deviceName": "n", "unknown": 1,
        "posts": [{"text": ""}, {"text": "two"}], "langs": ["en", "pt-BR"],
        "postgateEmbeddingRules": [{"$type": "app.bsky.feed.postgate#disableRule"}],
        "threadgateAllow": [
            {"$type": "app.bsky.feed.threadgate#listRule", "list": LIST}, {"$type": "some.other#rule"},
        ],
    }));
    refuses(&json!(7), "");
    refuses(&json!({}), "posts");
    refuses(&json!({"posts": []}), "posts");
    refuses(&json!({"posts": vec![json!({"text": "x"}); 101]}), "posts");
    refuses(&json!({"posts": [{}]}), "posts[0].text");
    refuses(&json!({"posts": [{"text": "x"}], "langs": vec!["en"; 4]}), "langs");
    refuses(&json!({"posts": [{"text": "x"}], "langs": ["not a language"]}), "langs[0]");
    refuses(&json!({"posts": [{"text": "x"}], "deviceId": "x".repeat(101)}), "deviceId");
    let rule = json!({"$type": "app.bsky.feed.threadgate#listRule"});
    let gated = json!({"posts": [{"text": "x"}], "threadgateAllow": [rule]});
    refuses(&gated, "threadgateAllow[0].list");
    accepts(&of(&json!({"text": "é".repeat(1_000)})));
    refuses(&of(&json!({"text": "x".repeat(1_001)})), "posts[0].text");
}

#[test]
fn what_posts_will_show() {
    let image = json!({"localRef": {"path": "/a.jpg"}, "alt": "a"});
    accepts(&of(&json!({"embedImages": [image, image, image, image]})));
    refuses(&of(&json!({"embedImages": vec![image.clone(); 5]})), "posts[0].embedImages");
    let nowhere = json!({"localRef": {"path": ""}});
    refuses(&of(&json!({"embedImages": [nowhere]})), "posts[0].embedImages[0].localRef.path");
    let mut item = image.clone();
    item["$type"] = json!("app.bsky.draft.defs#draftEmbedImage");
    accepts(&of(&json!({"embedGallery": {"items": vec![item.clone(); 20]}})));
    refuses(
        &of(&json!({"embedGallery": {"items": vec![item; 21]}})),
        "posts[0].embedGallery.items",
    );
    refuses(&of(&json!({"embedGallery": {}})), "posts[0].embedGallery.items");
    let caption = json!({"lang": "en", "content": "c"});
    let video = json!({"localRef": {"path": "v.mp4"}, "captions": [caption]});
    accepts(&of(&json!({"embedVideos": [video]})));
    refuses(&of(&json!({"embedVideos": [video, video]})), "posts[0].embedVideos");
    accepts(&of(&json!({"embedExternals": [{"uri": "https://example.com/"}]})));
    refuses(&of(&json!({"embedExternals": [{"uri": "no"}]})), "posts[0].embedExternals[0].uri");
    accepts(&of(&json!({"embedRecords": [{"record": {"uri": URI, "cid": CID}}]})));
    let half = json!({"embedRecords": [{"record": {"uri": URI}}]});
    refuses(&of(&half), "posts[0].embedRecords[0].record.cid");
    let labels = json!({"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "porn"}]});
    accepts(&of(&json!({"labels": labels})));
    refuses(&of(&json!({"labels": {"values": []}})), "posts[0].labels.$type");
}
