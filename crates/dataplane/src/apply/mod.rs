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
mod counters;
mod follow;
mod like;
mod notify;
mod pairs;
mod post;
mod post_notices;
mod profile;
mod snapshot;

use std::collections::{HashMap, HashSet};

use millrace_atproto::cid::Cid;
use millrace_store::{Param, StoreError, Tx};

use self::change::Facts;
use self::counters::Counters;
use crate::collection::Collection;

/// A record's key within its collection: actor and record key.
pub(crate) type Key = (i64, i64);

/// One operation on one record, names resolved.
#[derive(Debug, Clone)]
pub(crate) struct Op<F> {
    pub key: Key,
    /// When the log took the entry, microseconds: what `indexed_at_us` becomes.
    pub at_us: i64,
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

/// The operations of a run, by kind. A record stands in it at most once.
#[derive(Debug, Default)]
pub(crate) struct Run {
    profiles: Vec<Op<profile::Fields>>,
    posts: Vec<Op<post::Fields>>,
    likes: Vec<Op<like::Fields>>,
    follows: Vec<Op<follow::Fields>>,
    held: HashSet<(Collection, Key)>,
}

/// What a record's fields are once names are ids.
#[derive(Debug, Clone)]
pub(crate) enum Fields {
    Profile(profile::Fields),
    Post(post::Fields),
    Like(like::Fields),
    Follow(follow::Fields),
}

impl Run {
    /// Whether a further operation on this record has to wait for the next run.
    pub(crate) fn holds(&self, collection: Collection, key: Key) -> bool {
        self.held.contains(&(collection, key))
    }

    /// Adds a put of a record.
    pub(crate) fn put(&mut self, key: Key, at_us: i64, put: Put<Fields>) {
        fn op<F>(key: Key, at_us: i64, cid: Cid, json: String, fields: F) -> Op<F> {
            Op { key, at_us, write: Write::Put(Put { cid, json, fields }) }
        }
        let Put { cid, json, fields } = put;
        let collection = match fields {
            Fields::Profile(fields) => {
                self.profiles.push(op(key, at_us, cid, json, fields));
                Collection::Profile
            }
            Fields::Post(fields) => {
                self.posts.push(op(key, at_us, cid, json, fields));
                Collection::Post
            }
            Fields::Like(fields) => {
                self.likes.push(op(key, at_us, cid, json, fields));
                Collection::Like
            }
            Fields::Follow(fields) => {
                self.follows.push(op(key, at_us, cid, json, fields));
                Collection::Follow
            }
        };
        self.held.insert((collection, key));
    }

    /// Adds a deletion; a collection that is not kept here has nothing to delete.
    pub(crate) fn delete(&mut self, collection: Collection, key: Key, at_us: i64) {
        fn op<F>(key: Key, at_us: i64) -> Op<F> {
            Op { key, at_us, write: Write::Delete }
        }
        match collection {
            Collection::Profile => self.profiles.push(op(key, at_us)),
            Collection::Post => self.posts.push(op(key, at_us)),
            Collection::Like => self.likes.push(op(key, at_us)),
            Collection::Follow => self.follows.push(op(key, at_us)),
            _ => return,
        }
        self.held.insert((collection, key));
    }

    /// Writes the run and leaves it empty.
    pub(crate) fn apply(&mut self, tx: &mut Tx, effects: &mut Effects) -> Result<(), StoreError> {
        let run = std::mem::take(self);
        profile::apply(tx, &run.profiles, effects)?;
        post::apply(tx, &run.posts, effects)?;
        like::apply(tx, &run.likes, effects)?;
        follow::apply(tx, &run.follows, effects)
    }
}

/// What follows from rows that really changed, gathered over a batch.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub counters: Counters,
    pub facts: Facts,
}

/// A row's composite key as the parameters of a `{rows:actor BIGINT, rkey BIGINT}` statement.
fn key_params(key: &Key) -> [Param<'static>; 2] {
    [Param::Int(key.0), Param::Int(key.1)]
}
