//! Records that are shown themselves (lists, services, starter packs, declarations), loaded by key,
//! and how many bytes of records one answer may hold.

use std::collections::BTreeSet;

use foldhash::HashMap;
use millrace_store::{Param, Row, StoreError, Tx};

use super::PostKey;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::Record;
use crate::query::lookup;

/// Bytes of records in one answer beyond which no further ones are loaded: they count as unknown.
/// A page of ordinary posts has a hundredth of it.
const RECORDS_BYTES_MAX: usize = 16 << 20;
/// Records loaded between two looks at the bytes.
const LOADED_TOGETHER: usize = 128;

/// The bytes of records an answer holds so far.
#[derive(Debug, Default)]
pub(super) struct RecordBytes(usize);

impl RecordBytes {
    pub(super) fn take(&mut self, bytes: usize) {
        self.0 = self.0.saturating_add(bytes);
    }

    /// Calls `load` with the next few of `keys` until all are loaded or the bytes are spent.
    pub(super) fn load<K, R>(
        &mut self,
        keys: &[K],
        mut load: impl FnMut(&[K]) -> Result<Vec<R>, StoreError>,
        size: impl Fn(&R) -> usize,
    ) -> Result<Vec<R>, StoreError> {
        let mut rows = Vec::with_capacity(keys.len());
        for keys in keys.chunks(LOADED_TOGETHER) {
            if self.0 > RECORDS_BYTES_MAX {
                break;
            }
            let loaded = load(keys)?;
            self.take(loaded.iter().map(&size).sum());
            rows.extend(loaded);
        }
        Ok(rows)
    }
}

/// A row of `document`.
#[derive(Debug)]
pub(super) struct DocumentRow {
    pub cid: Vec<u8>,
    pub record: String,
    pub sort_at_us: i64,
    pub indexed_at_us: i64,
}

impl DocumentRow {
    pub(super) fn read(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            cid: row.get(first)?,
            record: row.get(first + 1)?,
            sort_at_us: row.get(first + 2)?,
            indexed_at_us: row.get(first + 3)?,
        })
    }

    pub(super) fn into_record(self) -> Result<Record, DataplaneError> {
        Ok(Record {
            cid: lookup::cid(&self.cid)?,
            value: lookup::raw(self.record)?,
            indexed_at_us: self.indexed_at_us,
        })
    }
}

/// The documents of one collection, by key.
pub(super) type Documents = HashMap<PostKey, DocumentRow>;

/// The documents of `collection` at `keys` that are known.
pub(super) fn load(
    tx: &mut Tx,
    collection: Collection,
    keys: &BTreeSet<PostKey>,
    bytes: &mut RecordBytes,
) -> Result<Documents, StoreError> {
    let keys: Vec<PostKey> = keys.iter().copied().collect();
    let some = |keys: &[PostKey]| {
        tx.query_many(
            "SELECT d.actor_id, d.rkey, d.cid, d.record, d.sort_at_us, d.indexed_at_us
             FROM {rows:actor BIGINT, collection BIGINT, rkey BIGINT} AS k CROSS JOIN document AS d
             WHERE d.actor_id = k.actor AND d.collection = k.collection AND d.rkey = k.rkey",
            keys.iter().map(|key| [key.0, collection.code(), key.1].map(Param::Int)),
            |row| Ok(((row.get(0)?, row.get(1)?), DocumentRow::read(row, 2)?)),
        )
    };
    let rows = bytes.load(&keys, some, |row: &(PostKey, DocumentRow)| row.1.record.len())?;
    Ok(rows.into_iter().collect())
}

/// A counter of records.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    pub likes: i64,
    pub items: i64,
}

/// The counters of records of `collection`; those nobody counted yet have no item.
pub(super) fn counts(
    tx: &mut Tx,
    collection: Collection,
    keys: impl IntoIterator<Item = PostKey>,
) -> Result<HashMap<PostKey, Counts>, StoreError> {
    let rows = tx.query_many(
        "SELECT c.actor_id, c.rkey, c.likes, c.items
         FROM {rows:actor BIGINT, rkey BIGINT, collection BIGINT} AS k CROSS JOIN record_count AS c
         WHERE c.actor_id = k.actor AND c.rkey = k.rkey AND c.collection = k.collection",
        keys.into_iter().map(|key| [key.0, key.1, collection.code()].map(Param::Int)),
        |row| {
            let counts = Counts { likes: row.get(2)?, items: row.get(3)? };
            Ok(((row.get(0)?, row.get(1)?), counts))
        },
    )?;
    Ok(rows.into_iter().collect())
}
