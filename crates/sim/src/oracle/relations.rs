//! What accounts are to each other: blocks, directly and by list; mutes; follows.
//!
//! A list blocks or mutes as long as it is there, is a moderation list, and its author is shown.

use super::state::{Edge, MODERATION_LIST, State};
use super::truth::{self, Own, text};

/// What a viewer is to another account.
#[derive(Debug, Default)]
pub(super) struct Relation<'a> {
    pub muted: bool,
    pub muted_by_lists: Vec<&'a str>,
    pub blocking: Option<&'a Edge>,
    pub blocking_by_lists: Vec<&'a str>,
    pub blocked_by: Option<&'a Edge>,
    pub blocked_by_lists: Vec<&'a str>,
    pub following: Option<&'a Edge>,
    pub followed_by: Option<&'a Edge>,
}

impl Relation<'_> {
    pub(super) fn is_blocking(&self) -> bool {
        self.blocking.is_some() || !self.blocking_by_lists.is_empty()
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.blocked_by.is_some() || !self.blocked_by_lists.is_empty()
    }

    /// A block either way.
    pub(super) fn blocks(&self) -> bool {
        self.is_blocking() || self.is_blocked()
    }

    /// A mute of the account, directly or by list.
    pub(super) fn mutes(&self) -> bool {
        self.muted || !self.muted_by_lists.is_empty()
    }
}

impl State {
    /// What `viewer` is to `other`; nobody is anything to themselves.
    pub(super) fn relation<'a>(&'a self, own: &'a Own, viewer: &str, other: &str) -> Relation<'a> {
        if viewer == other {
            return Relation::default();
        }
        let muted_lists = own.list_mutes.iter().filter(|(by, _)| by == viewer);
        let muted_by_lists = muted_lists
            .map(|(_, list)| list.as_str())
            .filter(|list| self.moderates(list) && self.is_on(list, other));
        Relation {
            muted: own.mutes.iter().any(|(by, muted)| by == viewer && muted == other),
            muted_by_lists: muted_by_lists.collect(),
            blocking: self.block(viewer, other),
            blocking_by_lists: self.lists_that_block(viewer, other),
            blocked_by: self.block(other, viewer),
            blocked_by_lists: self.lists_that_block(other, viewer),
            following: self.follow(viewer, other),
            followed_by: self.follow(other, viewer),
        }
    }

    /// Whether there is a block between two accounts, whoever's.
    pub(super) fn is_blocked_between(&self, one: &str, other: &str) -> bool {
        one != other
            && (self.block(one, other).is_some()
                || self.block(other, one).is_some()
                || !self.lists_that_block(one, other).is_empty()
                || !self.lists_that_block(other, one).is_empty())
    }

    fn block(&self, by: &str, subject: &str) -> Option<&Edge> {
        self.blocks.about(subject).find(|edge| edge.first && edge.by == by)
    }

    fn lists_that_block<'a>(&'a self, by: &str, subject: &str) -> Vec<&'a str> {
        let subscribed = self.list_blocks.iter().filter(|edge| edge.first && edge.by == by);
        subscribed
            .map(|edge| edge.subject.as_str())
            .filter(|list| self.moderates(list) && self.is_on(list, subject))
            .collect()
    }

    pub(super) fn is_on(&self, list: &str, did: &str) -> bool {
        self.on_list(list).any(|edge| edge.subject == did)
    }

    /// Whether a list blocks and mutes those on it.
    fn moderates(&self, list: &str) -> bool {
        let found = self.documents.get(list);
        let purpose = found.and_then(|found| text(&found.value, "/purpose"));
        purpose == Some(MODERATION_LIST) && self.is_shown(truth::did_of(list))
    }
}
