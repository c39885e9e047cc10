//! How large homes were, minute by minute of the last day: rows of a table, because of several processes one alone
//! counts, and another may be asked.
//!
//! Must stay true: at most a row a minute is written and a day of them kept; a page of them has [`POINTS_MAX`].

use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// At least so long between two rows.
pub(crate) const EVERY_US: i64 = 60_000_000;
/// For so long they are kept: a day, and what "an hour ago" of its beginning takes.
const KEPT_US: i64 = 25 * 3_600_000_000;
/// Of each so long the latest is told.
const STEP_US: i64 = 600_000_000;
/// Rows told at once.
const POINTS_MAX: i64 = 152;
/// Counting ends here.
const COUNTED_MAX: i64 = 1_000_000;

/// How large homes were at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sizes {
    pub at_us: i64,
    /// Lines of all homes.
    pub lines: i64,
    /// Accounts whose homes are made.
    pub readers: i64,
    /// Items on their way into homes, those that were given up among them.
    pub jobs: i64,
    /// Posts that consumers outside were told of and that are remembered for that, up to a million.
    pub announced: i64,
}

/// Writes down how large homes are now, and forgets what is older than a day.
pub(crate) fn note(tx: &mut Tx, lines: i64, readers: i64, jobs: i64) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    let announced: i64 = tx.query_one(
        "SELECT count(*) FROM (SELECT 1 FROM announced LIMIT $1) AS a",
        &[Param::Int(COUNTED_MAX)],
        |row| row.get(0),
    )?;
    let at_us = now_us - now_us.rem_euclid(EVERY_US);
    tx.execute(
        "INSERT INTO home_sizes (at_us, lines, readers, jobs, announced) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (at_us) DO UPDATE SET lines = excluded.lines, readers = excluded.readers,
             jobs = excluded.jobs, announced = excluded.announced",
        &[at_us, lines, readers, jobs, announced].map(Param::Int),
    )?;
    tx.execute("DELETE FROM home_sizes WHERE at_us < $1", &[Param::Int(now_us - KEPT_US)]).map(drop)
}

/// How large they were within the last day, the oldest first: the latest of every ten minutes.
pub(crate) fn lately(tx: &mut Tx) -> Result<Vec<Sizes>, StoreError> {
    let since_us = tx.now_us() - KEPT_US;
    tx.query(
        "SELECT at_us, lines, readers, jobs, announced FROM home_sizes WHERE at_us IN
         (SELECT max(h.at_us) FROM home_sizes AS h WHERE h.at_us >= $1 GROUP BY h.at_us / $2)
         ORDER BY at_us LIMIT $3",
        &[since_us, STEP_US, POINTS_MAX].map(Param::Int),
        |row| {
            Ok(Sizes {
                at_us: row.get(0)?,
                lines: row.get(1)?,
                readers: row.get(2)?,
                jobs: row.get(3)?,
                announced: row.get(4)?,
            })
        },
    )
}
