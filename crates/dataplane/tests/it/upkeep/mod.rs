//! Audit, repair, rebuild: what is damaged by hand is found, mended and equal to what it was; what is
//! made anew is equal to what it was made from; what is whole is never called damaged.

mod damage;
mod labels;
mod live;
mod rebuilt;
mod tables;

use millrace_dataplane::audit::{self, AuditOptions, AuditReport};
use millrace_dataplane::progress::Progress;
use millrace_dataplane::rebuild::tables::{BASE, DERIVED};
use millrace_dataplane::repair::{self, RepairReport};
use millrace_store::testing::Engine;
use millrace_store::{Param, Row, Store, StoreError, Tx};

use crate::harness::Harness;
use crate::kinds;

pub async fn audited(store: &Store) -> AuditReport {
    // Slices of few rows, so that there are borders between them.
    let options = AuditOptions { slice_rows_max: 40, ..AuditOptions::default() };
    audit::run(store, &options, &Progress::default()).await.unwrap()
}

#[track_caller]
pub fn assert_clean(report: &AuditReport, what: &str) {
    assert!(report.drift.is_empty(), "{what}: {:#?}", report.listed);
    assert!(report.rows > 0, "{what}: nothing was looked at");
}

pub async fn repaired(store: &Store) -> RepairReport {
    repair::run(store, &AuditOptions::default(), &Progress::default()).await.unwrap()
}

/// Columns of a table, in their order.
pub fn columns(tx: &mut Tx, engine: Engine, table: &str) -> Result<Vec<String>, StoreError> {
    let table = table.trim_matches('"');
    let sql = match engine {
        Engine::Sqlite => "SELECT name FROM pragma_table_info($1) ORDER BY cid",
        Engine::Postgres => {
            "SELECT CAST(column_name AS text) FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = $1 AND is_generated = 'NEVER'
             ORDER BY ordinal_position"
        }
    };
    tx.query(sql, &[Param::Text(table)], |row| row.get(0))
}

fn value(row: &Row<'_>, column: usize) -> String {
    if let Ok(value) = row.get::<Option<i64>>(column) {
        return value.map_or("-".to_owned(), |value| value.to_string());
    }
    row.get::<String>(column).unwrap_or_else(|_| format!("{:?}", row.get::<Vec<u8>>(column)))
}

/// Every column of every row that is base or derived. A post's document may stand under any of some
/// ids, and what full text holds cannot be read: an audit compares it.
pub async fn everything(harness: &Harness) -> Vec<String> {
    let engine = harness.engine;
    let dump = move |tx: &mut Tx| -> Result<Vec<String>, StoreError> {
        let mut rows = Vec::new();
        let tables = BASE.iter().map(|table| table.name).chain(DERIVED.iter().copied());
        for table in tables.filter(|table| !table.ends_with("_text")) {
            let mut columns = columns(tx, engine, table)?;
            columns.retain(|column| column != "document_id");
            let sql = format!("SELECT {} FROM {table}", columns.join(", "));
            tx.for_each(&sql, &[], |row| {
                let values: Vec<String> = (0..columns.len()).map(|at| value(row, at)).collect();
                rows.push(format!("{table}|{}", values.join("|")));
                Ok(())
            })?;
        }
        rows.retain(|row| !kinds::counts_nothing(row));
        rows.sort();
        Ok(rows)
    };
    harness.store.read(dump).await.unwrap()
}
