//! Edges count once for each pair of accounts or records, however many records say so.
//!
//! A pair is there as long as any record says so. That is asked, not counted: one account may
//! write a pair very many times.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use millrace_store::StoreError;

use super::{Decision, StoredRow};

/// A row that stands for a pair: who points, and at what.
pub(crate) trait Edge: StoredRow {
    type Pair: Copy + Ord + Hash;

    fn pair(&self) -> Self::Pair;
}

/// The pairs that begin (+1) or end (−1) with a decision. `write` makes the decision's changes;
/// `present` answers which of some pairs have a record at the moment it is called.
pub(crate) fn changed<R: Edge, T>(
    tx: &mut T,
    decision: &Decision<'_, R>,
    present: impl Fn(&mut T, &[R::Pair]) -> Result<HashSet<R::Pair>, StoreError>,
    write: impl FnOnce(&mut T) -> Result<(), StoreError>,
) -> Result<HashMap<R::Pair, i64>, StoreError> {
    let gained: HashSet<R::Pair> = decision.inserted.iter().map(|(row, _)| row.pair()).collect();
    let lost: HashSet<R::Pair> = decision.removed.iter().map(Edge::pair).collect();
    let before = present(tx, &sorted(gained.union(&lost)))?;
    write(tx)?;
    // Of a pair that only loses records it has to be asked whether any is left.
    let mut after = present(tx, &sorted(lost.difference(&gained)))?;
    after.extend(&gained);
    let change =
        |pair: &R::Pair| i64::from(after.contains(pair)) - i64::from(before.contains(pair));
    let changes = gained.union(&lost).map(|pair| (*pair, change(pair)));
    Ok(changes.filter(|(_, change)| *change != 0).collect())
}

fn sorted<'a, P: Copy + Ord + 'a>(pairs: impl Iterator<Item = &'a P>) -> Vec<P> {
    let mut pairs: Vec<P> = pairs.copied().collect();
    pairs.sort_unstable();
    pairs
}
