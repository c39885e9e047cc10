//! Every table of the domain is classified, with all of its columns where they are copied.

use std::collections::BTreeSet;

use millrace_dataplane::rebuild::tables::{BASE, BOOKKEEPING, DERIVED};
use millrace_dataplane::schema;
use millrace_runtime::metrics::Registry;
use millrace_store::testing::{Engine, Place};
use millrace_store::{Domain, Store, StoreError};

use super::columns;
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    every_table_is_base_or_derived,
    copied_tables_are_copied_whole,
    older_tables_get_the_heads_of_their_feeds,
    older_edges_keep_their_times,
);

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

/// Feeds that were written before there were heads.
async fn older_tables_get_the_heads_of_their_feeds(harness: Harness) {
    let place = Place::new(harness.engine).await.expect("the engine was here before");
    let (config, registry, domain) = (place.config(), Registry::new(), Domain::Dataplane);
    let older = &schema::DATAPLANE[..4];
    let store = Store::open(&config, domain, older, &[], &harness.clock, &registry).await.unwrap();
    let written: Result<u64, StoreError> = store
        .write(|tx| {
            tx.execute(
                "INSERT INTO feed_item (actor_id, sort_at_us, collection, rkey, post_actor, post_rkey, flags)
                 VALUES (1, 30, 1, 7, 1, 7, 0), (1, -5, 1, 8, 1, 8, 0), (2, 9, 5, 1, 1, 7, 0)",
                &[],
            )
        })
        .await;
    assert_eq!(written.unwrap(), 3);
    store.close().await;
    let registry = Registry::new();
    let newer = schema::DATAPLANE;
    let store = Store::open(&config, domain, newer, &[], &harness.clock, &registry).await.unwrap();
    let heads: Result<Vec<(i64, i64)>, StoreError> = store
        .read(|tx| {
            let sql = "SELECT actor_id, sort_at_us FROM feed_head ORDER BY actor_id";
            tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .await;
    assert_eq!(heads.unwrap(), [(1, 30), (2, 9)]);
}

/// Edges that were written with their times whole; one's record key is no TID.
async fn older_edges_keep_their_times(harness: Harness) {
    let place = Place::new(harness.engine).await.expect("the engine was here before");
    let (config, domain, clock) = (place.config(), Domain::Dataplane, &harness.clock);
    let (older, registry) = (&schema::DATAPLANE[..3], Registry::new());
    let store = Store::open(&config, domain, older, &[], clock, &registry).await.unwrap();
    let written: Result<(), StoreError> = store
        .write(|tx| {
            tx.execute(
                "INSERT INTO follow (actor_id, rkey, subject_actor, cid_prefix, created_at_us, indexed_at_us)
                 VALUES (1, 1795297746208000000, 2, 3, 1753220455281250, 8), (1, -7, 4, 3, -62167219200000000, 9)",
                &[],
            )?;
            tx.execute(
                "INSERT INTO follow_by_subject (subject_actor, actor_id, rkey, sort_at_us)
                 VALUES (2, 1, 1795297746208000000, 1753220455281250), (4, 1, -7, -62167219200000000)",
                &[],
            )?;
            Ok(())
        })
        .await;
    written.unwrap();
    store.close().await;
    let (newer, registry) = (schema::DATAPLANE, Registry::new());
    let store = Store::open(&config, domain, newer, &[], clock, &registry).await.unwrap();
    let times: Result<Vec<(i64, i64)>, StoreError> = store
        .read(|tx| {
            let sql = "SELECT f.created_at_us, s.sort_at_us FROM follow AS f
                JOIN follow_by_subject AS s ON s.actor_id = f.actor_id AND s.rkey = f.rkey ORDER BY f.rkey";
            tx.query(sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .await;
    let expected =
        [-62_167_219_200_000_000, 1_753_220_455_281_250].map(|time_us| (time_us, time_us));
    assert_eq!(times.unwrap(), expected);
}
