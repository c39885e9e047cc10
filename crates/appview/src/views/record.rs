//! What views read of stored records. Records were checked when they were applied; a field that
//! still does not read as expected is left out of the view rather than failing the answer.

use std::borrow::Cow;

use millrace_atproto::datetime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A reference to one version of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StrongRef<'a> {
    #[serde(borrow)]
    pub(crate) uri: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) cid: Cow<'a, str>,
}

/// A blob, in the present form or the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Blob {
    Typed { r#ref: Link },
    Legacy { cid: String },
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Link {
    #[serde(rename = "$link")]
    link: String,
}

impl Blob {
    pub(crate) fn cid(&self) -> &str {
        match self {
            Self::Typed { r#ref } => &r#ref.link,
            Self::Legacy { cid } => cid,
        }
    }
}

/// `com.atproto.label.defs#selfLabels`: what an author says of their own record.
#[derive(Debug, Deserialize)]
struct SelfLabels {
    #[serde(rename = "$type")]
    kind: String,
    values: Vec<SelfLabel>,
}

#[derive(Debug, Deserialize)]
struct SelfLabel {
    val: String,
}

fn self_labels(json: Option<&RawValue>) -> Vec<String> {
    let labels: Option<SelfLabels> = json.and_then(|json| serde_json::from_str(json.get()).ok());
    let labels = labels.filter(|labels| labels.kind == "com.atproto.label.defs#selfLabels");
    labels
        .map_or_else(Vec::new, |labels| labels.values.into_iter().map(|label| label.val).collect())
}

/// A text field that is a text.
fn text(json: Option<&RawValue>) -> Option<String> {
    json.and_then(|json| serde_json::from_str(json.get()).ok())
}

/// `app.bsky.actor.profile`, as far as views show it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ProfileRecord {
    pub(crate) display_name: Option<String>,
    pub(crate) pronouns: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) website: Option<String>,
    pub(crate) avatar: Option<Blob>,
    pub(crate) banner: Option<Blob>,
    pub(crate) pinned_post: Option<StrongRef<'static>>,
    pub(crate) self_labels: Vec<String>,
    pub(crate) created_at_us: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProfileJson<'a> {
    #[serde(borrow)]
    display_name: Option<&'a RawValue>,
    #[serde(borrow)]
    pronouns: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow)]
    website: Option<&'a RawValue>,
    #[serde(borrow)]
    avatar: Option<&'a RawValue>,
    #[serde(borrow)]
    banner: Option<&'a RawValue>,
    #[serde(borrow)]
    pinned_post: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

impl ProfileRecord {
    pub(crate) fn parse(record: &RawValue) -> Self {
        let json: ProfileJson<'_> = serde_json::from_str(record.get()).unwrap_or_default();
        let blob =
            |json: Option<&RawValue>| json.and_then(|json| serde_json::from_str(json.get()).ok());
        let pinned: Option<StrongRef<'_>> =
            json.pinned_post.and_then(|json| serde_json::from_str(json.get()).ok());
        Self {
            display_name: text(json.display_name),
            pronouns: text(json.pronouns),
            description: text(json.description),
            website: text(json.website),
            avatar: blob(json.avatar),
            banner: blob(json.banner),
            pinned_post: pinned.map(|pinned| StrongRef {
                uri: Cow::Owned(pinned.uri.into_owned()),
                cid: Cow::Owned(pinned.cid.into_owned()),
            }),
            self_labels: self_labels(json.labels),
            created_at_us: text(json.created_at).and_then(|text| datetime::epoch_us(&text)),
        }
    }
}

/// `app.bsky.feed.post`, as far as views show it beside the record itself.
#[derive(Debug, Default)]
pub(crate) struct PostRecord<'a> {
    pub(crate) embed: Option<&'a RawValue>,
    pub(crate) reply: Option<ReplyRecord<'a>>,
    pub(crate) self_labels: Vec<String>,
    pub(crate) created_at_us: Option<i64>,
}

/// `app.bsky.feed.post#replyRef`.
#[derive(Debug, Deserialize)]
pub(crate) struct ReplyRecord<'a> {
    #[serde(borrow)]
    pub(crate) root: StrongRef<'a>,
    #[serde(borrow)]
    pub(crate) parent: StrongRef<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PostJson<'a> {
    #[serde(borrow)]
    embed: Option<&'a RawValue>,
    #[serde(borrow)]
    reply: Option<&'a RawValue>,
    #[serde(borrow)]
    labels: Option<&'a RawValue>,
    #[serde(borrow)]
    created_at: Option<&'a RawValue>,
}

impl<'a> PostRecord<'a> {
    pub(crate) fn parse(record: &'a RawValue) -> Self {
        let json: PostJson<'a> = serde_json::from_str(record.get()).unwrap_or_default();
        Self {
            embed: json.embed,
            reply: json.reply.and_then(|json| serde_json::from_str(json.get()).ok()),
            self_labels: self_labels(json.labels),
            created_at_us: text(json.created_at).and_then(|text| datetime::epoch_us(&text)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;

    fn raw(json: &serde_json::Value) -> Box<RawValue> {
        serde_json::value::to_raw_value(json).unwrap()
    }

    #[test]
    fn one_bad_field_does_not_spoil_the_others() {
        let record = raw(&json!({
            "displayName": 7, "description": "d\u{0}\"", "avatar": {"ref": {"$link": "bafk"}}, "banner": {"cid": "old"},
            "pinnedPost": {"uri": "at://x"}, "labels": {"$type": "other", "values": [{"val": "x"}]}, "createdAt": "soon",
        }));
        let profile = ProfileRecord::parse(&record);
        assert_eq!(profile.display_name, None);
        assert_eq!(profile.description.as_deref(), Some("d\u{0}\""));
        assert_eq!(profile.avatar.unwrap().cid(), "bafk");
        assert_eq!(profile.banner.unwrap().cid(), "old");
        assert_eq!(profile.pinned_post, None);
        assert!(profile.self_labels.is_empty());
        assert_eq!(profile.created_at_us, None);
    }

    #[test]
    fn what_is_no_object_is_an_empty_record() {
        for value in [json!(null), json!([]), json!("x"), json!({})] {
            assert_eq!(ProfileRecord::parse(&raw(&value)), ProfileRecord::default());
            assert!(PostRecord::parse(&raw(&value)).reply.is_none());
        }
    }
}
