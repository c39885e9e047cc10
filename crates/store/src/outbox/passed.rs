//! Items of the log that go on to another topic, with the headers they have: nothing is added when they are relayed.

use millrace_log::{HEADERS_BYTES_MAX, Headers, PAYLOAD_BYTES_MAX, Topic};

use crate::{Param, StoreError, Tx};

/// An item on its way to another topic.
#[derive(Debug, Clone, Copy)]
pub struct Passed<'a> {
    pub topic: Topic,
    /// Items of equal key reach the log in the order they were pushed.
    pub key: &'a [u8],
    pub payload: &'a [u8],
    /// All of them.
    pub headers: &'a Headers,
}

/// Adds items, in order.
pub fn pass_on<'p>(
    tx: &mut Tx,
    items: impl IntoIterator<Item = Passed<'p>>,
) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    let mut rows = Vec::new();
    for item in items {
        if item.payload.len() > PAYLOAD_BYTES_MAX {
            let (found, max) = (item.payload.len(), PAYLOAD_BYTES_MAX);
            return Err(StoreError::TooLarge { what: "an outbox payload", found, max });
        }
        if item.headers.bytes() > HEADERS_BYTES_MAX {
            let (found, max) = (item.headers.bytes(), HEADERS_BYTES_MAX);
            return Err(StoreError::TooLarge { what: "the headers of an item", found, max });
        }
        rows.push((item, item.headers.encode()));
    }
    let pushed = tx.execute_many(
        "INSERT INTO outbox (topic, key, payload, created_us, headers)
         {values:TEXT,BLOB,BLOB,BIGINT,BLOB}",
        rows.iter().map(|(item, headers)| {
            [
                Param::Text(item.topic.name()),
                Param::Blob(item.key),
                Param::Blob(item.payload),
                Param::Int(now_us),
                Param::Blob(headers),
            ]
        }),
    )?;
    if pushed > 0 {
        tx.outbox_pushed();
    }
    Ok(())
}
