//! `app.bsky.feed.*` but posts: likes, reposts, gates, feed generators.

use millrace_atproto::cbor::Value;
use millrace_atproto::syntax::Did;

use super::{Blob, Ref, listed, record, self_labels, strong_ref, text};

/// `app.bsky.feed.like`
pub fn like_of(subject: &Ref, created_at: &str, via: Option<&Ref>) -> Vec<u8> {
    subjected("app.bsky.feed.like", subject, created_at, via)
}

/// `app.bsky.feed.repost`
pub fn repost(subject: &Ref, created_at: &str, via: Option<&Ref>) -> Vec<u8> {
    subjected("app.bsky.feed.repost", subject, created_at, via)
}

fn subjected(
    collection: &'static str,
    subject: &Ref,
    created_at: &str,
    via: Option<&Ref>,
) -> Vec<u8> {
    let mut fields = vec![("subject", strong_ref(subject)), ("createdAt", text(created_at))];
    fields.extend(via.map(|via| ("via", strong_ref(via))));
    record(collection, fields)
}

/// Whom a thread's gate lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowRule {
    Mention,
    Follower,
    Following,
    /// Those on the list with this URI.
    List(String),
    /// A rule nobody knows yet.
    Unknown,
}

/// `app.bsky.feed.threadgate`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Threadgate {
    pub post: String,
    /// None: anyone; no rule: nobody.
    pub allow: Option<Vec<AllowRule>>,
    pub hidden_replies: Vec<String>,
    pub created_at: String,
}

impl Threadgate {
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = vec![("post", text(&self.post)), ("createdAt", text(&self.created_at))];
        if let Some(allow) = &self.allow {
            let rules = allow.iter().map(AllowRule::value).collect();
            fields.push(("allow", Value::Array(rules)));
        }
        fields.extend(listed("hiddenReplies", self.hidden_replies.iter().map(text).collect()));
        record("app.bsky.feed.threadgate", fields)
    }
}

impl AllowRule {
    fn value(&self) -> Value<'static> {
        let rule = |name: &str| ("$type", text(format!("app.bsky.feed.threadgate#{name}")));
        match self {
            Self::Mention => Value::map([rule("mentionRule")]),
            Self::Follower => Value::map([rule("followerRule")]),
            Self::Following => Value::map([rule("followingRule")]),
            Self::List(list) => Value::map([rule("listRule"), ("list", text(list))]),
            Self::Unknown => Value::map([rule("weatherRule")]),
        }
    }
}

/// `app.bsky.feed.postgate`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Postgate {
    pub post: String,
    /// Whether nobody may quote the post.
    pub disabled: bool,
    pub detached: Vec<String>,
    pub created_at: String,
}

impl Postgate {
    pub fn encode(&self) -> Vec<u8> {
        let disable = Value::map([("$type", Value::text("app.bsky.feed.postgate#disableRule"))]);
        let mut fields = vec![("post", text(&self.post)), ("createdAt", text(&self.created_at))];
        fields.extend(listed("detachedEmbeddingUris", self.detached.iter().map(text).collect()));
        fields.extend(self.disabled.then(|| ("embeddingRules", Value::Array(vec![disable]))));
        record("app.bsky.feed.postgate", fields)
    }
}

/// `app.bsky.feed.generator`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    /// The service that answers for it.
    pub did: Did,
    pub display_name: String,
    pub description: Option<String>,
    pub avatar: Option<Blob>,
    pub accepts_interactions: bool,
    pub is_video: bool,
    pub labels: Vec<String>,
    pub created_at: String,
}

impl Generator {
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = vec![
            ("did", text(self.did.as_str())),
            ("displayName", text(&self.display_name)),
            ("createdAt", text(&self.created_at)),
        ];
        fields.extend(self.description.as_ref().map(|about| ("description", text(about))));
        fields.extend(self.avatar.as_ref().map(|avatar| ("avatar", avatar.value())));
        fields.extend(
            self.accepts_interactions.then_some(("acceptsInteractions", Value::Bool(true))),
        );
        fields.extend(
            self.is_video
                .then(|| ("contentMode", Value::text("app.bsky.feed.defs#contentModeVideo"))),
        );
        fields.extend(self_labels(&self.labels));
        record("app.bsky.feed.generator", fields)
    }
}
