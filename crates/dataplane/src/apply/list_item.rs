//! `app.bsky.graph.listitem`: an [edge](super::edge) from a list to an account. Lists are filled by
//! their owner alone, so the list is named by its record key; an account counts once on a list.

use millrace_store::{Row, StoreError, Tx};

use super::change::Target;
use super::edge::{self, EdgeKind};
use super::ids::Subject;
use super::{Effects, Op};
use crate::collection::Collection;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListItem;

/// An account on a list of the record's own author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Listed {
    pub list_rkey: i64,
    pub subject: i64,
}

impl EdgeKind for ListItem {
    const COLLECTION: Collection = Collection::ListItem;
    const TABLE: &'static str = "list_item";
    const BY_TARGET: &'static str = "list_item_by_list";
    const COLUMNS: &'static [&'static str] = &["list_rkey", "subject_actor"];
    type Target = Listed;

    fn values(target: Listed) -> Vec<i64> {
        vec![target.list_rkey, target.subject]
    }

    fn read(row: &Row<'_>, first: usize) -> Result<Listed, StoreError> {
        Ok(Listed { list_rkey: row.get(first)?, subject: row.get(first + 1)? })
    }

    fn named(target: Listed, author: i64) -> Target {
        Target::Listed { list: list(author, target.list_rkey), actor: target.subject }
    }
}

fn list(author: i64, rkey: i64) -> Subject {
    Subject { actor: author, collection: Collection::List.code(), rkey }
}

pub(crate) fn apply(
    tx: &mut Tx,
    ops: &[Op<edge::Fields<Listed>>],
    effects: &mut Effects,
) -> Result<(), StoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    let applied = edge::apply::<ListItem>(tx, ops, effects)?;
    for ((target, author), change) in &applied.pairs {
        effects.counters.record(list(*author, target.list_rkey)).items += change;
    }
    Ok(())
}
