//! The outside becomes log entries: sources are followed, events verified, repositories fetched.
//!
//! Reads from: relays' and PDSs' `com.atproto.sync.subscribeRepos`, labelers'
//! `com.atproto.label.subscribeLabels`, PLC and `did:web` documents,
//! `getRepo`, `getRepoStatus`, `listRepos`.
//! Writes to: topic `network.entries.v1` of the log (nobody else does), and its own `ingest` tables.
//!
//! ```text
//!  source ──▶ follow ──▶ lane (by DID, one thread each) ──▶ appender ──▶ log
//!             bytes      │  ▲ key, row, status                  │
//!             in flight  ▼  │ asked for, events held            ▼
//!                       lookup, resync, identity            checkpoint ──▶ rows, then cursors
//! ```
//!
//! What must stay true:
//! 1. An entry is durable in the log before the cursor that covers its event is saved. A cursor is
//!    the highest number such that every event up to it is appended, deliberately skipped, or
//!    recorded as "this repository has to be fetched".
//! 2. Events of one account keep their order, whatever is asked meanwhile; other accounts do not wait.
//! 3. A commit is appended only if it continues what is known of its repository. What does not is
//!    never guessed at: the repository is fetched, and until then nothing of it is appended.
//! 4. Everything that waits is bounded in bytes, and when a bound is met nothing is lost: reading
//!    stops, or the account is marked desynchronized.
//! 5. No event ends the process: it is accepted, skipped for a named reason, or rejected for a named
//!    reason and kept in `rejected`.
//! 6. The account's lane is the one writer of its row. A run ends and begins as a whole (`run.rs`).
//!
//! Where to start: `start.rs` (what a process does), `run.rs` (how the parts hang together), then the
//! way of an event: `follow/read.rs` → `lane/events.rs` → `lane/commit.rs` → `append/appender.rs` →
//! `append/checkpoint.rs`.

// words
pub mod codes;
mod config;
mod error;
mod model;

// an event's way
mod ahead;
mod append;
mod follow;
mod labelers;
mod lane;
mod progress;
mod source;

// what is asked meanwhile
mod backfill;
mod identity;
mod looked;
mod lookup;
mod resync;

// the tables
mod tables;

// what is not read, and when
mod brake;
mod scope;

// the parts together
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod metrics;
mod run;
mod start;

// asked by others
mod client;
mod rpc;
mod status;

pub use ahead::Ahead;
pub use backfill::{
    AddToBackfill, BACKFILL_ACCOUNTS_MAX, BackfillChange, BackfillJob, BackfillKind, BackfillList,
    BackfillState, BeginBackfill, ChangeBackfill, Interesting,
};
pub use client::{
    ChangeScope, Client, ListRejected, ListScope, ListSources, Local, LookedAt, OfAccount, Remote,
    ScopeAccount, ScopePage, ScopeStatus,
};
pub use config::{
    Backfill, BackfillMode, ConnectionConfig, IdentityConfig, IngestConfig, InterestConfig,
    LabelersConfig, OnFutureCursor, ResyncConfig, ScopeKind, SourceConfig, SourceKind, VerifyMode,
};
pub use error::IngestError;
pub use lane::UNVERIFIED;
pub use looked::LOOKED_AT_MAX;
pub use model::{AccountState, CountsExact, Gap, SourceStatus, SyncState};
pub use rpc::routes;
pub use scope::SCOPE_ACCOUNTS_MAX;
pub use source::{Reached, SourceError, reach};
pub use start::{Ingest, IngestDeps};
pub use status::{AccountCounts, Counts, HostList, HostStatus, IngestStatus, LogPartition, Sample};
pub use tables::MIGRATIONS;
pub use tables::rejects::RejectedEvent;
pub use tables::restored;
