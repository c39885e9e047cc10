//! Accounts: whoever has records is known, and whoever was deleted has none left.

use millrace_store::{Param, StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond};
use super::{Check, Finding, Slice};
use crate::repair::Mend;

/// The tables of records. Each has its author in `actor_id` and its time in `indexed_at_us`.
const RECORDS: [&str; 10] = [
    "profile",
    "post",
    "\"like\"",
    "repost",
    "follow",
    "block",
    "list_item",
    "list_block",
    "verification",
    "document",
];

/// Authors of records without a row of their own.
pub(super) struct Unknown(usize);

pub(super) static UNKNOWN: [Unknown; 10] = [
    Unknown(0),
    Unknown(1),
    Unknown(2),
    Unknown(3),
    Unknown(4),
    Unknown(5),
    Unknown(6),
    Unknown(7),
    Unknown(8),
    Unknown(9),
];

impl Check for Unknown {
    fn name(&self) -> &'static str {
        "unknown_accounts"
    }

    fn table(&self) -> &'static str {
        RECORDS[self.0]
    }

    fn width(&self) -> usize {
        1
    }

    fn rows_max(&self) -> i64 {
        500
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let sql = format!(
            "SELECT s.actor_id, a.actor_id FROM (SELECT DISTINCT actor_id FROM {} {}) AS s
             LEFT JOIN actor AS a ON a.actor_id = s.actor_id ORDER BY s.actor_id",
            RECORDS[self.0],
            beyond(&["actor_id"], "")
        );
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            let actor: i64 = row.get(0)?;
            slice.last = Some(vec![actor]);
            if row.get::<Option<i64>>(1)?.is_none() {
                slice.findings.push(Finding {
                    check: "unknown_accounts",
                    subject: Subject::Actor(actor),
                    expected: "a row of the account".to_owned(),
                    found: "records without one".to_owned(),
                    mend: Mend::UnknownAccount(actor),
                });
            }
            Ok(())
        })?;
        Ok(slice)
    }
}

/// Makes accounts known again, and has their repositories fetched: what else was known is lost.
pub(crate) fn mend_unknown(tx: &mut Tx, actors: &[i64]) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute_many(
        "INSERT INTO actor (actor_id, indexed_at_us) {values:BIGINT KEY,BIGINT}
         ON CONFLICT (actor_id) DO NOTHING",
        actors.iter().map(|actor| [*actor, now_us].map(Param::Int)),
    )?;
    let dids = super::naming::dids(tx, actors)?;
    dids.iter().try_for_each(|did| crate::resync::want(tx, did))
}

const LABELS: &str = "EXISTS (SELECT 1 FROM label AS r WHERE r.src = s.actor_id AND r.indexed_at_us <= s.status_at_us)";

/// Accounts that were deleted.
pub(super) struct Deleted;

impl Check for Deleted {
    fn name(&self) -> &'static str {
        "deleted_accounts"
    }

    fn table(&self) -> &'static str {
        "actor"
    }

    fn width(&self) -> usize {
        1
    }

    fn rows_max(&self) -> i64 {
        1_000
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        // What came after the deletion may be of an account that is about to be told of again.
        let left: Vec<String> = RECORDS
            .iter()
            .map(|table| {
                format!(
                    "EXISTS (SELECT 1 FROM {table} AS r WHERE r.actor_id = s.actor_id
                       AND r.indexed_at_us <= s.status_at_us)"
                )
            })
            .chain([LABELS.to_owned()])
            .collect();
        let sql = format!(
            "SELECT s.actor_id, CAST(CASE WHEN s.active = 0 AND s.status = 'deleted' AND ({}) THEN 1 ELSE 0 END AS BIGINT)
             FROM (SELECT actor_id, active, status, status_at_us FROM actor {}) AS s ORDER BY s.actor_id",
            left.join(" OR "),
            beyond(&["actor_id"], "")
        );
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            let actor: i64 = row.get(0)?;
            slice.last = Some(vec![actor]);
            if row.get::<bool>(1)? {
                slice.findings.push(Finding {
                    check: "deleted_accounts",
                    subject: Subject::Actor(actor),
                    expected: "nothing of a deleted account".to_owned(),
                    found: "records, or labels it issued".to_owned(),
                    mend: Mend::Purge(actor),
                });
            }
            Ok(())
        })?;
        Ok(slice)
    }
}
