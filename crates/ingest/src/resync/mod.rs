//! Fetching repositories whole: those of desynchronized accounts, and those that somebody wants.
//!
//! ```text
//!   account rows due ── schedule.rs ──▶ lane: barrier up, live events of the DID wait
//!                          │
//!                          ▼
//!        fetch.rs: getRepo, every block hashed, signature and tree checked
//!                          │
//!                          ▼
//!        snapshot.rs: chunks ≤ 1 MB, through the lane into the log
//!                          │
//!                          ▼
//!                       lane: barrier down, waiting events with rev > the repository's are judged
//! ```
//!
//! The `account` table is the queue: a row with `next_try_us` is due then, whatever became of the
//! process. A crash in the middle fetches again; the log then has the chunks twice, which is legal.

mod backfill;
mod fetch;
mod hosts;
mod schedule;
mod snapshot;

pub(crate) use backfill::ListRepos;
pub(crate) use fetch::{FetchError, look};
pub(crate) use schedule::{FetchBounds, Resync, ResyncDeps};
