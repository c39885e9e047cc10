//! Records that hold to their lexicon and records that do not, as tables of JSON.
#![expect(clippy::unwrap_used, reason = "tests")]

mod accounts;
mod drafts;
mod feeds;
mod graph;

use serde_json::{Value as Json, json};

use super::*;
use crate::cbor::from_json;

const POST: &str = Post::COLLECTION;
const PROFILE: &str = Profile::COLLECTION;
const LIKE: &str = Like::COLLECTION;
const FOLLOW: &str = Follow::COLLECTION;
const AT: &str = "2026-01-02T03:04:05.678Z";
const URI: &str = "at://did:plc:bob/app.bsky.feed.post/3jzfcijpj2z2a";
const LIST: &str = "at://did:plc:alice/app.bsky.graph.list/3jzfcijpj2z2a";
const CID: &str = "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq";
const RAW: &str = "bafkreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq";

fn nsid(text: &str) -> Nsid {
    Nsid::parse(text).unwrap()
}

/// `fields` of a valid record of `collection`, changed or added to.
fn record(collection: &str, fields: &Json) -> Json {
    let mut record = match collection {
        POST => json!({"text": "hello", "createdAt": AT}),
        LIKE => json!({"subject": strong_ref(), "createdAt": AT}),
        FOLLOW => json!({"subject": "did:plc:bob", "createdAt": AT}),
        Repost::COLLECTION => json!({"subject": strong_ref(), "createdAt": AT}),
        Threadgate::COLLECTION | Postgate::COLLECTION => json!({"post": URI, "createdAt": AT}),
        Generator::COLLECTION => {
            json!({"did": "did:web:feeds.test", "displayName": "Cats", "createdAt": AT})
        }
        Block::COLLECTION => json!({"subject": "did:plc:bob", "createdAt": AT}),
        List::COLLECTION => {
            json!({"name": "Cats", "purpose": "app.bsky.graph.defs#curatelist", "createdAt": AT})
        }
        ListItem::COLLECTION => json!({"subject": "did:plc:bob", "list": LIST, "createdAt": AT}),
        ListBlock::COLLECTION => json!({"subject": LIST, "createdAt": AT}),
        StarterPack::COLLECTION => json!({"name": "Cats", "list": LIST, "createdAt": AT}),
        Verification::COLLECTION => json!({
            "subject": "did:plc:bob", "handle": "bob.test", "displayName": "Bob", "createdAt": AT,
        }),
        Status::COLLECTION => json!({"status": "app.bsky.actor.status#live", "createdAt": AT}),
        Labeler::COLLECTION => json!({"policies": {"labelValues": []}, "createdAt": AT}),
        NotificationDeclaration::COLLECTION => json!({"allowSubscriptions": "mutuals"}),
        ChatDeclaration::COLLECTION => json!({"allowIncoming": "following"}),
        GermDeclaration::COLLECTION => {
            json!({"version": "1.0.0", "currentKey": {"$bytes": "A2tleQ"}})
        }
        Publication::COLLECTION => json!({"url": "https://example.com", "name": "Notes"}),
        _ => json!({}),
    };
    record["$type"] = collection.into();
    for (key, value) in fields.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn strong_ref() -> Json {
    json!({"uri": URI, "cid": CID})
}

fn blob(mime_type: &str, size: i64) -> Json {
    json!({"$type": "blob", "ref": {"$link": RAW}, "mimeType": mime_type, "size": size})
}

fn parse_error(collection: &str, record: &Json) -> Option<String> {
    let value = from_json(record).unwrap();
    Record::parse(&nsid(collection), &value)
        .err()
        .map(|error| format!("{} {}", error.path(), error.reason()))
}

#[track_caller]
fn accepts(collection: &str, fields: &Json) {
    assert_eq!(parse_error(collection, &record(collection, fields)), None, "{fields}");
}

/// `expected` is the path and the reason.
#[track_caller]
fn refuses(collection: &str, fields: &Json, expected: &str) {
    let error = parse_error(collection, &record(collection, fields));
    assert_eq!(error.as_deref(), Some(expected), "{fields}");
}

/// Without any of `keys` a record of `collection` is refused, and with no other key it is accepted.
#[track_caller]
fn requires(collection: &str, keys: &[&str]) {
    let minimal = record(collection, &json!({}));
    let mut required: Vec<&str> = minimal.as_object().unwrap().keys().map(String::as_str).collect();
    required.retain(|key| *key != "$type");
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    required.sort_unstable();
    assert_eq!(required, sorted, "{collection}");
    accepts(collection, &json!({}));
    for key in keys {
        let mut lacking = minimal.clone();
        lacking.as_object_mut().unwrap().remove(*key);
        assert_eq!(parse_error(collection, &lacking), Some(format!("{key} missing")));
        refuses(collection, &json!({*key: null}), &format!("{key} type"));
    }
}

/// What `take` makes of a valid record.
#[track_caller]
fn reads<T>(collection: &str, fields: &Json, take: impl FnOnce(Record<'_>) -> Option<T>) -> T {
    let value = from_json(&record(collection, fields)).unwrap();
    let record = Record::parse(&nsid(collection), &value).unwrap().unwrap();
    take(record).unwrap()
}

#[test]
fn a_full_post() {
    let json = record(
        POST,
        &json!({
            "text": "see @bob and #cats",
            "reply": {"root": strong_ref(), "parent": strong_ref()},
            "langs": ["en", "pt-BR"],
            "tags": ["dogs"],
            "facets": [{
                "index": {"byteStart": 4, "byteEnd": 8},
                "features": [
                    {"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:bob"},
                    {"$type": "app.bsky.richtext.facet#tag", "tag": "cats"},
                    {"$type": "app.bsky.richtext.facet#link", "uri": "https://example.com/ü"},
                    {"$type": "com.example.facet#sparkle"},
                ],
            }],
            "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "nudity"}]},
            "embed": {
                "$type": "app.bsky.embed.recordWithMedia",
                "record": {"record": strong_ref()},
                "media": {"$type": "app.bsky.embed.images", "images": [{
                    "image": blob("image/webp", 1), "alt": "", "aspectRatio": {"width": 4, "height": 3},
                }]},
            },
            "com.example.more": {"anything": [1, null]},
        }),
    );
    let value = from_json(&json).unwrap();
    let Some(Record::Post(post)) = Record::parse(&nsid(POST), &value).unwrap() else {
        panic!("not a post");
    };
    assert_eq!(post.text, "see @bob and #cats");
    assert_eq!(post.created_at, AT);
    assert_eq!(post.langs, ["en", "pt-BR"]);
    assert_eq!(post.tags, ["dogs"]);
    assert_eq!(post.labels, ["nudity"]);
    assert_eq!(post.reply.unwrap().parent.uri.to_string(), URI);
    let facet = &post.facets[0];
    assert_eq!((facet.byte_start, facet.byte_end), (4, 8));
    assert_eq!(facet.features.len(), 3);
    assert_eq!(facet.features[1], Feature::Tag("cats"));
    let embed = post.embed.unwrap();
    assert_eq!(embed.record().unwrap().repo_cid().unwrap().to_string(), CID);
    let Some(Media::Images(images)) = embed.media() else {
        panic!("not images");
    };
    assert_eq!(images[0].image.cid.to_string(), RAW);
    let ratio = AspectRatio { width: 4, height: 3 };
    assert_eq!(images[0].aspect_ratio, Some(ratio));
}

#[test]
fn posts() {
    let graphemes = |n: usize| "e\u{301}".repeat(n);
    accepts(POST, &json!({"text": ""}));
    accepts(POST, &json!({"text": graphemes(300)}));
    refuses(POST, &json!({"text": graphemes(301)}), "text graphemes");
    // One family of three is one grapheme of 18 bytes.
    accepts(POST, &json!({"text": "👨‍👩‍👧".repeat(166)}));
    refuses(POST, &json!({"text": "👨‍👩‍👧".repeat(167)}), "text bytes");
    refuses(POST, &json!({"text": null}), "text type");
    refuses(POST, &json!({"text": 3}), "text type");
    refuses(POST, &json!({"createdAt": "2026-01-02"}), "createdAt format");
    accepts(POST, &json!({"langs": ["en", "de", "ja"]}));
    refuses(POST, &json!({"langs": ["en", "de", "ja", "fr"]}), "langs items");
    refuses(POST, &json!({"langs": ["en", "jaja"]}), "langs[1] format");
    refuses(POST, &json!({"langs": "en"}), "langs type");
    refuses(POST, &json!({"tags": ["a".repeat(65)]}), "tags[0] graphemes");
    refuses(POST, &json!({"tags": vec!["a"; 9]}), "tags items");
    refuses(POST, &json!({"reply": {"root": strong_ref()}}), "reply.parent missing");
    refuses(
        POST,
        &json!({"reply": {"root": {"uri": URI, "cid": "cid"}, "parent": strong_ref()}}),
        "reply.root.cid format",
    );
    refuses(
        POST,
        &json!({"entities": [{"index": {"start": 0, "end": -1}, "type": "link", "value": ""}]}),
        "entities[0].index.end range",
    );
}

#[test]
fn facets() {
    let facet = |start: i64, feature: &Json| json!({"facets": [{"index": {"byteStart": start, "byteEnd": 9}, "features": [feature]}]});
    let tag = |tag: &str| json!({"$type": "app.bsky.richtext.facet#tag", "tag": tag});
    accepts(POST, &facet(0, &tag("cats")));
    refuses(POST, &facet(-1, &tag("cats")), "facets[0].index.byteStart range");
    refuses(POST, &facet(0, &tag(&"a".repeat(65))), "facets[0].features[0].tag graphemes");
    refuses(POST, &facet(0, &json!({"tag": "cats"})), "facets[0].features[0].$type missing");
    let mention = json!({"$type": "app.bsky.richtext.facet#mention", "did": "bob.test"});
    refuses(POST, &facet(0, &mention), "facets[0].features[0].did format");
    let link = json!({"$type": "app.bsky.richtext.facet#link", "uri": "example.com"});
    refuses(POST, &facet(0, &link), "facets[0].features[0].uri format");
    refuses(POST, &json!({"facets": [{"features": []}]}), "facets[0].index missing");
}

#[test]
fn embeds() {
    let embed = |name: &str, fields: Json| {
        let mut embed = fields;
        embed["$type"] = name.into();
        json!({"embed": embed})
    };
    let images = |images: Vec<Json>| embed("app.bsky.embed.images", json!({"images": images}));
    let image = |blob: Json| json!({"image": blob, "alt": "a cat"});
    accepts(POST, &images(vec![]));
    accepts(POST, &images(vec![image(blob("image/png", 2_000_000)); 4]));
    refuses(POST, &images(vec![image(blob("image/png", 9)); 5]), "embed.images items");
    let at = "embed.images[0].image";
    refuses(POST, &images(vec![image(blob("image/png", 2_000_001))]), &format!("{at}.size blob"));
    refuses(POST, &images(vec![image(blob("image/png", 0))]), &format!("{at}.size range"));
    refuses(POST, &images(vec![image(blob("video/mp4", 9))]), &format!("{at}.mimeType blob"));
    refuses(POST, &images(vec![image(blob("image", 9))]), &format!("{at}.mimeType format"));
    refuses(
        POST,
        &images(vec![image(json!({"cid": RAW, "mimeType": "image/png"}))]),
        &format!("{at}.$type missing"),
    );
    let mut not_raw = blob("image/png", 9);
    not_raw["ref"] = json!({"$link": CID});
    refuses(POST, &images(vec![image(not_raw)]), &format!("{at}.ref blob"));
    let mut more = blob("image/png", 9);
    more["original"] = json!({});
    refuses(POST, &images(vec![image(more)]), &format!("{at} extra"));
    refuses(
        POST,
        &images(vec![json!({"image": blob("image/png", 9)})]),
        "embed.images[0].alt missing",
    );

    accepts(POST, &embed("com.example.embed", json!({"images": 3})));
    accepts(POST, &json!({"embed": {"$type": "app.bsky.embed.images#main"}}));
    refuses(POST, &json!({"embed": {"images": []}}), "embed.$type missing");
    refuses(POST, &json!({"embed": "app.bsky.embed.images"}), "embed type");
    refuses(POST, &embed("app.bsky.embed.record", json!({})), "embed.record missing");
    refuses(
        POST,
        &embed(
            "app.bsky.embed.recordWithMedia",
            json!({
                "record": {"$type": "app.bsky.embed.images", "record": strong_ref()},
                "media": {"$type": "com.example.media"},
            }),
        ),
        "embed.record.$type name",
    );
    let external = |uri: &str| {
        embed(
            "app.bsky.embed.external",
            json!({"external": {"uri": uri, "title": "", "description": ""}}),
        )
    };
    accepts(POST, &external("https://example.com"));
    refuses(POST, &external("example.com"), "embed.external.uri format");
    let video = |captions: Json| {
        embed("app.bsky.embed.video", json!({"video": blob("video/mp4", 9), "captions": captions}))
    };
    accepts(POST, &video(json!([{"lang": "en", "file": blob("text/vtt", 20_000)}])));
    refuses(
        POST,
        &video(json!([{"lang": "en", "file": blob("text/vtt", 20_001)}])),
        "embed.captions[0].file.size blob",
    );
    let gallery = |item: Json| embed("app.bsky.embed.gallery", json!({"items": [item]}));
    accepts(POST, &gallery(json!({"$type": "com.example.item"})));
    let picture =
        json!({"$type": "app.bsky.embed.gallery#image", "image": blob("image/png", 9), "alt": ""});
    refuses(POST, &gallery(picture), "embed.items[0].aspectRatio missing");
}

#[test]
fn self_labels() {
    let labels = |values: Json| json!({"labels": {"$type": "com.atproto.label.defs#selfLabels", "values": values}});
    accepts(PROFILE, &labels(json!(vec![json!({"val": "a".repeat(128)}); 10])));
    refuses(PROFILE, &labels(json!(vec![json!({"val": "a"}); 11])), "labels.values items");
    refuses(PROFILE, &labels(json!([{"val": "a".repeat(129)}])), "labels.values[0].val bytes");
    accepts(PROFILE, &json!({"labels": {"$type": "com.example.labels"}}));
    refuses(PROFILE, &json!({"labels": {}}), "labels.$type missing");
}

#[test]
fn profiles() {
    accepts(PROFILE, &json!({}));
    accepts(
        PROFILE,
        &json!({
            "displayName": "é".repeat(64), "description": "d".repeat(256), "pronouns": "she/her",
            "website": "https://example.com", "avatar": blob("image/png", 1_000_000),
            "pinnedPost": strong_ref(), "createdAt": AT,
        }),
    );
    refuses(PROFILE, &json!({"displayName": "é".repeat(65)}), "displayName graphemes");
    refuses(PROFILE, &json!({"description": "d".repeat(257)}), "description graphemes");
    refuses(PROFILE, &json!({"description": "d".repeat(2_561)}), "description bytes");
    refuses(PROFILE, &json!({"avatar": blob("image/webp", 9)}), "avatar.mimeType blob");
    refuses(PROFILE, &json!({"banner": blob("image/png", 1_000_001)}), "banner.size blob");
    refuses(PROFILE, &json!({"pinnedPost": URI}), "pinnedPost type");
    refuses(PROFILE, &json!({"createdAt": ""}), "createdAt format");
}

#[test]
fn likes_and_follows() {
    accepts(LIKE, &json!({"via": strong_ref()}));
    refuses(
        LIKE,
        &json!({"subject": {"uri": "https://example.com", "cid": CID}}),
        "subject.uri format",
    );
    refuses(LIKE, &json!({"subject": URI}), "subject type");
    refuses(LIKE, &json!({"via": {"uri": URI}}), "via.cid missing");
    accepts(FOLLOW, &json!({}));
    refuses(FOLLOW, &json!({"subject": "bob.test"}), "subject format");
    refuses(FOLLOW, &json!({"createdAt": 0}), "createdAt type");
}

#[test]
fn the_type_must_be_the_collection() {
    refuses(LIKE, &json!({"$type": FOLLOW}), "$type name");
    assert_eq!(parse_error(LIKE, &json!({"createdAt": AT})).as_deref(), Some("$type missing"));
    assert_eq!(parse_error(LIKE, &json!([])).as_deref(), Some(" type"));
    let unindexed = from_json(&json!({"$type": "com.example.thing"})).unwrap();
    assert_eq!(Record::parse(&nsid("com.example.thing"), &unindexed), Ok(None));
}

#[test]
fn keys() {
    let fits = |collection: &str, rkey: &str| {
        key_fits(&nsid(collection), &RecordKey::parse(rkey).unwrap())
    };
    assert!(fits(PROFILE, "self"));
    assert!(!fits(PROFILE, "3jzfcijpj2z2a"));
    assert!(fits(POST, "3jzfcijpj2z2a"));
    assert!(!fits(LIKE, "self"));
    assert!(fits("com.example.thing", "self"));
    for collection in [
        Status::COLLECTION,
        Labeler::COLLECTION,
        NotificationDeclaration::COLLECTION,
        ChatDeclaration::COLLECTION,
        GermDeclaration::COLLECTION,
    ] {
        assert!(fits(collection, "self"), "{collection}");
        assert!(!fits(collection, "3jzfcijpj2z2a"), "{collection}");
    }
    for collection in [
        Repost::COLLECTION,
        Threadgate::COLLECTION,
        Postgate::COLLECTION,
        Block::COLLECTION,
        List::COLLECTION,
        ListItem::COLLECTION,
        ListBlock::COLLECTION,
        StarterPack::COLLECTION,
        Verification::COLLECTION,
        Publication::COLLECTION,
    ] {
        assert!(fits(collection, "3jzfcijpj2z2a"), "{collection}");
        assert!(!fits(collection, "self"), "{collection}");
    }
    assert!(fits(Generator::COLLECTION, "whats-hot"));
    assert!(fits(Generator::COLLECTION, "3jzfcijpj2z2a"));
}

#[test]
fn errors_say_where_and_what() {
    let value = from_json(&record(POST, &json!({"langs": [1]}))).unwrap();
    let error = Record::parse(&nsid(POST), &value).unwrap_err();
    assert_eq!(error.to_string(), "langs[0]: it must be text");
    let nameless = Value::map([("$type", Value::text(""))]);
    let error = Object::variant(&nameless).err().unwrap();
    assert_eq!(error.to_string(), "$type: it must be the name of a variant");
    let error = Record::parse(&nsid(POST), &Value::Null).unwrap_err();
    assert_eq!(error.to_string(), "the record: it must be an object");
}
