//! What people remember having made: references by collection, the newest ones, bounded.

use std::collections::{BTreeMap, BTreeSet};

use millrace_atproto::syntax::Did;

use crate::records::Ref;

/// References that are remembered of one collection.
const REFS_MAX: usize = 2_000;

/// What comes in turns, so that all of it comes soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    OddTime,
    OddKey,
    Invalid,
    Gate,
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    made: BTreeMap<String, Vec<Ref>>,
    /// Posts that are no more.
    gone: Vec<Ref>,
    /// How often each of what comes in turns has come.
    turns: BTreeMap<Turn, usize>,
    /// Who follows whom, so that nobody does so twice unawares.
    follows: BTreeSet<(Did, Did)>,
}

impl Memory {
    pub(super) fn remember(&mut self, collection: &str, at: &Ref) {
        let made = self.made.entry(collection.to_owned()).or_default();
        if made.len() == REFS_MAX {
            made.remove(0);
        }
        made.push(at.clone());
    }

    /// What is remembered of a collection, the oldest first.
    pub(super) fn of(&self, collection: &str) -> &[Ref] {
        self.made.get(collection).map_or(&[], Vec::as_slice)
    }

    pub(super) fn forget(&mut self, collection: &str, uri: &str) {
        if let Some(made) = self.made.get_mut(collection) {
            made.retain(|at| at.uri != uri);
        }
    }

    /// How often it came before.
    pub(super) fn turn(&mut self, what: Turn) -> usize {
        let turns = self.turns.entry(what).or_default();
        *turns += 1;
        *turns - 1
    }

    pub(super) fn bury(&mut self, post: Ref) {
        if self.gone.len() == REFS_MAX {
            self.gone.remove(0);
        }
        self.gone.push(post);
    }

    pub(super) fn gone(&self) -> &[Ref] {
        &self.gone
    }

    /// False if the one followed the other already.
    pub(super) fn follow(&mut self, who: &Did, whom: &Did) -> bool {
        self.follows.insert((who.clone(), whom.clone()))
    }

    pub(super) fn unfollow(&mut self, who: &Did, whom: &Did) {
        self.follows.remove(&(who.clone(), whom.clone()));
    }
}
