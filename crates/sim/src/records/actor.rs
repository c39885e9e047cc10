//! What accounts say about themselves: profiles, statuses, declarations, labelers' policies.

use millrace_atproto::cbor::Value;

use super::{Blob, External, Ref, record, self_labels, strong_ref, text, texts};

/// `app.bsky.actor.profile`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub pronouns: Option<String>,
    pub website: Option<String>,
    pub avatar: Option<Blob>,
    pub banner: Option<Blob>,
    pub labels: Vec<String>,
    pub joined_via_starter_pack: Option<Ref>,
    pub pinned_post: Option<Ref>,
    pub created_at: Option<String>,
}

impl Profile {
    pub fn encode(&self) -> Vec<u8> {
        let said = [
            ("displayName", &self.display_name),
            ("description", &self.description),
            ("pronouns", &self.pronouns),
            ("website", &self.website),
            ("createdAt", &self.created_at),
        ];
        let mut fields = Vec::new();
        for (key, value) in said {
            fields.extend(value.as_ref().map(|value| (key, text(value))));
        }
        fields.extend(self.avatar.as_ref().map(|blob| ("avatar", blob.value())));
        fields.extend(self.banner.as_ref().map(|blob| ("banner", blob.value())));
        fields.extend(self_labels(&self.labels));
        let refs = [
            ("joinedViaStarterPack", &self.joined_via_starter_pack),
            ("pinnedPost", &self.pinned_post),
        ];
        for (key, value) in refs {
            fields.extend(value.as_ref().map(|value| (key, strong_ref(value))));
        }
        record("app.bsky.actor.profile", fields)
    }
}

/// `app.bsky.actor.status`: live, possibly with a link card and an end.
pub fn status(created_at: &str, minutes: Option<i64>, embed: Option<&External>) -> Vec<u8> {
    let mut fields = vec![
        ("status", Value::text("app.bsky.actor.status#live")),
        ("createdAt", text(created_at)),
    ];
    fields.extend(minutes.map(|minutes| ("durationMinutes", Value::Int(minutes))));
    fields.extend(embed.map(|external| {
        let embed = Value::map([
            ("$type", Value::text("app.bsky.embed.external")),
            ("external", external.value()),
        ]);
        ("embed", embed)
    }));
    record("app.bsky.actor.status", fields)
}

/// `app.bsky.notification.declaration`: `followers`, `mutuals`, `none`.
pub fn notification_declaration(allow_subscriptions: &str) -> Vec<u8> {
    let fields = vec![("allowSubscriptions", text(allow_subscriptions))];
    record("app.bsky.notification.declaration", fields)
}

/// `chat.bsky.actor.declaration`: `all`, `none`, `following`.
pub fn chat_declaration(allow_incoming: &str) -> Vec<u8> {
    record("chat.bsky.actor.declaration", vec![("allowIncoming", text(allow_incoming))])
}

/// `com.germnetwork.declaration`: `none`, `usersIFollow`, `everyone`.
pub fn germ_declaration(show_button_to: &str) -> Vec<u8> {
    let button = Value::map([
        ("showButtonTo", text(show_button_to)),
        ("messageMeUrl", Value::text("https://germ.sim.test/talk")),
    ]);
    let fields = vec![
        ("version", Value::text("1.0.0")),
        ("currentKey", Value::Bytes(vec![7; 32].into())),
        ("messageMe", button),
    ];
    record("com.germnetwork.declaration", fields)
}

/// `site.standard.publication`
pub fn publication(url: &str, name: &str) -> Vec<u8> {
    record("site.standard.publication", vec![("url", text(url)), ("name", text(name))])
}

/// `app.bsky.labeler.service`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labeler {
    /// Labels it gives; the first is one of its own and is explained.
    pub label_values: Vec<String>,
    pub subject_types: Option<Vec<String>>,
    pub created_at: String,
}

impl Labeler {
    pub fn encode(&self) -> Vec<u8> {
        let definitions = self.label_values.first().map(|value| {
            let words = Value::map([
                ("lang", Value::text("en")),
                ("name", text(value)),
                ("description", Value::text("What this labeler says of it.")),
            ]);
            Value::map([
                ("identifier", text(value)),
                ("severity", Value::text("inform")),
                ("blurs", Value::text("none")),
                ("defaultSetting", Value::text("warn")),
                ("locales", Value::Array(vec![words])),
            ])
        });
        let policies = Value::map([
            ("labelValues", texts(&self.label_values)),
            ("labelValueDefinitions", Value::Array(definitions.into_iter().collect())),
        ]);
        let mut fields = vec![("policies", policies), ("createdAt", text(&self.created_at))];
        fields.extend(self.subject_types.as_ref().map(|types| ("subjectTypes", texts(types))));
        record("app.bsky.labeler.service", fields)
    }
}
