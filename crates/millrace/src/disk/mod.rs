//! The disk: how much of it is used, how fast that grows, and whether there is room to go on reading.
//!
//! Measuring (`measure`), judging (`marks`) and estimating (`growth`) know nothing of each other; the
//! task in `wiring/budget.rs` puts them together and tells ingest.

pub mod growth;
pub mod marks;
pub mod measure;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

pub use marks::Level;

/// What was last found, for whoever asks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiskReport {
    pub level: Level,
    /// Why it is not `fine`, with the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Bytes in use: of files, without pages that can be used again.
    pub used_bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_bytes: Option<u64>,
    /// Free bytes of the data folder's disk, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// Bytes in use by domain; `log` is the log's file, `postgres` a whole database.
    pub by_domain: BTreeMap<String, u64>,
    /// What the last hour came to; absent until enough of one has passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<growth::Growth>,
    pub measured_us: i64,
}

/// The latest report, shared.
#[derive(Debug, Clone, Default)]
pub struct Disk(Arc<RwLock<DiskReport>>);

impl Disk {
    pub fn report(&self) -> DiskReport {
        self.0.read().clone()
    }

    pub fn set(&self, report: DiskReport) {
        *self.0.write() = report;
    }
}
