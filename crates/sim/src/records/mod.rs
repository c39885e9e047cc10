//! The records made-up people write, as canonical DAG-CBOR. Times are given as text where a record may say
//! something odd, as microseconds otherwise.

mod actor;
mod embed;
mod feed;
mod graph;
pub mod odd;
mod post;

use millrace_atproto::cbor::{Value, encode};
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::Did;

pub use actor::{
    Labeler, Profile, chat_declaration, germ_declaration, notification_declaration, publication,
    status,
};
pub use embed::{Blob, Embed, External, Image};
pub use feed::{AllowRule, Generator, Postgate, Threadgate, like_of, repost};
pub use graph::{StarterPack, block, follow_of, list, list_block, list_item, verification};
pub use post::Draft;

/// A record somewhere, by URI and CID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ref {
    pub uri: String,
    pub cid: Cid,
}

impl Ref {
    /// The DID in it.
    pub fn did(&self) -> Option<Did> {
        let authority = self.uri.strip_prefix("at://")?.split('/').next()?;
        Did::parse(authority).ok()
    }

    /// `collection/rkey`
    pub fn path(&self) -> &str {
        let rest = self.uri.strip_prefix("at://").unwrap_or(&self.uri);
        rest.split_once('/').map_or("", |(_, path)| path)
    }

    /// The record key.
    pub fn rkey(&self) -> &str {
        self.path().split_once('/').map_or("", |(_, rkey)| rkey)
    }
}

/// What a post answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub root: Ref,
    pub parent: Ref,
}

/// `app.bsky.actor.profile` with a name and a few words.
pub fn profile(display_name: &str, description: &str, created_at_us: i64) -> Vec<u8> {
    let profile = Profile {
        display_name: Some(display_name.to_owned()),
        description: Some(description.to_owned()),
        created_at: Some(format_ms_us(created_at_us)),
        ..Profile::default()
    };
    profile.encode()
}

/// `app.bsky.feed.post`, possibly a reply, possibly quoting, possibly mentioning at byte 0.
pub fn post(
    text: &str,
    created_at_us: i64,
    reply: Option<&Reply>,
    quote: Option<&Ref>,
    mention: Option<(&str, &Did)>,
) -> Vec<u8> {
    let mut draft = Draft::new("", created_at_us);
    draft.langs = vec!["en".to_owned()];
    if let Some((handle, did)) = mention {
        draft.mention(handle, did);
        draft.text.push(' ');
    }
    draft.text.push_str(text);
    draft.reply = reply.cloned();
    draft.embed = quote.cloned().map(Embed::Record);
    draft.encode()
}

/// `app.bsky.feed.like`
pub fn like(subject: &Ref, created_at_us: i64) -> Vec<u8> {
    like_of(subject, &format_ms_us(created_at_us), None)
}

/// `app.bsky.graph.follow`
pub fn follow(subject: &Did, created_at_us: i64) -> Vec<u8> {
    follow_of(subject, &format_ms_us(created_at_us), None)
}

type Field = (&'static str, Value<'static>);

fn record(collection: &'static str, mut fields: Vec<Field>) -> Vec<u8> {
    fields.push(("$type", Value::text(collection)));
    encode(&Value::map(fields))
}

fn text(text: impl Into<String>) -> Value<'static> {
    Value::text(text.into())
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Value<'static> {
    Value::Array(texts.into_iter().map(text).collect())
}

/// The field, if there is something in it.
fn listed(key: &'static str, items: Vec<Value<'static>>) -> Option<Field> {
    (!items.is_empty()).then_some((key, Value::Array(items)))
}

fn strong_ref(subject: &Ref) -> Value<'static> {
    Value::map([("uri", text(&subject.uri)), ("cid", text(subject.cid.to_string()))])
}

/// The author's own warnings.
fn self_labels(labels: &[String]) -> Option<Field> {
    let values = labels.iter().map(|label| Value::map([("val", text(label))])).collect();
    let labels = Value::map([
        ("$type", Value::text("com.atproto.label.defs#selfLabels")),
        ("values", Value::Array(values)),
    ]);
    let some = matches!(labels.get("values"), Some(Value::Array(values)) if !values.is_empty());
    some.then_some(("labels", labels))
}
