//! `app.bsky.graph.follow`: an [edge](super::edge) that adds to both accounts' counters; the
//! followed account is told of it.

use millrace_store::{Row, StoreError, Tx};

use super::change::Target;
use super::edge::{self, Applied, EdgeKind};
use super::notify::{self, Notice};
use super::{Effects, Op};
use crate::collection::Collection;
use crate::reason::Reason;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Follow;

impl EdgeKind for Follow {
    const COLLECTION: Collection = Collection::Follow;
    const TABLE: &'static str = "follow";
    const BY_TARGET: &'static str = "follow_by_subject";
    const COLUMNS: &'static [&'static str] = &["subject_actor"];
    /// The followed account.
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
    let applied = edge::apply::<Follow>(tx, ops, effects)?;
    for ((subject, follower), change) in &applied.pairs {
        effects.counters.actor(*subject).followers += change;
        effects.counters.actor(*follower).follows += change;
    }
    notify::send(tx, &notices(&applied))
}

fn notices<'a>(applied: &'a Applied<'_, Follow>) -> Vec<Notice<'a>> {
    let told = applied.told().filter(|(row, _)| row.target != row.key.0);
    let notice = |(row, put): (&edge::EdgeRow<Follow>, &'a super::Put<edge::Fields<i64>>)| Notice {
        recipient: row.target,
        author: row.key.0,
        rkey: row.key.1,
        collection: Collection::Follow,
        reason: Reason::Follow,
        subject: None,
        sort_at_us: row.sort_at_us(),
        cid: put.cid,
        record: &put.json,
    };
    told.map(notice).collect()
}
