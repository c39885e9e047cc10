//! The tables every domain has, so that a projection's offset, parked entries and outbox rows can
//! be written in the transaction that writes its own rows.

use crate::Migration;

/// Comes before any migration; never changes.
pub(crate) const SCHEMA_MIGRATION: &str = "
CREATE TABLE IF NOT EXISTS schema_migration (
  part TEXT NOT NULL,
  number BIGINT NOT NULL,
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  compatible_back_to BIGINT NOT NULL,
  applied_us BIGINT NOT NULL,
  PRIMARY KEY (part, number)
)";

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "offsets, parked entries, outbox, leases",
        sql: include_str!("migrations/base/0001_base.sql"),
        compatible_back_to: 1,
    },
    Migration {
        number: 2,
        name: "events",
        sql: include_str!("migrations/base/0002_events.sql"),
        compatible_back_to: 1,
    },
];
