//! The write side: what a batch of log entries does to the tables, one file per record kind.
//!
//! A kind loads the rows its operations touch, decides with a pure function ([`decide`]) which
//! rows are really inserted and removed, and writes exactly these; counters, notifications and
//! the facts of `dataplane.changes.v1` follow from them and from nothing else. So applying twice
//! is applying once, and like, unlike, like again ends liked: a run never holds a key twice.

pub mod batch;
pub mod change;
pub mod decode;
pub mod ids;

mod actor;
mod block;
pub(crate) mod counters;
pub(crate) mod document;
mod edge;
pub(crate) mod feed;
mod follow;
mod gates;
pub(crate) mod label;
mod like;
mod list_block;
mod list_item;
pub(crate) mod notify;
mod pairs;
pub(crate) mod post;
pub(crate) mod post_notices;
pub(crate) mod profile;
pub(crate) mod repost;
pub(crate) mod run;
pub(crate) mod search;
mod snapshot;
mod verification;

use std::collections::BTreeSet;

use foldhash::HashMap;
use millrace_atproto::cid::Cid;
use millrace_store::{Param, StoreError, Tx};

use self::change::Facts;
use self::counters::Counters;
use self::feed::Heads;

/// A record's key within its collection: actor and record key.
pub(crate) type Key = (i64, i64);

/// One operation on one record, names resolved.
#[derive(Debug, Clone)]
pub(crate) struct Op<F> {
    pub key: Key,
    /// When the log took the entry, microseconds: what `indexed_at_us` becomes.
    pub at_us: i64,
    /// The place among the operations of its run.
    pub order: usize,
    pub write: Write<F>,
}

/// What an operation does.
#[derive(Debug, Clone)]
pub(crate) enum Write<F> {
    Put(Put<F>),
    Delete,
}

/// A record to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Put<F> {
    pub cid: Cid,
    /// The record as JSON text, as it will be served.
    pub json: String,
    pub fields: F,
}

/// A stored row of a kind of record.
pub(crate) trait StoredRow: Sized {
    type Fields;

    /// Whether the row is of the record with this CID.
    fn is_of(&self, cid: &Cid) -> bool;

    /// The row a put makes; `replaced` is the row it takes the place of.
    fn made(op: &Op<Self::Fields>, put: &Put<Self::Fields>, replaced: Option<&Self>) -> Self;
}

/// What really changes.
#[derive(Debug)]
pub(crate) struct Decision<'a, R: StoredRow> {
    pub removed: Vec<R>,
    pub inserted: Vec<(R, &'a Put<R::Fields>)>,
}

/// Decides which rows go and which come. `existing` holds the rows of the operations' keys;
/// the operations have distinct keys.
pub(crate) fn decide<R: StoredRow>(
    mut existing: HashMap<Key, R>,
    ops: &[Op<R::Fields>],
) -> Decision<'_, R> {
    let mut decision = Decision { removed: Vec::new(), inserted: Vec::new() };
    for op in ops {
        let row = existing.remove(&op.key);
        match &op.write {
            Write::Put(put) if row.as_ref().is_some_and(|row| row.is_of(&put.cid)) => {}
            Write::Put(put) => {
                decision.inserted.push((R::made(op, put, row.as_ref()), put));
                decision.removed.extend(row);
            }
            Write::Delete => decision.removed.extend(row),
        }
    }
    decision
}

/// What follows from rows that really changed, gathered over a batch.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub counters: Counters,
    pub heads: Heads,
    /// Accounts whose handle or profile changed.
    pub renamed: BTreeSet<i64>,
    pub facts: Facts,
}

impl Effects {
    /// Writes what follows, but for names that are searched: those depend on accounts as well.
    pub(crate) fn write(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        self.counters.write(tx)?;
        self.heads.write(tx)?;
        self.facts.publish(tx)
    }
}

/// A row's composite key as the parameters of a `{rows:actor BIGINT, rkey BIGINT}` statement.
fn key_params(key: &Key) -> [Param<'static>; 2] {
    [Param::Int(key.0), Param::Int(key.1)]
}
