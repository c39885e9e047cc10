//! Ingest from a socket to the log, against a stage that plays relay, PDS and PLC directory on
//! loopback and can be made to fail. One module for each behaviour.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bed;
mod jet;
mod person;
mod stage;

mod accounts;
mod backfills;
mod bounds;
mod crash;
mod happy;
mod hostile;
mod identity;
mod jetstream;
mod labelers;
mod looked;
mod outage;
mod places;
mod rejects;
mod remote;
mod resync;
mod scope;
mod sequence;
mod several;
mod storms;
mod world;
