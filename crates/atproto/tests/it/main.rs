//! The protocol's interop vectors, and properties that hold for any input.
#![expect(clippy::unwrap_used, reason = "tests")]

mod fixtures;

mod commit_proof;
mod crypto;
mod data_model;
mod mst;
mod properties;
mod syntax;
