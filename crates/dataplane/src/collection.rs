//! Collections as small integers, part of every stored record's key.
//!
//! A code ≥ 0 is one of the list below and never changes its meaning. A collection that is not
//! on the list can only be the subject of an edge; it is stored as the negative id its NSID has
//! in the dictionary of record keys (every NSID is a valid record key).

/// A collection with a fixed code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Collection {
    Post,
    Profile,
    Like,
    Follow,
    Repost,
    Generator,
    List,
    StarterPack,
    Labeler,
    Block,
    ListItem,
    ListBlock,
    Threadgate,
    Postgate,
    Verification,
    Status,
    NotificationDeclaration,
    ChatDeclaration,
    GermDeclaration,
    Publication,
}

/// Collection, stored code, NSID.
const CODES: &[(Collection, i64, &str)] = &[
    (Collection::Post, 1, "app.bsky.feed.post"),
    (Collection::Profile, 2, "app.bsky.actor.profile"),
    (Collection::Like, 3, "app.bsky.feed.like"),
    (Collection::Follow, 4, "app.bsky.graph.follow"),
    (Collection::Repost, 5, "app.bsky.feed.repost"),
    (Collection::Generator, 6, "app.bsky.feed.generator"),
    (Collection::List, 7, "app.bsky.graph.list"),
    (Collection::StarterPack, 8, "app.bsky.graph.starterpack"),
    (Collection::Labeler, 9, "app.bsky.labeler.service"),
    (Collection::Block, 10, "app.bsky.graph.block"),
    (Collection::ListItem, 11, "app.bsky.graph.listitem"),
    (Collection::ListBlock, 12, "app.bsky.graph.listblock"),
    (Collection::Threadgate, 13, "app.bsky.feed.threadgate"),
    (Collection::Postgate, 14, "app.bsky.feed.postgate"),
    (Collection::Verification, 15, "app.bsky.graph.verification"),
    (Collection::Status, 16, "app.bsky.actor.status"),
    (Collection::NotificationDeclaration, 17, "app.bsky.notification.declaration"),
    (Collection::ChatDeclaration, 18, "chat.bsky.actor.declaration"),
    (Collection::GermDeclaration, 19, "com.germnetwork.declaration"),
    (Collection::Publication, 20, "site.standard.publication"),
];

impl Collection {
    /// The stored code.
    pub fn code(self) -> i64 {
        self.row().1
    }

    /// The collection's NSID.
    pub fn nsid(self) -> &'static str {
        self.row().2
    }

    /// Every collection of the list.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.iter().map(|row| row.0)
    }

    pub fn from_code(code: i64) -> Option<Self> {
        CODES.iter().find(|row| row.1 == code).map(|row| row.0)
    }

    pub fn from_nsid(nsid: &str) -> Option<Self> {
        CODES.iter().find(|row| row.2 == nsid).map(|row| row.0)
    }

    fn row(self) -> &'static (Self, i64, &'static str) {
        CODES.iter().find(|row| row.0 == self).expect("invariant: every collection has a code")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_found_again() {
        for (collection, code, nsid) in CODES {
            assert_eq!(Collection::from_code(*code), Some(*collection));
            assert_eq!(Collection::from_nsid(nsid), Some(*collection));
        }
        assert_eq!(Collection::from_code(0), None);
        assert_eq!(Collection::from_nsid("com.example.other"), None);
    }
}
