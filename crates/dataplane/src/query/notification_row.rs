//! A notification between the tables and who is told.

use millrace_atproto::cbor::{self, Value};
use millrace_atproto::cid::Cid;
use millrace_store::{Row, StoreError, Tx};

use super::cursor::TimeKey;
use super::thread::Key;
use super::{lookup, muted_threads};
use crate::error::DataplaneError;
use crate::model::Notification;
use crate::reason::Reason;

/// What is read of a notification `n`.
pub(super) const COLUMNS: &str = "n.sort_at_us, n.author, n.rkey, n.collection, n.reason,
    n.subject_actor, n.subject_collection, n.subject_rkey, n.cid, n.record";

/// A notification as it is stored, or as it would be.
pub(super) struct NotificationRow {
    pub sort_at_us: i64,
    pub author: i64,
    pub rkey: i64,
    pub collection: i64,
    pub reason: i64,
    pub subject: Option<(i64, i64, i64)>,
    pub cid: Vec<u8>,
    pub record: String,
    pub root: Option<Key>,
    /// Its record is gone and still told of.
    pub gone: bool,
}

impl NotificationRow {
    /// As a cursor has it.
    pub(super) fn position(&self) -> (i64, i64, i64) {
        (self.sort_at_us, self.rkey, self.author * 64 + self.collection)
    }
}

/// Reads what [`COLUMNS`] selects, with the root of the thread and whether the record is gone.
pub(super) fn notification_row(row: &Row<'_>) -> Result<NotificationRow, StoreError> {
    let subject_actor: Option<i64> = row.get(5)?;
    let subject_collection: Option<i64> = row.get(6)?;
    let subject_rkey: Option<i64> = row.get(7)?;
    Ok(NotificationRow {
        sort_at_us: row.get(0)?,
        author: row.get(1)?,
        rkey: row.get(2)?,
        collection: row.get(3)?,
        reason: row.get(4)?,
        subject: subject_actor
            .zip(subject_collection)
            .zip(subject_rkey)
            .map(|((a, c), r)| (a, c, r)),
        cid: row.get(8)?,
        record: row.get(9)?,
        root: muted_threads::root(row, 10)?,
        gone: row.get(12)?,
    })
}

/// Rows as they are told, with the names behind their ids.
pub(super) fn named(
    tx: &mut Tx,
    rows: Vec<NotificationRow>,
) -> Result<Vec<Notification>, DataplaneError> {
    let subjects = || rows.iter().filter_map(|row| row.subject);
    let names = lookup::Names::of(
        tx,
        rows.iter().map(|row| row.author).chain(subjects().map(|s| s.0)),
        rows.iter().map(|row| row.rkey).chain(subjects().flat_map(|s| [s.1, s.2])),
    )?;
    let (deleted_cid, deleted) = deleted_record();
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let cursor = TimeKey::of(row.position()).pack();
        let reason = Reason::from_code(row.reason).ok_or_else(|| {
            DataplaneError::Internal(format!("unknown notification reason {}", row.reason))
        })?;
        let reason_subject =
            row.subject.map(|(actor, collection, rkey)| names.uri(actor, collection, rkey));
        let (cid, record) = match row.gone {
            true => (deleted_cid, deleted.clone()),
            false => (lookup::cid(&row.cid)?, row.record),
        };
        shown.push(Notification {
            uri: names.uri(row.author, row.collection, row.rkey)?,
            cid,
            author: names.did(row.author)?.clone(),
            reason: reason.name().to_owned(),
            reason_subject: reason_subject.transpose()?,
            record: lookup::raw(record)?,
            sort_at_us: row.sort_at_us,
            cursor,
        });
    }
    Ok(shown)
}

/// What stands for a record that was deleted and is still told of.
fn deleted_record() -> (Cid, String) {
    let kind = Value::Text("app.bsky.notification.defs#recordDeleted".into());
    let record = Value::Map(vec![("$type".into(), kind)]);
    (Cid::of_dag_cbor(&cbor::encode(&record)), cbor::to_json(&record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_that_stands_for_deleted_ones_has_the_known_cid() {
        let (cid, json) = deleted_record();
        assert_eq!(json, r#"{"$type":"app.bsky.notification.defs#recordDeleted"}"#);
        assert_eq!(cid.to_string(), "bafyreidad6nyekfa4a67yfb573ptxiv6s7kyxyg2ra6qbbemcruadvtuim");
    }
}
