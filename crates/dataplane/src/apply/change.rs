//! What really changed: the facts the data-plane publishes on `dataplane.changes.v1`.
//!
//! A fact names rows that were inserted or removed in the transaction that published it, by DID
//! and record key, so a reader of fact N asks a store that shows N. One payload holds the facts
//! of one account in one batch, keyed by its DID; JSON, camelCase.

use foldhash::{HashMap, HashMapExt};
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
    /// What an edge points at: the AT URI of a record, or the DID of an account; absent for other
    /// records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The list an item puts its subject on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    Inserted,
    Removed,
}

/// Most facts in one payload; more are split.
const CHANGES_MAX: usize = 1_000;

/// What an edge points at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target {
    Actor(i64),
    Record(Subject),
    /// An account that is on a list.
    Listed {
        list: Subject,
        actor: i64,
    },
}

#[derive(Debug)]
struct Fact {
    key: Key,
    collection: Collection,
    op: Op,
    target: Option<Target>,
}

/// The facts of a batch, gathered as ids.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    facts: Vec<Fact>,
}

impl Facts {
    /// A record that points at nothing.
    pub(crate) fn record(&mut self, collection: Collection, key: Key, op: Op) {
        self.facts.push(Fact { key, collection, op, target: None });
    }

    pub(crate) fn edge(&mut self, collection: Collection, key: Key, target: Target, op: Op) {
        self.facts.push(Fact { key, collection, op, target: Some(target) });
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
        let target = match self.target {
            None => [None, None],
            Some(Target::Actor(actor)) => [Some(actor), None],
            Some(Target::Record(subject)) => [Some(subject.actor), None],
            Some(Target::Listed { list, actor }) => [Some(list.actor), Some(actor)],
        };
        [self.key.0].into_iter().chain(target.into_iter().flatten())
    }

    fn keys(&self) -> impl Iterator<Item = i64> {
        let target = match self.target {
            None | Some(Target::Actor(_)) => None,
            Some(Target::Record(subject) | Target::Listed { list: subject, .. }) => {
                Some([subject.rkey, subject.collection])
            }
        };
        [self.key.1].into_iter().chain(target.into_iter().flatten())
    }

    fn named(&self, names: &Names) -> Result<Change, StoreError> {
        let uri = |subject: Subject| names.uri(subject.actor, subject.collection, subject.rkey);
        let (subject, list) = match self.target {
            None => (None, None),
            Some(Target::Actor(actor)) => (Some(names.did(actor)?.to_string()), None),
            Some(Target::Record(subject)) => (Some(uri(subject)?), None),
            Some(Target::Listed { list, actor }) => {
                (Some(names.did(actor)?.to_string()), Some(uri(list)?))
            }
        };
        let rkey = names.rkey(self.key.1)?;
        let collection = self.collection.nsid().to_owned();
        Ok(Change { op: self.op, collection, rkey, subject, list })
    }
}
