//! The tables of the `ingest` domain, one file each. Plain functions over a transaction; no decision
//! is taken here.

pub(crate) mod accounts;
pub(crate) mod backfill_jobs;
pub(crate) mod backfills;
pub(crate) mod cursors;
pub(crate) mod declared;
pub(crate) mod identities;
pub(crate) mod rejects;
pub mod restored;
pub(crate) mod scope;

use millrace_store::Migration;

/// The schema of the `ingest` domain, for whoever opens its store.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "base",
        sql: include_str!("../../migrations/0001_base.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 2,
        name: "hosts",
        sql: include_str!("../../migrations/0002_hosts.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 3,
        name: "scope",
        sql: include_str!("../../migrations/0003_scope.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 4,
        name: "doubts",
        sql: include_str!("../../migrations/0004_doubts.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 5,
        name: "declared_labelers",
        sql: include_str!("../../migrations/0005_declared_labelers.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 6,
        name: "handles",
        sql: include_str!("../../migrations/0006_handles.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 7,
        name: "backfill_jobs",
        sql: include_str!("../../migrations/0007_backfill_jobs.sql"),
        compatible_back_to: 1,
    },
];
