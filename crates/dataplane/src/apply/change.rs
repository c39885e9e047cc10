//! What really changed: the facts the data-plane publishes on `dataplane.changes.v1`.
//!
//! A fact names rows that were inserted or removed in the transaction that published it, by DID
//! and record key, so a reader of fact N asks a store that shows N. One payload holds the facts
//! of one account in one batch, keyed by its DID; JSON, camelCase.

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::Did;
use millrace_log::Topic;
use millrace_runtime::telemetry::journey::{self, Trace};
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
    /// The trace of the last entry that they follow from, where traces are sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
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
    /// The post that a post replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The post that a post quotes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
}

impl Change {
    /// A record that points at nothing.
    pub fn of(op: Op, collection: String, rkey: String) -> Self {
        Self { op, collection, rkey, subject: None, list: None, parent: None, quote: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    Inserted,
    Removed,
}

/// Tells homes what an account changed of what it owns here.
pub(crate) fn tell_own(tx: &mut Tx, did: &Did, changes: &[Change]) -> Result<(), StoreError> {
    tell(tx, Topic::OwnChanges, did, changes, None)
}

/// Pushes what changed of an account into the outbox, in payloads that are not too large.
fn tell(
    tx: &mut Tx,
    topic: Topic,
    did: &Did,
    changes: &[Change],
    traceparent: Option<&String>,
) -> Result<(), StoreError> {
    for some in changes.chunks(CHANGES_MAX) {
        let (changes, traceparent) = (some.to_vec(), traceparent.cloned());
        let told = Changes { did: did.clone(), changes, traceparent };
        let payload = serde_json::to_vec(&told).expect("invariant: facts are plain JSON");
        outbox::push(tx, topic, did.as_str().as_bytes(), &payload)?;
    }
    Ok(())
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
    /// What a post replies to and what it quotes.
    Posts {
        parent: Option<Subject>,
        quote: Option<Subject>,
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
    /// Of accounts whose entries are traced.
    traceparents: HashMap<i64, String>,
}

impl Facts {
    /// What follows of an account belongs to this trace.
    pub(crate) fn trace(&mut self, actor: i64, trace: &Trace) {
        let traceparent = journey::traceparent(trace);
        self.traceparents.extend(traceparent.map(|traceparent| (actor, traceparent)));
    }

    /// A record that points at nothing.
    pub(crate) fn record(&mut self, collection: Collection, key: Key, op: Op) {
        self.facts.push(Fact { key, collection, op, target: None });
    }

    /// A post, by its own key and those of the posts it points at.
    pub(crate) fn post(&mut self, key: Key, parent: Option<Key>, quote: Option<Key>, op: Op) {
        let post = |key: Key| {
            let collection = Collection::Post.code();
            Subject { actor: key.0, collection, rkey: key.1 }
        };
        let target = Target::Posts { parent: parent.map(post), quote: quote.map(post) };
        let target = Some(target).filter(|_| parent.is_some() || quote.is_some());
        self.facts.push(Fact { key, collection: Collection::Post, op, target });
    }

    pub(crate) fn edge(&mut self, collection: Collection, key: Key, target: Target, op: Op) {
        self.facts.push(Fact { key, collection, op, target: Some(target) });
    }

    /// Pushes the facts into the outbox, one payload an account, in order of first appearance.
    pub(crate) fn publish(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let Self { facts, traceparents } = std::mem::take(self);
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
            let traceparent = traceparents.get(&actor);
            let changes = by_actor.remove(&actor).unwrap_or_default();
            tell(tx, Topic::DataplaneChanges, did, &changes, traceparent)?;
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
            Some(Target::Posts { parent, quote }) => {
                [parent, quote].map(|post| post.map(|post| post.actor))
            }
        };
        [self.key.0].into_iter().chain(target.into_iter().flatten())
    }

    fn keys(&self) -> impl Iterator<Item = i64> {
        let subjects = match self.target {
            None | Some(Target::Actor(_)) => [None, None],
            Some(Target::Record(subject) | Target::Listed { list: subject, .. }) => {
                [Some(subject), None]
            }
            Some(Target::Posts { parent, quote }) => [parent, quote],
        };
        let of_subject = |subject: Subject| [subject.rkey, subject.collection];
        [self.key.1].into_iter().chain(subjects.into_iter().flatten().flat_map(of_subject))
    }

    fn named(&self, names: &Names) -> Result<Change, StoreError> {
        let uri = |subject: Subject| names.uri(subject.actor, subject.collection, subject.rkey);
        let collection = self.collection.nsid().to_owned();
        let mut change = Change::of(self.op, collection, names.rkey(self.key.1)?);
        match self.target {
            None => {}
            Some(Target::Actor(actor)) => change.subject = Some(names.did(actor)?.to_string()),
            Some(Target::Record(subject)) => change.subject = Some(uri(subject)?),
            Some(Target::Listed { list, actor }) => {
                change.subject = Some(names.did(actor)?.to_string());
                change.list = Some(uri(list)?);
            }
            Some(Target::Posts { parent, quote }) => {
                change.parent = parent.map(uri).transpose()?;
                change.quote = quote.map(uri).transpose()?;
            }
        }
        Ok(change)
    }
}
