//! The time of each account's newest line in its feed, against the lines.

use millrace_store::{Param, StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond};
use super::{Check, Finding, Slice};
use crate::apply::feed::newest;
use crate::repair::Mend;

/// Heads that are of no line, or not of the newest.
pub(super) struct Heads;
/// Accounts that have lines and no head.
pub(super) struct Headless;

const CHECK: &str = "feed_heads";

fn finding(actor: i64, newest_us: Option<i64>, head_us: Option<i64>) -> Finding {
    let said = |time: Option<i64>| {
        time.map_or("no newest line".to_owned(), |time| format!("a newest line at {time}"))
    };
    Finding {
        check: CHECK,
        subject: Subject::Actor(actor),
        expected: said(newest_us),
        found: said(head_us),
        mend: Mend::FeedHead(actor),
    }
}

impl Check for Heads {
    fn name(&self) -> &'static str {
        CHECK
    }

    fn table(&self) -> &'static str {
        "feed_head"
    }

    fn width(&self) -> usize {
        1
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let sql = format!(
            "SELECT s.actor_id, s.sort_at_us, {}
             FROM (SELECT * FROM feed_head {}) AS s ORDER BY s.actor_id",
            newest("s.actor_id"),
            beyond(&["actor_id"], "")
        );
        let mut slice = Slice::default();
        tx.for_each(&sql, &params(after, limit), |row| {
            slice.rows += 1;
            let (actor, head_us): (i64, i64) = (row.get(0)?, row.get(1)?);
            let newest_us: Option<i64> = row.get(2)?;
            if newest_us != Some(head_us) {
                slice.findings.push(finding(actor, newest_us, Some(head_us)));
            }
            slice.last = Some(vec![actor]);
            Ok(())
        })?;
        Ok(slice)
    }
}

impl Check for Headless {
    fn name(&self) -> &'static str {
        CHECK
    }

    fn table(&self) -> &'static str {
        "feed_item"
    }

    fn width(&self) -> usize {
        1
    }

    /// From account to account: of the lines between them none is read.
    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        const NEXT: &str = "SELECT min(i.actor_id) FROM feed_item AS i WHERE i.actor_id >";
        let sql = format!(
            "WITH RECURSIVE w (actor_id, place) AS (
                SELECT ({NEXT} $1), CAST(1 AS BIGINT)
                UNION ALL SELECT ({NEXT} w.actor_id), w.place + 1 FROM w
                    WHERE w.actor_id IS NOT NULL AND w.place < $2)
             SELECT w.actor_id, {}, h.sort_at_us
             FROM w LEFT JOIN feed_head AS h ON h.actor_id = w.actor_id
             WHERE w.actor_id IS NOT NULL ORDER BY w.actor_id",
            newest("w.actor_id")
        );
        let after = after.first().copied().unwrap_or(i64::MIN);
        let mut slice = Slice::default();
        tx.for_each(&sql, &[Param::Int(after), Param::Int(limit)], |row| {
            slice.rows += 1;
            let actor: i64 = row.get(0)?;
            if row.get::<Option<i64>>(2)?.is_none() {
                slice.findings.push(finding(actor, row.get(1)?, None));
            }
            slice.last = Some(vec![actor]);
            Ok(())
        })?;
        Ok(slice)
    }
}
