//! `source_cursor`: where each source stands. Written only together with, or after, everything the
//! cursor covers.

use millrace_store::{StoreError, Tx};

/// A stored position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) name: String,
    /// Whose numbers these are.
    pub(crate) address: String,
    pub(crate) cursor: i64,
    /// The time of the last event read.
    pub(crate) event_us: Option<i64>,
    /// When a part of the stream was lost.
    pub(crate) gap_us: Option<i64>,
}

/// The position stored for a source, if it belongs to `address`.
pub(crate) fn load(tx: &mut Tx, name: &str, address: &str) -> Result<Option<Position>, StoreError> {
    let stored = tx.query_opt(
        "SELECT name, address, cursor_seq, event_us, gap_us FROM source_cursor WHERE name = $1",
        &[name.into()],
        |row| {
            Ok(Position {
                name: row.get(0)?,
                address: row.get(1)?,
                cursor: row.get(2)?,
                event_us: row.get(3)?,
                gap_us: row.get(4)?,
            })
        },
    )?;
    Ok(stored.filter(|position| {
        let same = position.address == address;
        if !same {
            tracing::warn!(
                source.name = name,
                stored = position.address,
                configured = address,
                "the source has another address than its stored cursor; the cursor is not used"
            );
        }
        same
    }))
}

pub(crate) fn save(tx: &mut Tx, positions: &[Position]) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    for position in positions {
        tx.execute(
            "INSERT INTO source_cursor (name, address, cursor_seq, event_us, gap_us, updated_us) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (name) DO UPDATE SET address = excluded.address, cursor_seq = excluded.cursor_seq, \
                 event_us = excluded.event_us, gap_us = excluded.gap_us, updated_us = excluded.updated_us",
            &[
                (&position.name).into(),
                (&position.address).into(),
                position.cursor.into(),
                position.event_us.into(),
                position.gap_us.into(),
                now_us.into(),
            ],
        )?;
    }
    Ok(())
}
