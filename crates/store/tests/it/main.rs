//! The store's promises, kept by every engine.
//!
//! `suite/` has one function per promise; `promises.rs` lists them, and each engine runs the whole
//! list against a folder or a database of its own. What only one engine can be asked (files that
//! fill up, a server that goes away) stands in `sqlite.rs` and `postgres.rs`.
//!
//! PostgreSQL runs where MILLRACE_TEST_POSTGRES_URL names a server on which databases may be made.

#![expect(clippy::unwrap_used, reason = "tests")]

mod crash;
mod postgres;
mod promises;
mod running;
mod sqlite;
mod suite;
mod toy;
mod world;
