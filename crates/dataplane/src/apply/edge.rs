//! Edges: records that say no more than "this account points at that". An edge is a row under its
//! own key and one under its target; what a kind of edge brings about is in the kind's own file.
//!
//! An account points at a target once, however many records say so: counters and notifications
//! follow the pair (target, account), not the record.

use std::fmt::Debug;
use std::hash::Hash;

use foldhash::{HashMap, HashSet};
use millrace_atproto::cid::Cid;
use millrace_store::{Param, Row, StoreError, Tx};

use super::change::{self, Target};
use super::ids::Subject;
use super::notify::{self, Notice};
use super::pairs;
use super::{Decision, Effects, Key, Op, Put, StoredRow, decide, key_params};
use crate::collection::Collection;
use crate::reason::Reason;

/// A kind of edge and where its rows are.
pub(crate) trait EdgeKind: Debug + Sized + 'static {
    const COLLECTION: Collection;
    /// Rows by key: `actor_id`, `rkey`, the target, `cid_prefix`, `created_after_us`, `indexed_at_us`.
    const TABLE: &'static str;
    /// Rows by target: the target, `actor_id`, `rkey`, `sort_after_us`.
    const BY_TARGET: &'static str;
    /// The columns a target is stored in, in both tables.
    const COLUMNS: &'static [&'static str];
    type Target: Copy + Ord + Hash + Debug + 'static;

    /// The values of [`Self::COLUMNS`].
    fn values(target: Self::Target) -> Vec<i64>;

    /// Reads the columns from the one at `first` on.
    fn read(row: &Row<'_>, first: usize) -> Result<Self::Target, StoreError>;

    /// What the fact of an edge says it points at; `author` is whose edge it is.
    fn named(target: Self::Target, author: i64) -> Target;
}

/// What an edge's record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields<T> {
    pub target: T,
    /// The repost through which its author came upon the target.
    pub via: Option<Subject>,
    pub created_at_us: i64,
}

/// A row of an edge's two tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EdgeRow<K: EdgeKind> {
    pub key: Key,
    pub target: K::Target,
    cid_prefix: i64,
    created_at_us: i64,
    indexed_at_us: i64,
}

impl<K: EdgeKind> EdgeRow<K> {
    pub(crate) fn sort_at_us(&self) -> i64 {
        self.created_at_us.min(self.indexed_at_us)
    }
}

impl<K: EdgeKind> StoredRow for EdgeRow<K> {
    type Fields = Fields<K::Target>;

    fn is_of(&self, cid: &Cid) -> bool {
        self.cid_prefix == cid.prefix_i64()
    }

    fn made(op: &Op<Self::Fields>, put: &Put<Self::Fields>, _: Option<&Self>) -> Self {
        Self {
            key: op.key,
            target: put.fields.target,
            cid_prefix: put.cid.prefix_i64(),
            created_at_us: put.fields.created_at_us,
            indexed_at_us: op.at_us,
        }
    }
}

impl<K: EdgeKind> pairs::Edge for EdgeRow<K> {
    type Pair = Pair<K>;

    fn key(&self) -> Key {
        self.key
    }

    fn pair(&self) -> Pair<K> {
        (self.target, self.key.0)
    }
}

/// A target and an account that points at it.
pub(crate) type Pair<K> = (<K as EdgeKind>::Target, i64);

/// A row that is new, and what it is of.
type Inserted<'a, K> = (EdgeRow<K>, &'a Put<Fields<<K as EdgeKind>::Target>>);

/// What a run's operations on one kind of edge really changed.
#[derive(Debug)]
pub(crate) struct Applied<'a, K: EdgeKind> {
    pub decision: Decision<'a, EdgeRow<K>>,
    /// The pairs that there are (+1) or are no more (−1) after the run, unlike before it.
    pub pairs: HashMap<Pair<K>, i64>,
    /// Keys of the records with which a pair began, be it one that was there before the run as
    /// well and ended in between.
    pub begun: HashSet<Key>,
}

/// Writes the rows and the facts of them, and withdraws what was told of records that are gone.
pub(crate) fn apply<'a, K: EdgeKind>(
    tx: &mut Tx,
    ops: &'a [Op<Fields<K::Target>>],
    effects: &mut Effects,
) -> Result<Applied<'a, K>, StoreError> {
    let decision = decide(existing::<K>(tx, ops)?, ops);
    let records_before = records_of::<K>(tx, &pairs::in_both(&decision))?;
    let pairs = pairs::changed(tx, &decision, present::<K>, |tx| {
        remove::<K>(tx, &decision.removed)?;
        insert::<K>(tx, &decision.inserted)
    })?;
    let begun = pairs::begun(ops, &decision, &pairs, records_before);
    notify::withdraw(tx, K::COLLECTION, decision.removed.iter().map(|row| row.key))?;
    for row in &decision.removed {
        let target = K::named(row.target, row.key.0);
        effects.facts.edge(K::COLLECTION, row.key, target, change::Op::Removed);
    }
    for (row, _) in &decision.inserted {
        let target = K::named(row.target, row.key.0);
        effects.facts.edge(K::COLLECTION, row.key, target, change::Op::Inserted);
    }
    Ok(Applied { decision, pairs, begun })
}

impl<K: EdgeKind> Applied<'_, K> {
    /// The records to tell of: those with which a pair began.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&EdgeRow<K>, &Put<Fields<K::Target>>)> {
        let inserted = self.decision.inserted.iter().map(|(row, put)| (row, *put));
        inserted.filter(|(row, _)| self.begun.contains(&row.key))
    }
}

impl<K: EdgeKind<Target = Subject>> Applied<'_, K> {
    /// The target's author is told, and whoever's repost led to it; nobody of their own doing.
    pub(crate) fn notices(&self, reason: Reason, via_repost: Reason) -> Vec<Notice<'_>> {
        let mut notices = Vec::new();
        for (row, put) in self.told() {
            let reasons = [(Some(row.target), reason), (put.fields.via, via_repost)];
            for (subject, reason) in reasons {
                let Some(subject) = subject.filter(|subject| subject.actor != row.key.0) else {
                    continue;
                };
                notices.push(Notice {
                    recipient: subject.actor,
                    author: row.key.0,
                    rkey: row.key.1,
                    collection: K::COLLECTION,
                    reason,
                    subject: Some(subject),
                    sort_at_us: row.sort_at_us(),
                    cid: put.cid,
                    record: &put.json,
                });
            }
        }
        notices
    }
}

/// `a, b, c`, each with a prefix.
fn list(columns: &[&str], prefix: &str) -> String {
    let columns: Vec<String> = columns.iter().map(|column| format!("{prefix}{column}")).collect();
    columns.join(", ")
}

/// The columns of a batch of rows: `a BIGINT, b BIGINT`.
fn typed(columns: &[&str]) -> String {
    let columns: Vec<String> = columns.iter().map(|column| format!("{column} BIGINT")).collect();
    columns.join(", ")
}

fn bigints(columns: usize) -> String {
    vec!["BIGINT"; columns].join(",")
}

fn ints(values: impl IntoIterator<Item = i64>) -> Vec<Param<'static>> {
    values.into_iter().map(Param::Int).collect()
}

fn existing<K: EdgeKind>(
    tx: &mut Tx,
    ops: &[Op<Fields<K::Target>>],
) -> Result<HashMap<Key, EdgeRow<K>>, StoreError> {
    let sql = format!(
        "SELECT e.actor_id, e.rkey, e.cid_prefix, e.created_at_us, e.indexed_at_us, {}
         FROM {{rows:actor BIGINT, rkey BIGINT}} AS k CROSS JOIN {} AS e
         WHERE e.actor_id = k.actor AND e.rkey = k.rkey",
        list(K::COLUMNS, "e."),
        K::TABLE
    );
    let rows = tx.query_many(&sql, ops.iter().map(|op| key_params(&op.key)), |row| {
        Ok(EdgeRow::<K> {
            key: (row.get(0)?, row.get(1)?),
            cid_prefix: row.get(2)?,
            created_at_us: row.get(3)?,
            indexed_at_us: row.get(4)?,
            target: K::read(row, 5)?,
        })
    })?;
    Ok(rows.into_iter().map(|row| (row.key, row)).collect())
}

/// Those of `pairs` of which there is a record now.
fn present<K: EdgeKind>(tx: &mut Tx, pairs: &[Pair<K>]) -> Result<HashSet<Pair<K>>, StoreError> {
    let same: Vec<String> =
        K::COLUMNS.iter().map(|column| format!("t.{column} = k.{column}")).collect();
    let sql = format!(
        "SELECT k.pointing, {} FROM {{rows:pointing BIGINT, {}}} AS k
         WHERE EXISTS (SELECT 1 FROM {} AS t WHERE {} AND t.actor_id = k.pointing)",
        list(K::COLUMNS, "k."),
        typed(K::COLUMNS),
        K::BY_TARGET,
        same.join(" AND ")
    );
    let found = tx.query_many(
        &sql,
        pairs.iter().map(|(target, actor)| ints([*actor].into_iter().chain(K::values(*target)))),
        |row| Ok((K::read(row, 1)?, row.get(0)?)),
    )?;
    Ok(found.into_iter().collect())
}

/// How many records there are of each pair.
fn records_of<K: EdgeKind>(
    tx: &mut Tx,
    pairs: &[Pair<K>],
) -> Result<HashMap<Pair<K>, i64>, StoreError> {
    let same: Vec<String> =
        K::COLUMNS.iter().map(|column| format!("t.{column} = k.{column}")).collect();
    let sql = format!(
        "SELECT k.pointing, {}, (SELECT count(*) FROM {} AS t WHERE {} AND t.actor_id = k.pointing)
         FROM {{rows:pointing BIGINT, {}}} AS k",
        list(K::COLUMNS, "k."),
        K::BY_TARGET,
        same.join(" AND "),
        typed(K::COLUMNS)
    );
    let counts = tx.query_many(
        &sql,
        pairs.iter().map(|(target, actor)| ints([*actor].into_iter().chain(K::values(*target)))),
        |row| Ok(((K::read(row, 1)?, row.get(0)?), row.get(1 + K::COLUMNS.len())?)),
    )?;
    Ok(counts.into_iter().collect())
}

fn remove<K: EdgeKind>(tx: &mut Tx, rows: &[EdgeRow<K>]) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM {} WHERE (actor_id, rkey) IN
         (SELECT k.actor, k.rkey FROM {{rows:actor BIGINT, rkey BIGINT}} AS k)",
        K::TABLE
    );
    tx.execute_many(&sql, rows.iter().map(|row| key_params(&row.key)))?;
    let sql = format!(
        "DELETE FROM {} WHERE (actor_id, rkey, {}) IN
         (SELECT k.actor, k.rkey, {} FROM {{rows:actor BIGINT, rkey BIGINT, {}}} AS k)",
        K::BY_TARGET,
        list(K::COLUMNS, ""),
        list(K::COLUMNS, "k."),
        typed(K::COLUMNS)
    );
    tx.execute_many(
        &sql,
        rows.iter()
            .map(|row| ints([row.key.0, row.key.1].into_iter().chain(K::values(row.target)))),
    )?;
    Ok(())
}

/// A time as it is stored: what it is later than the record key says. A TID's upper bits are its time; of
/// other keys they are a small number.
fn after_key(time_us: i64, rkey: i64) -> i64 {
    time_us.wrapping_sub(rkey >> 10)
}

fn insert<K: EdgeKind>(tx: &mut Tx, rows: &[Inserted<'_, K>]) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO {} (actor_id, rkey, cid_prefix, created_after_us, indexed_at_us, {}) {{values:{}}}",
        K::TABLE,
        list(K::COLUMNS, ""),
        bigints(5 + K::COLUMNS.len())
    );
    tx.execute_many(
        &sql,
        rows.iter().map(|(row, _)| {
            let created_after_us = after_key(row.created_at_us, row.key.1);
            let own = [row.key.0, row.key.1, row.cid_prefix, created_after_us, row.indexed_at_us];
            ints(own.into_iter().chain(K::values(row.target)))
        }),
    )?;
    let sql = format!(
        "INSERT INTO {} (actor_id, rkey, sort_after_us, {}) {{values:{}}}",
        K::BY_TARGET,
        list(K::COLUMNS, ""),
        bigints(3 + K::COLUMNS.len())
    );
    tx.execute_many(
        &sql,
        rows.iter().map(|(row, _)| {
            let own = [row.key.0, row.key.1, after_key(row.sort_at_us(), row.key.1)];
            ints(own.into_iter().chain(K::values(row.target)))
        }),
    )?;
    Ok(())
}
