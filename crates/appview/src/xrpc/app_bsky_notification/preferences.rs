//! What the viewer wants to be told of, as the lexicon has it.

use millrace_dataplane::query::preferences::{NotificationPreferences, Preference};
use millrace_dataplane::reason::Reason;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// `app.bsky.notification.defs#filterablePreference`. What is included is `follows` or, whatever
/// else it says, all.
#[derive(Debug, Deserialize)]
pub(super) struct Filterable {
    include: String,
    list: bool,
    push: bool,
}

/// `app.bsky.notification.defs#preference`.
#[derive(Debug, Deserialize)]
pub(super) struct Plain {
    list: bool,
    push: bool,
}

impl Filterable {
    pub(super) fn of(self, reason: Reason) -> Preference {
        let Self { include, list, push } = self;
        Preference { reason, only_follows: include == "follows", list, push }
    }
}

impl Plain {
    pub(super) fn of(self, reason: Reason) -> Preference {
        Preference { reason, only_follows: false, list: self.list, push: self.push }
    }
}

/// The body of an answer: `app.bsky.notification.defs#preferences` in its field.
#[derive(Serialize)]
pub(super) struct Answer {
    preferences: Map<String, Value>,
}

impl Answer {
    pub(super) fn of(found: &NotificationPreferences) -> Self {
        let mut preferences = Map::new();
        // Others look after chats now; the lexicon still wants the field.
        preferences.insert("chat".to_owned(), json!({ "include": "all", "push": true }));
        for preference in &found.preferences {
            let (field, is_filterable) = field(preference.reason);
            let mut said = json!({ "list": preference.list, "push": preference.push });
            if is_filterable {
                said["include"] = json!(if preference.only_follows { "follows" } else { "all" });
            }
            preferences.insert(field.to_owned(), said);
        }
        Self { preferences }
    }
}

/// The lexicon's field for a reason, and whether it lets one choose whose doings count.
fn field(reason: Reason) -> (&'static str, bool) {
    match reason {
        Reason::Like => ("like", true),
        Reason::Follow => ("follow", true),
        Reason::Mention => ("mention", true),
        Reason::Reply => ("reply", true),
        Reason::Quote => ("quote", true),
        Reason::Repost => ("repost", true),
        Reason::LikeViaRepost => ("likeViaRepost", true),
        Reason::RepostViaRepost => ("repostViaRepost", true),
        Reason::StarterpackJoined => ("starterpackJoined", false),
        Reason::SubscribedPost => ("subscribedPost", false),
        Reason::Verified => ("verified", false),
        Reason::Unverified => ("unverified", false),
    }
}
