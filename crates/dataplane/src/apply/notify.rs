//! Notification rows: a recipient is told of a record once, and no more once it is gone. What cannot be written is left
//! out: it keeps no record from being applied, and an audit finds it.

use millrace_atproto::cid::Cid;
use millrace_store::{Fault, Param, StoreError, Tx};

use super::Key;
use super::ids::Subject;
use crate::collection::Collection;
use crate::reason::Reason;

/// A notification to be written.
#[derive(Debug, Clone)]
pub(crate) struct Notice<'a> {
    pub recipient: i64,
    pub author: i64,
    pub rkey: i64,
    pub collection: Collection,
    pub reason: Reason,
    pub subject: Option<Subject>,
    pub sort_at_us: i64,
    pub cid: Cid,
    /// The record as JSON text.
    pub record: &'a str,
}

/// Writes `notices`; a recipient that was told of the record already is not told again.
pub(crate) fn send(tx: &mut Tx, notices: &[Notice<'_>]) -> Result<(), StoreError> {
    if notices.is_empty() {
        return Ok(());
    }
    match tx.savepoint(|tx| insert(tx, notices)) {
        Err(error) if error.fault() == Fault::Park => {
            for notice in notices {
                alone(tx, notice)?;
            }
            Ok(())
        }
        sent => sent,
    }
}

/// Writes one of several that could not be written together.
fn alone(tx: &mut Tx, notice: &Notice<'_>) -> Result<(), StoreError> {
    match tx.savepoint(|tx| insert(tx, std::slice::from_ref(notice))) {
        Err(error) if error.fault() == Fault::Park => {
            let (reason, recipient) = (notice.reason.name(), notice.recipient);
            tracing::error!(reason, recipient, %error, "a notification is left out: it cannot be written");
            Ok(())
        }
        sent => sent,
    }
}

fn insert(tx: &mut Tx, notices: &[Notice<'_>]) -> Result<(), StoreError> {
    let cids: Vec<[u8; 36]> = notices.iter().map(|notice| notice.cid.to_bytes()).collect();
    tx.execute_many(
        "INSERT INTO notification (actor_id, sort_at_us, author, rkey, collection, reason,
            subject_actor, subject_collection, subject_rkey, cid, record)
         {values:BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BLOB,TEXT} ON CONFLICT DO NOTHING",
        notices.iter().zip(&cids).map(|(notice, cid)| {
            [
                Param::Int(notice.recipient),
                Param::Int(notice.sort_at_us),
                Param::Int(notice.author),
                Param::Int(notice.rkey),
                Param::Int(notice.collection.code()),
                Param::Int(notice.reason.code()),
                Param::from(notice.subject.map(|subject| subject.actor)),
                Param::from(notice.subject.map(|subject| subject.collection)),
                Param::from(notice.subject.map(|subject| subject.rkey)),
                Param::Blob(cid),
                Param::Text(notice.record),
            ]
        }),
    )?;
    Ok(())
}

/// Removes what was told of these records.
pub(crate) fn withdraw(
    tx: &mut Tx,
    collection: Collection,
    keys: impl Iterator<Item = Key>,
) -> Result<(), StoreError> {
    tx.execute_many(
        "DELETE FROM notification WHERE (author, rkey, collection) IN
         (SELECT k.author, k.rkey, k.collection FROM {rows:author BIGINT, rkey BIGINT, collection BIGINT} AS k)",
        keys.map(|key| [key.0, key.1, collection.code()].map(Param::Int)),
    )?;
    Ok(())
}
