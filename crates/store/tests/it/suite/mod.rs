//! One function per promise, one file per area. Nothing here knows which engine it runs on.

pub mod batches;
pub mod dictionary;
pub mod full_text;
pub mod leases;
pub mod offsets;
pub mod outbox;
pub mod parked;
pub mod retries;
pub mod schema;
pub mod statements;
pub mod transactions;
pub mod worker;
