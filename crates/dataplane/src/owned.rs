//! What accounts own in the domain `own`: one table a kind, each with the column `did` that says whose a row is.

use millrace_atproto::datetime::format_ms_us;
use millrace_store::{Row, StoreError};
use serde_json::{Map, Value};

/// A table of what accounts own.
#[derive(Debug)]
pub struct Owned {
    pub name: &'static str,
    /// With `did` they are the key, in its order; all of them text.
    pub keys: &'static [&'static str],
    pub rest: &'static [Column],
    /// Rows that are told at once.
    pub page: i64,
}

/// A column that is no part of the key.
#[derive(Debug)]
pub enum Column {
    Text(&'static str),
    /// A whole number, or nothing.
    Number(&'static str),
    /// Microseconds since 1970, or nothing.
    Time(&'static str),
    Flag(&'static str),
    /// JSON in text.
    Json(&'static str),
}

use Column::{Flag, Json, Number, Text, Time};

const PAGE: i64 = 500;
/// Drafts are large.
const PAGE_OF_DRAFTS: i64 = 16;

/// All of them.
pub const OWNED: [Owned; 17] = [
    Owned {
        name: "activity_subscription",
        keys: &["subject"],
        rest: &[Time("created_at_us"), Time("posts_since_us"), Time("replies_since_us")],
        page: PAGE,
    },
    Owned {
        name: "actor_mute",
        keys: &["subject"],
        rest: &[Time("created_at_us"), Flag("only_reposts"), Flag("only_quoteposts")],
        page: PAGE,
    },
    Owned {
        name: "bookmark",
        keys: &["subject_did", "subject_rkey"],
        rest: &[Text("cid"), Time("created_at_us")],
        page: PAGE,
    },
    Owned {
        name: "draft",
        keys: &["id"],
        rest: &[Json("draft"), Time("created_at_us"), Time("updated_at_us")],
        page: PAGE_OF_DRAFTS,
    },
    Owned {
        name: "feed_seen",
        keys: &["item"],
        rest: &[Number("position"), Time("seen_at_us")],
        page: PAGE,
    },
    Owned {
        name: "feed_seen_up_to",
        keys: &[],
        rest: &[Time("up_to_us"), Time("seen_at_us")],
        page: PAGE,
    },
    Owned {
        name: "limited_post",
        keys: &["rkey"],
        rest: &[
            Text("visibility"),
            Text("content"),
            Json("langs"),
            Time("created_at_us"),
            Time("updated_at_us"),
        ],
        page: PAGE,
    },
    Owned {
        name: "list_mute",
        keys: &["list_did", "list_rkey"],
        rest: &[Time("created_at_us")],
        page: PAGE,
    },
    Owned {
        name: "media",
        keys: &["cid"],
        rest: &[Text("mime_type"), Number("bytes"), Text("alt"), Time("created_at_us")],
        page: PAGE,
    },
    Owned {
        name: "notification_preference",
        keys: &["reason"],
        rest: &[Flag("only_follows"), Flag("list"), Flag("push")],
        page: PAGE,
    },
    Owned { name: "notification_priority", keys: &[], rest: &[Flag("priority")], page: PAGE },
    Owned { name: "notification_seen", keys: &[], rest: &[Time("seen_at_us")], page: PAGE },
    Owned {
        name: "post_intent",
        keys: &["rkey"],
        rest: &[Number("state"), Number("attempts"), Time("created_at_us")],
        page: PAGE,
    },
    Owned {
        name: "push_device",
        keys: &["platform", "app_id", "token"],
        rest: &[Flag("age_restricted"), Time("updated_at_us")],
        page: PAGE,
    },
    Owned { name: "reader", keys: &[], rest: &[Time("last_us")], page: PAGE },
    Owned {
        name: "thread_mute",
        keys: &["root_did", "root_rkey"],
        rest: &[Time("created_at_us")],
        page: PAGE,
    },
    Owned {
        name: "web_push",
        keys: &["endpoint"],
        rest: &[
            Text("p256dh"),
            Text("auth"),
            Time("updated_at_us"),
            Time("told_us"),
            Number("failures"),
        ],
        page: PAGE,
    },
];

impl Owned {
    /// The columns of a row as [`Owned::told`] takes them.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().copied().chain(self.rest.iter().map(Column::name))
    }

    /// The values of the key, and the row as it is told to whose it is.
    pub(crate) fn told(&self, row: &Row<'_>) -> Result<(Vec<String>, Value), StoreError> {
        let mut told = Map::new();
        let mut position = Vec::new();
        for (at, key) in self.keys.iter().enumerate() {
            let value: String = row.get(at)?;
            position.push(value.clone());
            told.insert((*key).to_owned(), value.into());
        }
        for (at, column) in self.rest.iter().enumerate() {
            let at = at + self.keys.len();
            let (name, value) = match *column {
                Text(name) => (name, row.get::<String>(at)?.into()),
                Number(name) => (name, row.get::<Option<i64>>(at)?.into()),
                Flag(name) => (name, row.get::<bool>(at)?.into()),
                Json(name) => {
                    let text: String = row.get(at)?;
                    (name, serde_json::from_str(&text).unwrap_or(Value::String(text)))
                }
                Time(name) => {
                    let at_us: Option<i64> = row.get(at)?;
                    let name = name.strip_suffix("_us").unwrap_or(name);
                    (name, at_us.map(format_ms_us).into())
                }
            };
            told.insert(name.to_owned(), value);
        }
        Ok((position, Value::Object(told)))
    }
}

impl Column {
    const fn name(&self) -> &'static str {
        match self {
            Text(name) | Number(name) | Time(name) | Flag(name) | Json(name) => name,
        }
    }
}
