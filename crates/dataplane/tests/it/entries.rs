//! Log entries as ingest writes them.

pub use millrace_sim::entries::*;
