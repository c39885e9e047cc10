//! Backfills: accounts that an operator wants whole, by name, by list, or all that hosts list.
//!
//! ```text
//!   begun (client.rs) ──▶ backfill_job, backfill_list
//!                              │ lists.rs: a page of listRepos, the members of a list
//!                              ▼
//!                         backfill_account ── runner.rs: a bounded number wished for at a time
//!                              ▲                   │
//!                              │ settled           ▼
//!                         row of the account ◀── lane, schedule, fetch: as for any other wish
//! ```
//!
//! Must stay true:
//! 1. A job is its rows: what a crash cuts off goes on from them. An account is settled by what its own
//!    row says, so that it counts as fetched only when it is.
//! 2. Jobs fetch nothing themselves. They wish, a few accounts ahead of what is being fetched, so that
//!    whoever comes later with more need is not behind all of them; and what one job has fetched is
//!    not fetched for another.

mod begin;
mod judge;
mod lists;
mod model;
mod pace;
mod runner;
mod tally;

pub use begin::Interesting;
pub(crate) use begin::{Jobs, Paces};
pub(crate) use lists::hosts;
pub use model::{
    AddToBackfill, BACKFILL_ACCOUNTS_MAX, Backfill as BackfillJob, BackfillChange, BackfillKind,
    BackfillList, BackfillState, BeginBackfill, ChangeBackfill,
};
pub(crate) use runner::{BackfillDeps, Backfills};
pub(crate) use tally::{Outcome, Tally};
