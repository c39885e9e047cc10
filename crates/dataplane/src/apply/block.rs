//! `app.bsky.graph.block`: an [edge](super::edge) that is asked about when views are made. Its author's
//! are counted, since most block nobody; the blocked account is not told.

use millrace_store::{Row, StoreError, Tx};

use super::change::Target;
use super::edge::{self, EdgeKind};
use super::{Effects, Op};
use crate::collection::Collection;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block;

impl EdgeKind for Block {
    const COLLECTION: Collection = Collection::Block;
    const TABLE: &'static str = "block";
    const BY_TARGET: &'static str = "block_by_subject";
    const COLUMNS: &'static [&'static str] = &["subject_actor"];
    /// The blocked account.
    type Target = i64;

    fn values(subject: i64) -> Vec<i64> {
        vec![subject]
    }

    fn read(row: &Row<'_>, first: usize) -> Result<i64, StoreError> {
        row.get(first)
    }

    fn named(subject: i64, _: i64) -> Target {
        Target::Actor(subject)
    }
}

pub(crate) fn apply(
    tx: &mut Tx,
    ops: &[Op<edge::Fields<i64>>],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    let decision = edge::apply::<Block>(tx, ops, effects)?.decision;
    for row in &decision.removed {
        effects.counters.actor(row.key.0).blocks -= 1;
    }
    for (row, _) in &decision.inserted {
        effects.counters.actor(row.key.0).blocks += 1;
    }
    Ok(())
}
