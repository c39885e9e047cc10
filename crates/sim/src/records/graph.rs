//! `app.bsky.graph.*`: who follows, blocks and verifies whom, lists and starter packs.

use millrace_atproto::cbor::Value;
use millrace_atproto::syntax::Did;

use super::{Field, Ref, listed, record, strong_ref, text};

fn person(subject: &Did, created_at: &str) -> Vec<Field> {
    vec![("subject", text(subject.as_str())), ("createdAt", text(created_at))]
}

/// `app.bsky.graph.follow`, possibly through a starter pack.
pub fn follow_of(subject: &Did, created_at: &str, via: Option<&Ref>) -> Vec<u8> {
    let mut fields = person(subject, created_at);
    fields.extend(via.map(|via| ("via", strong_ref(via))));
    record("app.bsky.graph.follow", fields)
}

/// `app.bsky.graph.block`
pub fn block(subject: &Did, created_at: &str) -> Vec<u8> {
    record("app.bsky.graph.block", person(subject, created_at))
}

/// `app.bsky.graph.list`; the purpose is the word before `list`: `curate`, `mod`, `reference`.
pub fn list(purpose: &str, name: &str, description: Option<&str>, created_at: &str) -> Vec<u8> {
    let mut fields = vec![
        ("purpose", text(format!("app.bsky.graph.defs#{purpose}list"))),
        ("name", text(name)),
        ("createdAt", text(created_at)),
    ];
    fields.extend(description.map(|about| ("description", text(about))));
    record("app.bsky.graph.list", fields)
}

/// `app.bsky.graph.listitem`
pub fn list_item(list: &str, subject: &Did, created_at: &str) -> Vec<u8> {
    let mut fields = person(subject, created_at);
    fields.push(("list", text(list)));
    record("app.bsky.graph.listitem", fields)
}

/// `app.bsky.graph.listblock`
pub fn list_block(list: &str, created_at: &str) -> Vec<u8> {
    let fields = vec![("subject", text(list)), ("createdAt", text(created_at))];
    record("app.bsky.graph.listblock", fields)
}

/// `app.bsky.graph.verification`
pub fn verification(subject: &Did, handle: &str, display_name: &str, created_at: &str) -> Vec<u8> {
    let mut fields = person(subject, created_at);
    fields.extend([("handle", text(handle)), ("displayName", text(display_name))]);
    record("app.bsky.graph.verification", fields)
}

/// `app.bsky.graph.starterpack`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StarterPack {
    pub name: String,
    pub description: Option<String>,
    /// URI of the list of its accounts.
    pub list: String,
    /// URIs of feed generators.
    pub feeds: Vec<String>,
    pub created_at: String,
}

impl StarterPack {
    pub fn encode(&self) -> Vec<u8> {
        let feeds = self.feeds.iter().map(|uri| Value::map([("uri", text(uri))])).collect();
        let mut fields = vec![
            ("name", text(&self.name)),
            ("list", text(&self.list)),
            ("createdAt", text(&self.created_at)),
        ];
        fields.extend(self.description.as_ref().map(|about| ("description", text(about))));
        fields.extend(listed("feeds", feeds));
        record("app.bsky.graph.starterpack", fields)
    }
}
