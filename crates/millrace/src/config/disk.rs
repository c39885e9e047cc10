//! How much of the disk may be used, and when reading stops for want of room.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::failure::ProgramError;

/// How much of the disk may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DiskConfig {
    /// Bytes that the data folder, and the database where tables are in PostgreSQL, may take. Unset:
    /// only `free_bytes_min` counts.
    pub budget_bytes: Option<u64>,
    /// At this part of the budget, in percent, a warning is given.
    pub warn_percent: u32,
    /// At this part of the budget, in percent, ingest stops reading.
    pub stop_percent: u32,
    /// Below this part of the budget, in percent, it reads again.
    pub resume_percent: u32,
    /// Bytes that must stay free on the data folder's disk: with less ingest stops reading, and what is
    /// left is for those who read and write here. Reading goes on with a quarter more; a warning is given
    /// below twice as many. 0: what is free does not count.
    pub free_bytes_min: u64,
    /// How often the disk is looked at, in milliseconds.
    pub check_ms: u64,
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self {
            budget_bytes: None,
            warn_percent: 80,
            stop_percent: 95,
            resume_percent: 90,
            free_bytes_min: 512 << 20,
            check_ms: 5_000,
        }
    }
}

impl DiskConfig {
    /// Refuses marks that are not in order.
    pub(super) fn check(&self) -> Result<(), ProgramError> {
        let refuse =
            |key, reason: &str| Err(ProgramError::Setting { key, reason: reason.to_owned() });
        if self.budget_bytes == Some(0) {
            return refuse("disk.budget_bytes", "must be at least 1; leave it out for no budget");
        }
        if self.check_ms == 0 {
            return refuse("disk.check_ms", "must be at least 1");
        }
        let ordered = self.warn_percent < self.stop_percent
            && self.resume_percent < self.stop_percent
            && (1..=100).contains(&self.stop_percent);
        if !ordered {
            return refuse(
                "disk.stop_percent",
                "must be at most 100, and above disk.warn_percent and disk.resume_percent",
            );
        }
        Ok(())
    }
}
