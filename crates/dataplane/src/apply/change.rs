//! What really changed: the facts the data-plane publishes on `dataplane.changes.v1`.
//!
//! A fact names rows that were inserted or removed in the transaction that published it, by DID
//! and record key, so a reader of fact N asks a store that shows N. One payload holds the facts
//! of one account in one batch, keyed by its DID; JSON, camelCase.

use std::collections::HashMap;

use millrace_atproto::syntax::Did;
use millrace_log::Topic;
use millrace_store::{StoreError, Tx, outbox};
use serde::{Deserialize, Serialize};

use super::Key;
use super::ids::Subject;
use crate::collection::Collection;
use crate::names::Names;

/// Facts of one account. A payload on the topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    pub did: Did,
    pub changes: Vec<Change>,
}

/// One row inserted or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    pub op: Op,
    /// The collection's NSID.
    pub collection: String,
    pub rkey: String,
    /// What an edge points at: an AT URI, or a DID for a follow; absent for other records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    Inserted,
    Removed,
}

/// Most facts in one payload; more are split.
const CHANGES_MAX: usize = 1_000;

#[derive(Debug, Clone, Copy)]
enum Target {
    None,
    Actor(i64),
    Record(Subject),
}

#[derive(Debug)]
struct Fact {
    key: Key,
    collection: Collection,
    op: Op,
    target: Target,
}

/// The facts of a batch, gathered as ids.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    facts: Vec<Fact>,
}

impl Facts {
    pub(crate) fn profile(&mut self, key: Key, op: Op) {
        self.facts.push(Fact { key, collection: Collection::Profile, op, target: Target::None });
    }

    pub(crate) fn post(&mut self, key: Key, op: Op) {
        self.facts.push(Fact { key, collection: Collection::Post, op, target: Target::None });
    }

    pub(crate) fn like(&mut self, key: Key, subject: Subject, op: Op) {
        self.facts.push(Fact {
            key,
            collection: Collection::Like,
            op,
            target: Target::Record(subject),
        });
    }

    pub(crate) fn follow(&mut self, key: Key, subject: i64, op: Op) {
        self.facts.push(Fact {
            key,
            collection: Collection::Follow,
            op,
            target: Target::Actor(subject),
        });
    }

    /// Pushes the facts into the outbox, one payload an account, in order of first appearance.
    pub(crate) fn publish(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let facts = std::mem::take(&mut self.facts);
        let names =
            Names::of(tx, facts.iter().flat_map(Fact::actors), facts.iter().flat_map(Fact::keys))?;
        let mut order = Vec::new();
        let mut by_actor: HashMap<i64, Vec<Change>> = HashMap::new();
        for fact in &facts {
            let changes = by_actor.entry(fact.key.0).or_insert_with(|| {
                order.push(fact.key.0);
                Vec::new()
            });
            changes.push(fact.named(&names)?);
        }
        for actor in order {
            let did = names.did(actor)?;
            for part in by_actor.remove(&actor).unwrap_or_default().chunks(CHANGES_MAX) {
                let payload = Changes { did: did.clone(), changes: part.to_vec() };
                let payload =
                    serde_json::to_vec(&payload).expect("invariant: facts are plain JSON");
                outbox::push(tx, Topic::DataplaneChanges, did.as_str().as_bytes(), &payload)?;
            }
        }
        Ok(())
    }
}

impl Fact {
    fn actors(&self) -> impl Iterator<Item = i64> {
        let subject = match self.target {
            Target::None => None,
            Target::Actor(actor) => Some(actor),
            Target::Record(subject) => Some(subject.actor),
        };
        [Some(self.key.0), subject].into_iter().flatten()
    }

    fn keys(&self) -> impl Iterator<Item = i64> {
        let subject = match self.target {
            Target::None | Target::Actor(_) => None,
            Target::Record(subject) => Some([subject.rkey, subject.collection]),
        };
        [self.key.1].into_iter().chain(subject.into_iter().flatten())
    }

    fn named(&self, names: &Names) -> Result<Change, StoreError> {
        let subject = match self.target {
            Target::None => None,
            Target::Actor(actor) => Some(names.did(actor)?.to_string()),
            Target::Record(subject) => {
                Some(names.uri(subject.actor, subject.collection, subject.rkey)?)
            }
        };
        let rkey = names.rkey(self.key.1)?;
        Ok(Change { op: self.op, collection: self.collection.nsid().to_owned(), rkey, subject })
    }
}
