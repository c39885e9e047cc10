//! From judged events to durable ones: entries into the log, then cursors and chain states into the
//! `ingest` tables. In this order, always: what is saved may lag behind the log, and never leads it.
//!
//! ```text
//!   lanes, resync, identity ── Item ──▶ appender ── log.append, fsync ──▶ checkpoint ── one transaction
//! ```

mod appender;
mod checkpoint;
mod item;

pub(crate) use appender::Appender;
pub(crate) use checkpoint::{Checkpoint, CheckpointDeps};
pub(crate) use item::{Change, Item};
