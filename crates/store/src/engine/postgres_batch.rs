//! Many rows as one statement: a batch turns rows into one array per column, for UNNEST.
//!
//! A batch takes no row whose KEY columns it already holds: within one statement PostgreSQL would
//! refuse (ON CONFLICT DO UPDATE) or silently apply only one of them (UPDATE … FROM).

use std::borrow::Cow;

use foldhash::{HashSet, HashSetExt};
use postgres::types::ToSql;

use crate::sql::{BatchColumn, ColumnType};
use crate::value::{Param, storable};

/// Rows one statement carries.
const BATCH_ROWS_MAX: usize = 5_000;
/// Bytes of text and blobs one statement carries, before the row that crosses it.
const BATCH_BYTES_MAX: usize = 8 << 20;

pub(super) struct Batch<'s, 'p> {
    shape: &'s [BatchColumn],
    columns: Vec<Values<'p>>,
    keys: HashSet<Vec<u8>>,
    rows: usize,
    bytes: usize,
}

enum Values<'p> {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<Cow<'p, str>>>),
    Blob(Vec<Option<&'p [u8]>>),
    Real(Vec<Option<f64>>),
}

impl<'s, 'p> Batch<'s, 'p> {
    pub(super) fn new(shape: &'s [BatchColumn]) -> Batch<'s, 'p> {
        let columns = shape
            .iter()
            .map(|column| match column.kind {
                ColumnType::BigInt => Values::Int(Vec::new()),
                ColumnType::Text => Values::Text(Vec::new()),
                ColumnType::Blob => Values::Blob(Vec::new()),
                ColumnType::Double => Values::Real(Vec::new()),
            })
            .collect();
        Batch { shape, columns, keys: HashSet::new(), rows: 0, bytes: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether `row` may join the rows already here.
    pub(super) fn takes(&self, row: &[Param<'p>]) -> bool {
        self.rows < BATCH_ROWS_MAX
            && self.bytes < BATCH_BYTES_MAX
            && self.key(row).is_none_or(|key| !self.keys.contains(&key))
    }

    /// Adds a row. The error says which column does not fit.
    pub(super) fn push(&mut self, row: &[Param<'p>]) -> Result<(), String> {
        if row.len() != self.shape.len() {
            return Err(format!("{} parameters for {} places", row.len(), self.shape.len()));
        }
        if let Some(key) = self.key(row) {
            self.keys.insert(key);
        }
        for (at, (values, param)) in self.columns.iter_mut().zip(row).enumerate() {
            self.bytes += values
                .push(*param)
                .ok_or_else(|| format!("column {} of the batch has another type", at + 1))?;
        }
        self.rows += 1;
        Ok(())
    }

    /// One array for each column.
    pub(super) fn as_sql(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.columns
            .iter()
            .map(|values| match values {
                Values::Int(it) => it as &(dyn ToSql + Sync),
                Values::Text(it) => it,
                Values::Blob(it) => it,
                Values::Real(it) => it,
            })
            .collect()
    }

    /// What identifies the row that is changed; `None` where no column is marked.
    fn key(&self, row: &[Param<'p>]) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        let mut marked = false;
        for (column, param) in self.shape.iter().zip(row).filter(|(column, _)| column.key) {
            marked = true;
            push_key(column.kind, *param, &mut key);
        }
        marked.then_some(key)
    }
}

/// Each value with its length before it, so that no two different keys have the same bytes.
fn push_key(kind: ColumnType, param: Param<'_>, key: &mut Vec<u8>) {
    let mut push = |bytes: &[u8]| {
        key.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        key.extend_from_slice(bytes);
    };
    match (kind, param) {
        (_, Param::Int(value)) => push(&value.to_le_bytes()),
        (_, Param::Bool(value)) => push(&i64::from(value).to_le_bytes()),
        (_, Param::Real(value)) => push(&value.to_le_bytes()),
        (_, Param::Text(text)) => push(storable(text).as_bytes()),
        (_, Param::Blob(bytes)) => push(bytes),
        (_, Param::Null | Param::NullOf(_) | Param::Ids(_) | Param::Texts(_)) => push(&[]),
    }
}

impl<'p> Values<'p> {
    /// Adds a value; its size, or `None` when it is of another type.
    fn push(&mut self, param: Param<'p>) -> Option<usize> {
        match (self, param) {
            (Values::Int(it), Param::Null | Param::NullOf(_)) => it.push(None),
            (Values::Text(it), Param::Null | Param::NullOf(_)) => it.push(None),
            (Values::Blob(it), Param::Null | Param::NullOf(_)) => it.push(None),
            (Values::Real(it), Param::Null | Param::NullOf(_)) => it.push(None),
            (Values::Int(it), Param::Int(value)) => it.push(Some(value)),
            (Values::Int(it), Param::Bool(value)) => it.push(Some(i64::from(value))),
            (Values::Real(it), Param::Real(value)) => it.push(Some(value)),
            (Values::Text(it), Param::Text(text)) => {
                it.push(Some(storable(text)));
                return Some(text.len());
            }
            (Values::Blob(it), Param::Blob(bytes)) => {
                it.push(Some(bytes));
                return Some(bytes.len());
            }
            _ => return None,
        }
        Some(size_of::<i64>())
    }
}
