//! Every table of the domain is classified, with all of its columns where they are copied.

use std::collections::BTreeSet;

use millrace_dataplane::rebuild::tables::{BASE, BOOKKEEPING, DERIVED};
use millrace_store::StoreError;
use millrace_store::testing::Engine;

use super::columns;
use crate::harness::{Harness, on_every_engine};

on_every_engine!(every_table_is_base_or_derived, copied_tables_are_copied_whole);

async fn every_table_is_base_or_derived(harness: Harness) {
    let engine = harness.engine;
    let found: BTreeSet<String> = harness
        .store
        .read(move |tx| {
            let sql = match engine {
                Engine::Sqlite => "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
                Engine::Postgres => {
                    "SELECT CAST(tablename AS text) FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
                }
            };
            Ok::<_, StoreError>(tx.query(sql, &[], |row| row.get(0))?.into_iter().collect())
        })
        .await
        .unwrap();
    let copied = BASE.iter().chain(BOOKKEEPING).map(|table| table.name.trim_matches('"'));
    let mut known: Vec<&str> = copied.chain(DERIVED.iter().copied()).collect();
    // It says which migrations the tables are made by, and is made with them.
    known.push("schema_migration");
    // What SQLite keeps a full-text table in.
    let is_shadow =
        |name: &str| ["post_text_", "actor_text_"].iter().any(|prefix| name.starts_with(prefix));
    let unknown: Vec<&String> =
        found.iter().filter(|name| !known.contains(&name.as_str()) && !is_shadow(name)).collect();
    assert!(unknown.is_empty(), "neither base nor derived: {unknown:?}");
    let missing: Vec<&&str> = known.iter().filter(|name| !found.contains(**name)).collect();
    assert!(missing.is_empty(), "classified and not there: {missing:?}");
    let distinct: BTreeSet<&str> = known.iter().copied().collect();
    assert_eq!(distinct.len(), known.len(), "in two lists");
}

async fn copied_tables_are_copied_whole(harness: Harness) {
    let engine = harness.engine;
    for table in BASE.iter().chain(BOOKKEEPING) {
        let found: BTreeSet<String> = harness
            .store
            .read(move |tx| columns(tx, engine, table.name))
            .await
            .unwrap()
            .into_iter()
            .collect();
        let declared: BTreeSet<String> =
            table.columns.iter().map(|column| column.0.to_owned()).collect();
        assert_eq!(found, declared, "{}", table.name);
    }
}
