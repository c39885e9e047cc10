//! `app.bsky.feed.post`.

use millrace_atproto::cbor::Value;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::Did;

use super::{Embed, Reply, listed, record, self_labels, strong_ref, text, texts};

/// A post that is being written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Draft {
    pub text: String,
    /// As it is to stand in the record, which may be no datetime at all.
    pub created_at: String,
    pub langs: Vec<String>,
    /// Hashtags that are not in the text.
    pub tags: Vec<String>,
    pub reply: Option<Reply>,
    pub embed: Option<Embed>,
    /// The author's own warnings.
    pub labels: Vec<String>,
    facets: Vec<Value<'static>>,
}

impl Draft {
    pub fn new(text: impl Into<String>, created_at_us: i64) -> Self {
        let created_at = format_ms_us(created_at_us);
        Self { text: text.into(), created_at, ..Self::default() }
    }

    /// Appends a mention.
    pub fn mention(&mut self, handle: &str, did: &Did) {
        self.facet(&format!("@{handle}"), "#mention", "did", did.as_str());
    }

    /// Appends a hashtag.
    pub fn tag(&mut self, tag: &str) {
        self.facet(&format!("#{tag}"), "#tag", "tag", tag);
    }

    /// Appends a link that reads `shown`.
    pub fn link(&mut self, shown: &str, uri: &str) {
        self.facet(shown, "#link", "uri", uri);
    }

    fn facet(&mut self, shown: &str, feature: &str, key: &'static str, value: &str) {
        let at = |bytes: usize| Value::Int(i64::try_from(bytes).unwrap_or(i64::MAX));
        let start = self.text.len();
        self.text.push_str(shown);
        let slice = Value::map([("byteStart", at(start)), ("byteEnd", at(self.text.len()))]);
        let name = format!("app.bsky.richtext.facet{feature}");
        let feature = Value::map([("$type", text(name)), (key, text(value))]);
        let features = Value::Array(vec![feature]);
        self.facets.push(Value::map([("index", slice), ("features", features)]));
    }

    /// The record.
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = vec![("text", text(&self.text)), ("createdAt", text(&self.created_at))];
        fields.extend((!self.langs.is_empty()).then(|| ("langs", texts(&self.langs))));
        fields.extend((!self.tags.is_empty()).then(|| ("tags", texts(&self.tags))));
        fields.extend(listed("facets", self.facets.clone()));
        fields.extend(self.reply.as_ref().map(|reply| {
            let root_and_parent =
                [("root", strong_ref(&reply.root)), ("parent", strong_ref(&reply.parent))];
            ("reply", Value::map(root_and_parent))
        }));
        fields.extend(self.embed.as_ref().map(|embed| ("embed", embed.value())));
        fields.extend(self_labels(&self.labels));
        record("app.bsky.feed.post", fields)
    }
}
