//! Why an account is notified: the lexicon's known values and the codes they are stored as.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A reason of `app.bsky.notification.listNotifications`.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Like,
    Follow,
    Mention,
    Reply,
    Quote,
    Repost,
    StarterpackJoined,
    Verified,
    Unverified,
    LikeViaRepost,
    RepostViaRepost,
    /// Never stored: what somebody posted who is subscribed to.
    SubscribedPost,
}

impl Reason {
    pub const ALL: &'static [Self] = &[
        Self::Like,
        Self::Follow,
        Self::Mention,
        Self::Reply,
        Self::Quote,
        Self::Repost,
        Self::StarterpackJoined,
        Self::Verified,
        Self::Unverified,
        Self::LikeViaRepost,
        Self::RepostViaRepost,
        Self::SubscribedPost,
    ];

    /// The stored code; never reused for another reason.
    pub fn code(self) -> i64 {
        match self {
            Self::Like => 1,
            Self::Follow => 2,
            Self::Mention => 3,
            Self::Reply => 4,
            Self::Quote => 5,
            Self::Repost => 6,
            Self::StarterpackJoined => 7,
            Self::Verified => 8,
            Self::Unverified => 9,
            Self::LikeViaRepost => 10,
            Self::RepostViaRepost => 11,
            Self::SubscribedPost => 12,
        }
    }

    /// The lexicon's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Like => "like",
            Self::Follow => "follow",
            Self::Mention => "mention",
            Self::Reply => "reply",
            Self::Quote => "quote",
            Self::Repost => "repost",
            Self::StarterpackJoined => "starterpack-joined",
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::LikeViaRepost => "like-via-repost",
            Self::RepostViaRepost => "repost-via-repost",
            Self::SubscribedPost => "subscribed-post",
        }
    }

    /// The word for it beside the lexicons.
    pub fn word(self) -> &'static str {
        match self {
            Self::Like => "LIKE",
            Self::Follow => "FOLLOW",
            Self::Mention => "MENTION",
            Self::Reply => "REPLY",
            Self::Quote => "QUOTE",
            Self::Repost => "REPOST",
            Self::StarterpackJoined => "STARTERPACK_JOINED",
            Self::Verified => "VERIFIED",
            Self::Unverified => "UNVERIFIED",
            Self::LikeViaRepost => "LIKE_VIA_REPOST",
            Self::RepostViaRepost => "REPOST_VIA_REPOST",
            Self::SubscribedPost => "NEW_POST",
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.name() == name)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_and_codes_lead_back() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.name()), Some(*reason));
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
        }
    }
}
