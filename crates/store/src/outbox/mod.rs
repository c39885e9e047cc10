//! The outbox: what a transaction has to say to others, written with its rows and moved into the
//! log afterwards. A fact is published if and only if its transaction committed, at least once, in
//! the order of the outbox.
//!
//! ```text
//!   write(tx): rows, offset, push(…)        relay: read oldest → append (durable) → delete
//!   └────────── one commit ─────────┘              └── a crash here appends once more ──┘
//! ```
//!
//! An item may be an **event** (`event.rs`): it says what happened to which thing, and reaches the log with the
//! headers of a CloudEvent. Its columns have the names that Debezium's outbox gives them. What is **passed on**
//! (`passed.rs`) came from the log, and goes back to it with headers of its own.

mod event;
mod failure;
mod passed;
mod relay;

use millrace_log::{PAYLOAD_BYTES_MAX, Topic};

pub use event::{CONTENT_TYPE, Event, event_id, push_events};
pub use failure::{FAILURE_BYTES_MAX, Failure};
pub use passed::{Passed, pass_on};
pub use relay::{Relay, RelayError};

use crate::{StoreError, Tx};

/// Adds one item for `topic`. Items of equal `key` reach the log in the order they were pushed.
pub fn push(tx: &mut Tx, topic: Topic, key: &[u8], payload: &[u8]) -> Result<(), StoreError> {
    push_many(tx, topic, [(key, payload)])
}

/// Adds items for `topic`, in order.
pub fn push_many<'p>(
    tx: &mut Tx,
    topic: Topic,
    items: impl IntoIterator<Item = (&'p [u8], &'p [u8])>,
) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    let mut rows = Vec::new();
    for (key, payload) in items {
        if payload.len() > PAYLOAD_BYTES_MAX {
            let (found, max) = (payload.len(), PAYLOAD_BYTES_MAX);
            return Err(StoreError::TooLarge { what: "an outbox payload", found, max });
        }
        rows.push([topic.name().into(), key.into(), payload.into(), now_us.into()]);
    }
    let pushed = tx.execute_many(
        "INSERT INTO outbox (topic, key, payload, created_us) {values:TEXT,BLOB,BLOB,BIGINT}",
        rows,
    )?;
    if pushed > 0 {
        tx.outbox_pushed();
    }
    Ok(())
}

/// Rows that wait for the relay.
pub fn count(tx: &mut Tx) -> Result<i64, StoreError> {
    tx.query_one("SELECT count(*) FROM outbox", &[], |row| row.get(0))
}
