//! Rows from the old tables to the new ones: read as one snapshot on one thread, written batch by batch
//! on another, with a few batches between them.

use millrace_store::{Param, Row, Store, StoreError, Tx};
use tokio::sync::mpsc;

use super::tables::{BASE, BOOKKEEPING, Kind, SHOWN, Table};
use crate::progress::Progress;

/// Rows of one transaction …
const BATCH_ROWS_MAX: usize = 5_000;
/// … and their bytes, as far as texts go.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Batches that wait to be written.
const BATCHES_MAX: usize = 2;

/// A value of a row.
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
}

impl Value {
    fn param(&self) -> Param<'_> {
        match self {
            Value::Int(value) => Param::from(*value),
            Value::Text(value) => Param::from(value.as_deref()),
            Value::Blob(value) => Param::from(value.as_deref()),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Value::Int(_) => 8,
            Value::Text(text) => text.as_ref().map_or(0, String::len),
            Value::Blob(bytes) => bytes.as_ref().map_or(0, Vec::len),
        }
    }
}

/// Rows of one table.
pub(super) struct Batch {
    table: &'static Table,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl Batch {
    fn new(table: &'static Table) -> Self {
        Self { table, rows: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, row: Vec<Value>) {
        self.bytes += row.iter().map(Value::bytes).sum::<usize>();
        self.rows.push(row);
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX
    }
}

pub(super) fn select(table: &Table) -> String {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.0).collect();
    format!("SELECT {} FROM {} {}", columns.join(", "), table.name, table.among)
}

pub(super) fn read(table: &Table, row: &Row<'_>) -> Result<Vec<Value>, StoreError> {
    let value = |(at, column): (usize, &(&str, Kind))| {
        Ok(match column.1 {
            Kind::Int => Value::Int(row.get(at)?),
            Kind::Text => Value::Text(row.get(at)?),
            Kind::Blob => Value::Blob(row.get(at)?),
        })
    };
    table.columns.iter().enumerate().map(value).collect()
}

/// Writes rows; they are not there yet.
pub(super) fn insert(tx: &mut Tx, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError> {
    let columns: Vec<&str> = table.columns.iter().map(|column| column.0).collect();
    let kinds: Vec<&str> = table
        .columns
        .iter()
        .map(|column| match column.1 {
            Kind::Int => "BIGINT",
            Kind::Text => "TEXT",
            Kind::Blob => "BLOB",
        })
        .collect();
    let sql = format!(
        "INSERT INTO {} ({}) {{values:{}}}",
        table.name,
        columns.join(", "),
        kinds.join(",")
    );
    tx.execute_many(&sql, rows.iter().map(|row| row.iter().map(Value::param).collect::<Vec<_>>()))?;
    Ok(())
}

/// All rows of a small table.
pub(super) fn rows(tx: &mut Tx, table: &Table) -> Result<Vec<Vec<Value>>, StoreError> {
    tx.query(&select(table), &[], |row| read(table, row))
}

/// The last numbers given by tables that number their rows.
pub(super) const NUMBERED: [&str; 2] = ["parked", "outbox"];

/// Copies base rows and bookkeeping from a snapshot of `from`; `each` is called after each batch.
pub(super) async fn all(
    from: &Store,
    to: &Store,
    progress: &Progress,
    each: impl FnMut() -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (sender, batches) = mpsc::channel(BATCHES_MAX);
    let watched = progress.clone();
    let reading = from.read(move |tx| send_all(tx, &sender, &watched));
    let (last, written) = tokio::join!(reading, write_all(to, batches, progress, each));
    written?;
    let last: Vec<(&'static str, i64)> = last?;
    to.write(move |tx| last.iter().try_for_each(|(table, last)| tx.set_last_identity(table, *last)))
        .await
}

/// Where it fails the channel goes with it, which ends the reader.
async fn write_all(
    to: &Store,
    mut batches: mpsc::Receiver<Batch>,
    progress: &Progress,
    mut each: impl FnMut() -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    while let Some(batch) = batches.recv().await {
        let rows = batch.rows.len() as u64;
        to.write(move |tx| insert(tx, batch.table, &batch.rows)).await?;
        progress.add(rows);
        each()?;
    }
    Ok(())
}

fn send_all(
    tx: &mut Tx,
    sender: &mpsc::Sender<Batch>,
    progress: &Progress,
) -> Result<Vec<(&'static str, i64)>, StoreError> {
    let tables = || BOOKKEEPING.iter().chain(BASE).chain([&SHOWN]);
    let mut total = 0;
    for table in tables() {
        let sql = format!("SELECT count(*) FROM {} {}", table.name, table.among);
        total += tx.query_one(&sql, &[], |row| row.get::<i64>(0))?;
    }
    progress.expect(total.unsigned_abs());
    for table in tables() {
        send(tx, table, sender)?;
    }
    NUMBERED.into_iter().map(|table| Ok((table, tx.last_identity(table)?))).collect()
}

fn send(
    tx: &mut Tx,
    table: &'static Table,
    sender: &mpsc::Sender<Batch>,
) -> Result<(), StoreError> {
    let gone = |_| StoreError::Aborted { reason: "nobody writes the copied rows".to_owned() };
    let mut batch = Batch::new(table);
    tx.for_each(&select(table), &[], |row| {
        batch.push(read(table, row)?);
        if batch.is_full() {
            let full = std::mem::replace(&mut batch, Batch::new(table));
            sender.blocking_send(full).map_err(gone)?;
        }
        Ok(())
    })?;
    if batch.rows.is_empty() {
        return Ok(());
    }
    sender.blocking_send(batch).map_err(gone)
}
