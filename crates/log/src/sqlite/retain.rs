//! Removing the oldest items of one partition, one bounded transaction at a time.
//!
//! Items go from the front only, so that what is left has no gap, and `oldest_offset` moves in the same
//! transaction as the removal.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::layout::PartitionRow;
use crate::retention::Rule;
use crate::{ITEM_FRAME_BYTES, RETAIN_ITEMS_STEP, Removed};

/// What one step did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) removed: Removed,
    /// The step ended at its bound; another may find more.
    pub(super) more: bool,
}

/// Removes up to [`RETAIN_ITEMS_STEP`] items; `row` is moved once that is durable.
pub(super) fn step(
    connection: &mut Connection,
    row: &mut PartitionRow,
    rule: &Rule,
) -> rusqlite::Result<Step> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let after = find(&tx, row, rule)?;
    if after.oldest > row.oldest {
        tx.prepare_cached(&format!("DELETE FROM {} WHERE offset < ?1", row.table))?
            .execute([after.oldest])?;
        store_row(&tx, &after)?;
    }
    if after.oldest > row.oldest {
        millrace_runtime::crash::point("log.retain.before_commit");
    }
    tx.commit()?;
    if after.oldest > row.oldest {
        millrace_runtime::crash::point("log.retain.after_commit");
    }
    let removed = Removed {
        items: after.oldest.abs_diff(row.oldest),
        bytes: after.bytes.abs_diff(row.bytes),
    };
    *row = after;
    Ok(Step { removed, more: removed.items == RETAIN_ITEMS_STEP as u64 })
}

/// The partition as it is once the items that the rule lets go, at most a step's worth, are gone.
fn find(tx: &Transaction<'_>, row: &PartitionRow, rule: &Rule) -> rusqlite::Result<PartitionRow> {
    let mut after = *row;
    let mut statement = tx.prepare_cached(&format!(
        "SELECT offset, appended_us, length(payload) + ifnull(length(headers), 0)
         FROM {} ORDER BY offset LIMIT {RETAIN_ITEMS_STEP}",
        row.table
    ))?;
    let mut items = statement.query([])?;
    while let Some(item) = items.next()? {
        let (offset, appended_us, bytes): (i64, i64, i64) =
            (item.get(0)?, item.get(1)?, item.get(2)?);
        if !rule.lets_go(offset, appended_us, after.bytes) {
            break;
        }
        after.oldest = offset + 1;
        after.bytes -= bytes + ITEM_FRAME_BYTES as i64;
    }
    Ok(after)
}

/// Stores a partition's row.
pub(super) fn store_row(tx: &Transaction<'_>, row: &PartitionRow) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE partition SET oldest_offset = ?3, next_offset = ?4, bytes = ?5, appended_us = ?6
         WHERE topic = ?1 AND partition = ?2",
    )?
    .execute((
        row.table.topic_id,
        row.table.partition,
        row.oldest,
        row.next,
        row.bytes,
        row.appended_us,
    ))?;
    Ok(())
}
