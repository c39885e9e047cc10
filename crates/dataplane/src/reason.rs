//! Why an account is notified: the lexicon's known values and the codes they are stored as.

/// A reason of `app.bsky.notification.listNotifications`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    Like,
    Follow,
    Mention,
    Reply,
    Quote,
}

impl Reason {
    pub const ALL: &'static [Self] =
        &[Self::Like, Self::Follow, Self::Mention, Self::Reply, Self::Quote];

    /// The stored code; never reused for another reason.
    pub fn code(self) -> i64 {
        match self {
            Self::Like => 1,
            Self::Follow => 2,
            Self::Mention => 3,
            Self::Reply => 4,
            Self::Quote => 5,
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
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.name() == name)
    }
}
