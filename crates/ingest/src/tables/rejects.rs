//! `rejected`: the latest events that were not accepted, with the beginning of their bytes.

use bytes::Bytes;
use millrace_atproto::Did;
use millrace_store::{StoreError, Tx};

/// An event that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejected {
    pub(crate) source: String,
    pub(crate) seq: Option<i64>,
    pub(crate) did: Option<Did>,
    /// The metric's label.
    pub(crate) reason: &'static str,
    pub(crate) detail: String,
    /// The beginning of the message.
    pub(crate) sample: Bytes,
    /// The whole message's size.
    pub(crate) bytes: usize,
    pub(crate) seen_us: i64,
}

/// Keeps events, and of all that are kept only the latest `rows_max`.
pub(crate) fn save(tx: &mut Tx, rejected: &[Rejected], rows_max: u32) -> Result<(), StoreError> {
    if rejected.is_empty() {
        return Ok(());
    }
    for event in rejected {
        tx.execute(
            "INSERT INTO rejected (source, seq, did, reason, detail, sample, sample_bytes, seen_us) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            &[
                (&event.source).into(),
                event.seq.into(),
                event.did.as_ref().into(),
                event.reason.into(),
                (&event.detail).into(),
                event.sample.as_ref().into(),
                i64::try_from(event.bytes).unwrap_or(i64::MAX).into(),
                event.seen_us.into(),
            ],
        )?;
    }
    tx.execute(
        "DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - $1",
        &[i64::from(rows_max).into()],
    )?;
    Ok(())
}

/// An event as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RejectedEvent {
    pub id: i64,
    pub source: String,
    pub seq: Option<i64>,
    pub did: Option<String>,
    pub reason: String,
    pub detail: String,
    /// The size of the whole message.
    pub bytes: i64,
    pub seen_us: i64,
}

/// Events before the one numbered `before`, the newest first, without their bytes.
pub(crate) fn list(
    tx: &mut Tx,
    reason: Option<&str>,
    before: i64,
    limit: u32,
) -> Result<Vec<RejectedEvent>, StoreError> {
    tx.query(
        "SELECT id, source, seq, did, reason, detail, sample_bytes, seen_us FROM rejected \
         WHERE id < $1 AND ($2 = '' OR reason = $2) ORDER BY id DESC LIMIT $3",
        &[before.into(), reason.unwrap_or_default().into(), limit.into()],
        |row| {
            Ok(RejectedEvent {
                id: row.get(0)?,
                source: row.get(1)?,
                seq: row.get(2)?,
                did: row.get(3)?,
                reason: row.get(4)?,
                detail: row.get(5)?,
                bytes: row.get(6)?,
                seen_us: row.get(7)?,
            })
        },
    )
}
