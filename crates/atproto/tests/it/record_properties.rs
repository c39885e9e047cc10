//! Records of every kind: whatever their fields hold, they are read or refused.

use millrace_atproto::cbor::{Value, from_json};
use millrace_atproto::cid::Cid;
use millrace_atproto::lexicon::Record;
use millrace_atproto::syntax::Nsid;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const AT: &str = "2026-01-02T03:04:05Z";
const POST: &str = "at://did:plc:a/app.bsky.feed.post/1";
const LIST: &str = "at://did:plc:a/app.bsky.graph.list/1";

/// One valid record of every kind: what is required and no more.
fn minimal() -> [(&'static str, Json); 19] {
    let cid = Cid::of_dag_cbor(b"").to_string();
    let subject = json!({"uri": POST, "cid": cid});
    [
        ("app.bsky.feed.post", json!({"text": "", "createdAt": AT})),
        ("app.bsky.feed.like", json!({"subject": subject, "createdAt": AT})),
        ("app.bsky.feed.repost", json!({"subject": subject, "createdAt": AT})),
        ("app.bsky.feed.threadgate", json!({"post": POST, "createdAt": AT})),
        ("app.bsky.feed.postgate", json!({"post": POST, "createdAt": AT})),
        (
            "app.bsky.feed.generator",
            json!({"did": "did:plc:a", "displayName": "", "createdAt": AT}),
        ),
        ("app.bsky.graph.follow", json!({"subject": "did:plc:a", "createdAt": AT})),
        ("app.bsky.graph.block", json!({"subject": "did:plc:a", "createdAt": AT})),
        ("app.bsky.graph.list", json!({"name": "a", "purpose": "", "createdAt": AT})),
        ("app.bsky.graph.listitem", json!({"subject": "did:plc:a", "list": LIST, "createdAt": AT})),
        ("app.bsky.graph.listblock", json!({"subject": LIST, "createdAt": AT})),
        ("app.bsky.graph.starterpack", json!({"name": "a", "list": LIST, "createdAt": AT})),
        (
            "app.bsky.graph.verification",
            json!({"subject": "did:plc:a", "handle": "a.test", "displayName": "", "createdAt": AT}),
        ),
        ("app.bsky.actor.profile", json!({})),
        ("app.bsky.actor.status", json!({"status": "", "createdAt": AT})),
        ("app.bsky.labeler.service", json!({"policies": {"labelValues": []}, "createdAt": AT})),
        ("app.bsky.notification.declaration", json!({"allowSubscriptions": ""})),
        ("chat.bsky.actor.declaration", json!({"allowIncoming": ""})),
        ("com.germnetwork.declaration", json!({"version": "1.0.0", "currentKey": {"$bytes": ""}})),
    ]
}

/// A record of `collection` with the fields of `base`, and over them those of `over`.
fn record(collection: &'static str, base: &Json, over: &Value<'static>) -> Value<'static> {
    let mut fields = over.as_map().unwrap().to_vec();
    for (key, value) in from_json(base).unwrap().as_map().unwrap() {
        if over.get(key).is_none() {
            fields.push((key.clone(), value.clone()));
        }
    }
    fields.retain(|(key, _)| key != "$type");
    fields.push(("$type".into(), Value::text(collection)));
    Value::map(fields)
}

#[test]
fn what_is_required_is_enough() {
    let none = Value::Map(Vec::new());
    for (collection, base) in minimal() {
        let record = record(collection, &base, &none);
        let parsed = Record::parse(&Nsid::parse(collection).unwrap(), &record);
        assert!(matches!(parsed, Ok(Some(_))), "{collection}: {parsed:?}");
    }
}

proptest! {
    #[test]
    fn records_are_total(over in value_of_lexicons()) {
        for (collection, base) in minimal() {
            let nsid = Nsid::parse(collection).unwrap();
            for base in [&base, &json!({})] {
                let record = record(collection, base, &over);
                let parsed = Record::parse(&nsid, &record);
                prop_assert!(!matches!(parsed, Ok(None)));
            }
        }
    }
}

/// Trees whose keys and names come from the lexicons, so that readers get far.
fn value_of_lexicons() -> impl Strategy<Value = Value<'static>> {
    let key = proptest::sample::select(vec![
        "$type",
        "text",
        "createdAt",
        "reply",
        "root",
        "parent",
        "uri",
        "cid",
        "embed",
        "langs",
        "facets",
        "index",
        "byteStart",
        "byteEnd",
        "features",
        "did",
        "tag",
        "tags",
        "labels",
        "values",
        "val",
        "images",
        "image",
        "alt",
        "ref",
        "mimeType",
        "size",
        "record",
        "media",
        "external",
        "video",
        "items",
        "aspectRatio",
        "width",
        "height",
        "subject",
        "via",
        "displayName",
        "avatar",
        "post",
        "allow",
        "list",
        "hiddenReplies",
        "detachedEmbeddingUris",
        "embeddingRules",
        "name",
        "purpose",
        "description",
        "descriptionFacets",
        "acceptsInteractions",
        "contentMode",
        "feeds",
        "policies",
        "labelValues",
        "labelValueDefinitions",
        "identifier",
        "severity",
        "blurs",
        "defaultSetting",
        "adultOnly",
        "locales",
        "lang",
        "reasonTypes",
        "subjectTypes",
        "subjectCollections",
        "handle",
        "status",
        "durationMinutes",
        "allowSubscriptions",
        "allowIncoming",
        "allowGroupInvites",
        "version",
        "currentKey",
        "messageMe",
        "showButtonTo",
        "messageMeUrl",
        "keyPackage",
        "continuityProofs",
    ]);
    let name = proptest::sample::select(vec![
        "blob",
        "app.bsky.embed.images",
        "app.bsky.embed.record",
        "app.bsky.embed.recordWithMedia",
        "app.bsky.embed.gallery",
        "app.bsky.embed.video",
        "app.bsky.embed.external",
        "app.bsky.richtext.facet#tag",
        "app.bsky.richtext.facet#mention",
        "com.atproto.label.defs#selfLabels",
        "app.bsky.feed.threadgate#mentionRule",
        "app.bsky.feed.threadgate#listRule",
        "app.bsky.feed.postgate#disableRule",
        "app.bsky.feed.post",
        "bob.test",
        "https://example.com",
        "at://did:plc:a/app.bsky.feed.post/1",
        "2026-01-02T03:04:05Z",
        "did:plc:a",
        "image/png",
        "en",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.into())),
        any::<String>().prop_map(Value::text),
        name.prop_map(Value::text),
        any::<[u8; 4]>().prop_map(|seed| Value::Link(Cid::of_raw(&seed))),
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            proptest::collection::vec((key.clone(), inner), 0..8).prop_map(Value::map),
        ]
    })
    .prop_map(|value| match value {
        Value::Map(_) => value,
        other => Value::map([("embed", other)]),
    })
}
