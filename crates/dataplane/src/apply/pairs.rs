//! Edges count once for each pair of accounts or records, however many records say so.
//!
//! A pair is there as long as any record says so. That is asked, not counted: one account may
//! write a pair very many times.

use std::hash::Hash;

use foldhash::{HashMap, HashSet, HashSetExt};
use millrace_store::StoreError;

use super::{Decision, Key, Op, StoredRow};

/// A row that stands for a pair: who points, and at what.
pub(crate) trait Edge: StoredRow {
    type Pair: Copy + Ord + Hash;

    fn key(&self) -> Key;

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

/// The pairs that both lose and gain records with a decision.
pub(crate) fn in_both<R: Edge>(decision: &Decision<'_, R>) -> Vec<R::Pair> {
    let gained: HashSet<R::Pair> = decision.inserted.iter().map(|(row, _)| row.pair()).collect();
    let lost: HashSet<R::Pair> = decision.removed.iter().map(Edge::pair).collect();
    sorted(gained.intersection(&lost))
}

/// Keys of the inserted records before which there was none of their pair, by the order of the
/// operations. `changes` is what [`changed`] said; `records` holds, for the pairs of [`in_both`],
/// how many records there were before.
pub(crate) fn begun<R: Edge>(
    ops: &[Op<R::Fields>],
    decision: &Decision<'_, R>,
    changes: &HashMap<R::Pair, i64>,
    mut records: HashMap<R::Pair, i64>,
) -> HashSet<Key> {
    let inserted: HashMap<Key, R::Pair> =
        decision.inserted.iter().map(|(row, _)| (row.key(), row.pair())).collect();
    let removed: HashMap<Key, R::Pair> =
        decision.removed.iter().map(|row| (row.key(), row.pair())).collect();
    let mut begun = HashSet::new();
    for op in ops {
        if let Some(count) = removed.get(&op.key).and_then(|pair| records.get_mut(pair)) {
            *count -= 1;
        }
        if let Some(pair) = inserted.get(&op.key) {
            let before = || i64::from(changes.get(pair).is_none_or(|change| *change <= 0));
            let count = records.entry(*pair).or_insert_with(before);
            if *count == 0 {
                begun.insert(op.key);
            }
            *count += 1;
        }
    }
    begun
}

fn sorted<'a, P: Copy + Ord + 'a>(pairs: impl Iterator<Item = &'a P>) -> Vec<P> {
    let mut pairs: Vec<P> = pairs.copied().collect();
    pairs.sort_unstable();
    pairs
}
