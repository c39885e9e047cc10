//! What accounts say of themselves beside their profiles: who may write to them, who may be told of
//! their posts, and whether they are live. What does not read as its lexicon says counts as unsaid.

use millrace_atproto::datetime;
use millrace_dataplane::model::{Actor, Record};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The declarations of one account.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) chat: Option<Chat>,
    pub(crate) subscriptions: Subscriptions,
    pub(crate) germ: Option<Germ>,
    pub(crate) status: Option<Status>,
}

/// `app.bsky.actor.defs#profileAssociatedChat`, as `chat.bsky.actor.declaration` has it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Chat {
    allow_incoming: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allow_group_invites: Option<String>,
}

/// `app.bsky.actor.defs#profileAssociatedActivitySubscription`: who may ask to be told of an
/// account's posts; followers, unless it says otherwise.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Subscriptions {
    #[default]
    Followers,
    Mutuals,
    None,
}

/// `app.bsky.actor.defs#profileAssociatedGerm`, as `com.germnetwork.declaration` has it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Germ {
    show_button_to: String,
    message_me_url: String,
}

/// `app.bsky.actor.status`, as far as its view says more than the record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) status: String,
    /// Counted from `min(createdAt, indexedAt)`; nothing for a status without an end.
    pub(crate) duration_minutes: Option<u64>,
    pub(crate) sort_at_us: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubscriptionsJson {
    allow_subscriptions: Subscriptions,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GermJson {
    message_me: Option<Germ>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusJson {
    status: String,
    duration_minutes: Option<u64>,
    created_at: String,
}

fn read<'a, T: Deserialize<'a>>(json: &'a RawValue) -> Option<T> {
    serde_json::from_str(json.get()).ok()
}

impl Declared {
    pub(crate) fn of(actor: &Actor) -> Self {
        let subscriptions = actor.notification_declaration.as_deref().and_then(read);
        Self {
            chat: actor.chat_declaration.as_deref().and_then(Chat::parse),
            subscriptions: subscriptions
                .map_or_else(Subscriptions::default, |json: SubscriptionsJson| {
                    json.allow_subscriptions
                }),
            germ: actor.germ_declaration.as_ref().and_then(|record| Germ::parse(&record.value)),
            status: actor.status_record.as_ref().and_then(Status::parse),
        }
    }
}

impl Chat {
    fn parse(json: &RawValue) -> Option<Self> {
        let chat: Self = read(json)?;
        let allow_group_invites = chat.allow_group_invites.filter(|text| !text.is_empty());
        (!chat.allow_incoming.is_empty())
            .then_some(Self { allow_incoming: chat.allow_incoming, allow_group_invites })
    }
}

impl Germ {
    fn parse(json: &RawValue) -> Option<Self> {
        read::<GermJson>(json)?.message_me
    }
}

impl Status {
    fn parse(record: &Record) -> Option<Self> {
        let json: StatusJson = read(&record.value)?;
        let created_at_us = datetime::epoch_us(&json.created_at);
        Some(Self {
            status: json.status,
            duration_minutes: json.duration_minutes.filter(|minutes| *minutes > 0),
            sort_at_us: created_at_us
                .map_or(record.indexed_at_us, |at| at.min(record.indexed_at_us)),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use serde_json::json;

    use super::*;
    use crate::views::tests;

    fn declared(field: &str, value: serde_json::Value) -> Declared {
        let mut json = serde_json::to_value(tests::actor("did:plc:a", true, json!(null))).unwrap();
        json[field] = value;
        Declared::of(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn subscriptions_are_for_followers_unless_said_otherwise() {
        let check = |value, expected| {
            let record = json!({"allowSubscriptions": value});
            assert_eq!(declared("notificationDeclaration", record).subscriptions, expected);
        };
        check(json!("followers"), Subscriptions::Followers);
        check(json!("mutuals"), Subscriptions::Mutuals);
        check(json!("none"), Subscriptions::None);
        check(json!("everyone"), Subscriptions::Followers);
        check(json!(7), Subscriptions::Followers);
    }

    #[test]
    fn chats_are_said_only_with_a_word() {
        let check = |record, expected: Option<(&str, Option<&str>)>| {
            let chat = declared("chatDeclaration", record).chat;
            let expected = expected.map(|(incoming, invites)| Chat {
                allow_incoming: incoming.to_owned(),
                allow_group_invites: invites.map(str::to_owned),
            });
            assert_eq!(chat, expected);
        };
        check(json!({"allowIncoming": "all"}), Some(("all", None)));
        check(
            json!({"allowIncoming": "none", "allowGroupInvites": "all"}),
            Some(("none", Some("all"))),
        );
        check(json!({"allowIncoming": "all", "allowGroupInvites": ""}), Some(("all", None)));
        check(json!({"allowIncoming": ""}), None);
        check(json!({}), None);
    }

    #[test]
    fn a_status_counts_from_when_it_was_set_but_not_from_the_future() {
        let check = |created: &str, indexed_at_us: i64, expected: i64| {
            let cid = tests::CID;
            let value = json!({"status": "live", "durationMinutes": 0, "createdAt": created});
            let record = json!({"cid": cid, "value": value, "indexedAtUs": indexed_at_us});
            let status = declared("statusRecord", record).status.unwrap();
            assert_eq!((status.sort_at_us, status.duration_minutes), (expected, None));
        };
        check("1970-01-01T00:00:01Z", 5_000_000, 1_000_000);
        check("1970-01-01T00:00:09Z", 5_000_000, 5_000_000);
    }
}
