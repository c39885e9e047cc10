//! `source_position`: where each source stands, in each sequence of numbers it was ever read in. A
//! source may be read from several hosts, each of which counts for itself. Written only together with,
//! or after, everything the cursor covers. `source_gap`: parts of a stream that may be missing.

use millrace_store::{StoreError, Tx};

use crate::model::Gap;

/// A stored position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) name: String,
    /// Whose numbers these are.
    pub(crate) address: String,
    pub(crate) cursor: i64,
    /// The time of the last event read.
    pub(crate) event_us: Option<i64>,
}

/// The positions stored for a source.
pub(crate) fn load(tx: &mut Tx, name: &str) -> Result<Vec<Position>, StoreError> {
    tx.query(
        "SELECT name, address, cursor_seq, event_us FROM source_position WHERE name = $1",
        &[name.into()],
        |row| {
            Ok(Position {
                name: row.get(0)?,
                address: row.get(1)?,
                cursor: row.get(2)?,
                event_us: row.get(3)?,
            })
        },
    )
}

pub(crate) fn save(tx: &mut Tx, positions: &[Position]) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    for position in positions {
        tx.execute(
            "INSERT INTO source_position (name, address, cursor_seq, event_us, updated_us) \
             VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (name, address) DO UPDATE SET cursor_seq = excluded.cursor_seq, \
                 event_us = excluded.event_us, updated_us = excluded.updated_us",
            &[
                (&position.name).into(),
                (&position.address).into(),
                position.cursor.into(),
                position.event_us.into(),
                now_us.into(),
            ],
        )?;
    }
    Ok(())
}

/// The part of a source's stream that was last found to be missing.
pub(crate) fn last_gap(tx: &mut Tx, name: &str) -> Result<Option<Gap>, StoreError> {
    tx.query_opt(
        "SELECT reason, from_seq, to_seq, noticed_us FROM source_gap WHERE source = $1 \
         ORDER BY id DESC LIMIT 1",
        &[name.into()],
        |row| {
            Ok(Gap {
                reason: row.get(0)?,
                from: row.get(1)?,
                to: row.get(2)?,
                noticed_us: row.get(3)?,
            })
        },
    )
}

/// Parts kept, over all sources.
const GAP_ROWS_MAX: i64 = 1_000;

pub(crate) fn save_gaps(tx: &mut Tx, gaps: &[(String, Gap)]) -> Result<(), StoreError> {
    if gaps.is_empty() {
        return Ok(());
    }
    for (source, gap) in gaps {
        tx.execute(
            "INSERT INTO source_gap (source, reason, from_seq, to_seq, noticed_us) \
             VALUES ($1, $2, $3, $4, $5)",
            &[
                source.into(),
                (&gap.reason).into(),
                gap.from.into(),
                gap.to.into(),
                gap.noticed_us.into(),
            ],
        )?;
    }
    tx.execute(
        "DELETE FROM source_gap WHERE id <= (SELECT max(id) FROM source_gap) - $1",
        &[GAP_ROWS_MAX.into()],
    )?;
    Ok(())
}
