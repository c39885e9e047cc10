//! How far a source has come: its live status, and the mark up to which nothing is missing.
//!
//! Each event that enters the pipeline holds a [`Ticket`]. When what became of the event is durable
//! (appended, deliberately skipped, or recorded as to be fetched again) its ticket is completed. The
//! cursor is the highest number below which every ticket is complete; it may lag behind the log, and
//! never leads it.

mod source_state;
mod watermark;

pub(crate) use source_state::{SourceState, Ticket};
