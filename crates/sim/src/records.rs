//! The records made-up people write, as canonical DAG-CBOR.

use millrace_atproto::cbor::{Value, encode};
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::Did;

/// A record somewhere, by URI and CID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    pub uri: String,
    pub cid: Cid,
}

/// What a post answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub root: Ref,
    pub parent: Ref,
}

/// `app.bsky.actor.profile`
pub fn profile(display_name: &str, description: &str, created_at_us: i64) -> Vec<u8> {
    encode(&Value::map([
        ("$type", Value::text("app.bsky.actor.profile")),
        ("displayName", Value::text(display_name)),
        ("description", Value::text(description)),
        ("createdAt", Value::text(format_ms_us(created_at_us))),
    ]))
}

/// `app.bsky.feed.post`, possibly a reply, possibly quoting, possibly mentioning at byte 0.
pub fn post(
    text: &str,
    created_at_us: i64,
    reply: Option<&Reply>,
    quote: Option<&Ref>,
    mention: Option<(&str, &Did)>,
) -> Vec<u8> {
    let mut pairs = vec![
        ("$type", Value::text("app.bsky.feed.post")),
        ("createdAt", Value::text(format_ms_us(created_at_us))),
        ("langs", Value::Array(vec![Value::text("en")])),
    ];
    match mention {
        Some((handle, did)) => {
            pairs.push(("text", Value::text(format!("@{handle} {text}"))));
            pairs.push(("facets", Value::Array(vec![mention_facet(handle, did)])));
        }
        None => pairs.push(("text", Value::text(text))),
    }
    if let Some(reply) = reply {
        pairs.push((
            "reply",
            Value::map([("root", strong_ref(&reply.root)), ("parent", strong_ref(&reply.parent))]),
        ));
    }
    if let Some(quote) = quote {
        let embed =
            [("$type", Value::text("app.bsky.embed.record")), ("record", strong_ref(quote))];
        pairs.push(("embed", Value::map(embed)));
    }
    encode(&Value::map(pairs))
}

fn mention_facet<'a>(handle: &str, did: &'a Did) -> Value<'a> {
    let end = i64::try_from(handle.len()).unwrap_or(i64::MAX).saturating_add(1);
    let feature = Value::map([
        ("$type", Value::text("app.bsky.richtext.facet#mention")),
        ("did", Value::text(did.as_str())),
    ]);
    Value::map([
        ("index", Value::map([("byteStart", Value::Int(0)), ("byteEnd", Value::Int(end))])),
        ("features", Value::Array(vec![feature])),
    ])
}

/// `app.bsky.feed.like`
pub fn like(subject: &Ref, created_at_us: i64) -> Vec<u8> {
    encode(&Value::map([
        ("$type", Value::text("app.bsky.feed.like")),
        ("subject", strong_ref(subject)),
        ("createdAt", Value::text(format_ms_us(created_at_us))),
    ]))
}

/// `app.bsky.graph.follow`
pub fn follow(subject: &Did, created_at_us: i64) -> Vec<u8> {
    encode(&Value::map([
        ("$type", Value::text("app.bsky.graph.follow")),
        ("subject", Value::text(subject.as_str())),
        ("createdAt", Value::text(format_ms_us(created_at_us))),
    ]))
}

fn strong_ref(subject: &Ref) -> Value<'_> {
    Value::map([
        ("uri", Value::text(subject.uri.as_str())),
        ("cid", Value::text(subject.cid.to_string())),
    ])
}
