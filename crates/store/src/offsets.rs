//! How far projections have come. An offset moves in the transaction that writes the rows it
//! covers, and only from where its worker believes it to be: two workers on one partition cannot
//! both apply an entry, whatever happened to their leases.

use millrace_log::Topic;

use crate::{StoreError, Tx};

/// A projection's place in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub projection: String,
    pub topic: String,
    pub partition: u32,
    /// The first entry not yet applied.
    pub next_offset: i64,
    pub updated_us: i64,
}

/// The first entry that `projection` has not applied; `None` if it never began.
pub fn load(
    tx: &mut Tx,
    projection: &str,
    topic: Topic,
    partition: u32,
) -> Result<Option<i64>, StoreError> {
    tx.query_opt(
        "SELECT next_offset FROM projection_offset
         WHERE projection = $1 AND topic = $2 AND partition = $3",
        &[projection.into(), topic.name().into(), partition.into()],
        |row| row.get(0),
    )
}

/// Moves the offset from `from` to `to`; a projection that never began stands wherever it says.
///
/// Call it first in the transaction: on PostgreSQL the row it locks keeps a second worker out.
///
/// # Errors
/// [`StoreError::Fenced`] when the offset is not at `from`: somebody else has moved it.
pub fn advance(
    tx: &mut Tx,
    projection: &str,
    topic: Topic,
    partition: u32,
    from: i64,
    to: i64,
) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    let moved = tx.execute(
        "UPDATE projection_offset SET next_offset = $5, updated_us = $6
         WHERE projection = $1 AND topic = $2 AND partition = $3 AND next_offset = $4",
        &[
            projection.into(),
            topic.name().into(),
            partition.into(),
            from.into(),
            to.into(),
            now_us.into(),
        ],
    )?;
    if moved == 1 || begin(tx, projection, topic, partition, to, now_us)? {
        return Ok(());
    }
    let what = format!("{projection} on {topic}/{partition}");
    Err(StoreError::Fenced { what })
}

/// Notes a projection's first offset; whether it had none.
fn begin(
    tx: &mut Tx,
    projection: &str,
    topic: Topic,
    partition: u32,
    to: i64,
    now_us: i64,
) -> Result<bool, StoreError> {
    let inserted = tx.execute(
        "INSERT INTO projection_offset (projection, topic, partition, next_offset, updated_us)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        &[projection.into(), topic.name().into(), partition.into(), to.into(), now_us.into()],
    )?;
    Ok(inserted == 1)
}

/// Every projection's place in this domain.
pub fn list(tx: &mut Tx) -> Result<Vec<Committed>, StoreError> {
    tx.query(
        "SELECT projection, topic, partition, next_offset, updated_us FROM projection_offset
         ORDER BY projection, topic, partition",
        &[],
        |row| {
            Ok(Committed {
                projection: row.get(0)?,
                topic: row.get(1)?,
                partition: row.get(2)?,
                next_offset: row.get(3)?,
                updated_us: row.get(4)?,
            })
        },
    )
}
