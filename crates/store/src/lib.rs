//! Tables: every transaction of Millrace, on SQLite or PostgreSQL, from one text of SQL.
//!
//! ```text
//!   store.read(|tx| …).await                      store.write(|tx| …).await
//!        │ one hop                                     │ one hop
//!        ▼                                             ▼
//!   ┌──────────────┐ queue_jobs, else refused    ┌──────────────┐
//!   │ reader queue │──▶ readers: threads         │ writer queue │──▶ one writer (SQLite)
//!   └──────────────┘    one snapshot each        └──────────────┘    several (PostgreSQL)
//!                           │                                            │
//!             Tx: query, execute, execute_many, query_many, savepoint    │
//!                           │  $1 {blob} {id_list:$1} {values:…}         │
//!                           ▼  rendered once, kept prepared              ▼
//!         ┌──────────────────────── one domain ───────────────────────────────┐
//!         │ SQLite      <dir>/<domain>.db, WAL       other domains attached,  │
//!         │ PostgreSQL  schema <domain>              read as <domain>.<table> │
//!         ├───────────────────────────────────────────────────────────────────┤
//!         │ the domain's tables │ projection_offset │ parked │ outbox │ lease │
//!         └───────────────────────────────────────────────────────────────────┘
//!              ▲ worker: entries of the log become rows       │ relay: facts go to the log
//! ```
//!
//! A **domain** is a set of tables that is opened, migrated and backed up together, and the most
//! one write transaction can touch. A question is one synchronous closure over a [`Tx`]: it runs
//! whole on a database thread, so projections and queries are plain functions without `async`, and
//! the same function serves both engines. What differs between engines is in `engine/` and the
//! tokens of `sql.rs`, nowhere else.
//!
//! # Promises
//!
//! Each is kept by functions of the suite in `tests/it/suite/`, which every engine runs whole.
//!
//! 1. *One snapshot.* Everything a read asks, attached domains included on PostgreSQL, it sees as
//!    of one moment; on SQLite an attached domain's moment is that of its first use.
//! 2. *All or nothing.* A write commits when its closure returns `Ok`. An error, a panic, or a
//!    failed statement that the closure swallowed undoes all of it.
//! 3. *Begun is finished.* Dropping the future cancels a question that waits, never half a write.
//! 4. *The same answers.* Both engines agree on every value, on order of text (by bytes), on
//!    `LIKE` (case counts), on foreign keys (enforced), on a batch's repeated keys (one after the
//!    other) and on NUL in text (stripped).
//! 5. *Once.* An entry's rows, the projection's offset, parked entries and outbox rows are one
//!    commit; the offset moves by compare-and-set. Delivery may repeat, the effect does not.
//! 6. *Nothing is skipped.* An entry that cannot be applied is in `parked` with its bytes, its key
//!    waits behind it in order, and every other key goes on.
//! 7. *Published if committed.* What a transaction pushed to the [`outbox`] reaches the log at
//!    least once, in order, if and only if the transaction committed.
//! 8. *Ids are for ever.* What the [`dictionary`] gave, it never changes, reuses or removes.
//! 9. *No surprise schema.* Migrations apply once, in order, as they were written; a program never
//!    runs on a schema that it does not know and that is not marked as fit for it.
//!
//! # Durability
//!
//! A commit of [`Durability::Full`] is on disk when it returns. After a loss of power a
//! [`Durability::Normal`] domain may have lost its last commits, whole and together with the
//! offsets they moved; the log still has the entries, so they are applied again. A process that is
//! killed loses nothing in either.
//!
//! # Bounds
//!
//! | what | bound | beyond it |
//! | --- | --- | --- |
//! | questions waiting for a thread | `store.queue_jobs` | [`StoreError::QueueFull`] at once |
//! | time of a read, of a write | `store.read_timeout_ms`, `store.write_timeout_ms` | [`StoreError::Timeout`] |
//! | waiting for a lock, for a server | `store.lock_timeout_ms`, `store.connect_timeout_ms` | [`StoreError::Busy`], [`StoreError::Unavailable`] |
//! | rows of one [`Tx::query`] | [`QUERY_ROWS_MAX`] | [`StoreError::RowCount`] |
//! | statements kept prepared | 512 a connection | others make room |
//! | rows, bytes of one batched statement | 5,000, 8 MiB | the next statement |
//! | write-ahead log before a commit pays for it | `store.wal_autocheckpoint_pages` | the commit folds it in |
//! | entries of one worker transaction | `worker.batch_entries_max`, `batch_bytes_max` | the next |
//! | entries parked for a key, in all | `worker.parked_per_key_max`, `parked_max` | the key is fetched anew; the projection stops |
//! | tokens of a document, of a text query | 4,000, 64 | the rest is not found; nothing matches |
//! | outbox rows, bytes of one append | 1,000, 2 MiB | the next |
//! | ids remembered | `store.dictionary_cache_bytes` | the least used go |
//!
//! # Errors
//!
//! [`StoreError`] names situations an operator recognises, each with a page ([`codes`]).
//! [`StoreError::fault`] says what a worker does about one: try again, park the entry, or stop.
//!
//! # Where to start
//!
//! A question goes `store.rs` (queue) → `engine/link.rs` (one transaction) → `tx.rs` (what it may
//! do) → `engine/sqlite.rs` or `engine/postgres.rs`. The tokens of the SQL stand in `sql.rs`. An
//! entry goes `worker/mod.rs` (the loop) → `worker/apply.rs` (one batch) → your [`worker::Projection`].

// a domain and its tables
mod config;
mod domain;
mod identity;
mod store;
mod tx;
mod value;

pub mod codes;
mod error;
mod metrics;

// the schema
mod base;
pub mod migrate;

// copies, and a look from outside
pub mod backup;
pub mod probe;

// what every domain has
pub mod lease;
pub mod offsets;
pub mod outbox;
pub mod parked;
pub mod worker;

// text
pub mod full_text;

// ids
pub mod dictionary;
mod ids;

// below: the two engines
mod engine;
mod sql;

#[cfg(feature = "testing")]
pub mod testing;

pub use config::{EngineKind, StoreConfig};
pub use dictionary::Dictionary;
pub use domain::{Domain, Durability};
pub use error::{Fault, StoreError};
pub use ids::{ActorId, RkeyId};
pub use migrate::Migration;
pub use store::{Hold, Store, clear_rebuild};
pub use tx::{QUERY_ROWS_MAX, Tx};
pub use value::{Cell, FromColumn, Param, ParamType, Row, TypedParam};
