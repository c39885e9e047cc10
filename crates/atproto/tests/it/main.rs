//! The protocol's interop vectors, and properties that hold for any input.
#![expect(clippy::unwrap_used, reason = "tests")]

mod fixtures;
mod repository;

mod commit_proof;
mod crypto;
mod data_model;
mod mst;
mod parser_properties;
mod properties;
mod record_properties;
mod sync;
mod sync_properties;
mod sync_repo;
mod sync_state;
mod syntax;
