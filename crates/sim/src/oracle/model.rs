//! The model: the moments of a network, sorted, and what was decided along the way.

use std::collections::BTreeMap;

use super::gates;
use super::state::State;
use super::truth::{Judged, Moment, Own};

/// Knows what every view must say at the last of its moments.
#[derive(Debug, Clone, Default)]
pub struct Model {
    pub(super) states: Vec<State>,
    pub(super) own: Own,
    /// What was decided about each post when it was indexed.
    pub(super) judged: BTreeMap<String, Judged>,
    /// Posts of which the order of indexing decided, which nobody prescribes.
    unsure: Vec<String>,
}

impl Model {
    /// Of the moments of a network, the last of which is asked about. At least one is needed.
    pub fn new(moments: &[Moment], own: Own) -> Self {
        let states = moments.iter().map(State::of).collect();
        let mut model = Self { states, own, ..Self::default() };
        let posts: Vec<String> = model.now().posts.keys().cloned().collect();
        for uri in posts {
            let (judged, is_sure) = gates::judge(&model, &uri);
            if !is_sure {
                model.unsure.push(uri.clone());
            }
            model.judged.insert(uri, judged);
        }
        model
    }

    /// Posts whose judgement depended on the order of indexing: they have to be asked for, see
    /// [`Model::learn`].
    pub fn unsure(&self) -> &[String] {
        &self.unsure
    }

    /// Takes over what was found to have been decided about a post of [`Model::unsure`].
    pub fn learn(&mut self, uri: &str, judged: Judged) {
        if self.unsure.iter().any(|unsure| unsure == uri) {
            self.judged.insert(uri.to_owned(), judged);
        }
    }

    /// What must have been decided about a post.
    pub fn judged(&self, uri: &str) -> Judged {
        self.judged.get(uri).copied().unwrap_or_default()
    }

    /// The network as it is now.
    pub(super) fn now(&self) -> &State {
        self.states.last().expect("invariant: a model has at least one moment")
    }

    /// The moments before and after a post became what it is. Before the first one there was nothing.
    pub(super) fn around(&self, uri: &str, cid: &str) -> (Option<&State>, &State) {
        let was_so = |state: &State| state.posts.get(uri).is_some_and(|post| post.cid == cid);
        let since = self.states.iter().rev().take_while(|state| was_so(state)).count().max(1);
        let after = self.states.len().saturating_sub(since);
        let before = after.checked_sub(1).and_then(|before| self.states.get(before));
        (before, self.states.get(after).unwrap_or_else(|| self.now()))
    }

    /// DIDs of all accounts that may be shown.
    pub fn shown_accounts(&self) -> Vec<&str> {
        let now = self.now();
        now.accounts.keys().map(String::as_str).filter(|did| now.is_shown(did)).collect()
    }
}
