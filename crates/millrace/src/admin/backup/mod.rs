//! Backups: what Millrace owns, copied while it runs, and put back.
//!
//! ```text
//! <path>/               one folder, made as <path>.partial and renamed when it is whole
//!   manifest.json       what was copied, of when, by which program; how far tables and log had come
//!   own.db …            one file for each domain, or `own.actor_mute.copy` … for each table
//!   log.db              with --all
//!   SHA256SUMS          of all of them, the manifest too; `sha256sum -c` reads it
//! ```
//!
//! What must stay true: a folder with a name of its own is a whole backup, whenever the process was killed;
//! nothing of a backup is used before all of it was checked; what a restore replaces is kept beside it.
//!
//! Tables refer to the log by offset and to the dictionary by number, so the copies are taken in an order
//! (`make.rs`) that leaves each referring only to what the others hold.

pub mod job;
pub mod make;
pub mod manifest;
pub mod plan;
pub mod restore;
pub mod room;
pub mod swap;
pub mod whole;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use millrace_log::LogConfig;
use millrace_runtime::clock::SharedClock;
use millrace_store::StoreConfig;
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::failure::ProgramError;

/// How much is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// What exists nowhere else, and what is needed to fetch the rest again.
    #[default]
    Owned,
    /// Every table and the log.
    All,
}

/// The tables and the log a backup is of.
#[derive(Clone)]
pub struct Place {
    pub store: StoreConfig,
    pub log: LogConfig,
    pub clock: SharedClock,
}

impl Place {
    /// As configured.
    pub fn new(config: &Config, clock: SharedClock) -> Self {
        Self { store: config.store(), log: config.log(), clock }
    }
}

/// Why a backup could not be made, or cannot be used.
fn failed(path: &Path, reason: impl ToString) -> ProgramError {
    ProgramError::Backup { path: path.to_owned(), reason: reason.to_string() }
}

/// A backup that is not what it says.
fn damaged(path: &Path, reason: impl ToString) -> ProgramError {
    ProgramError::BackupDamaged { path: path.to_owned(), reason: reason.to_string() }
}

/// Makes names in a folder durable.
fn sync_dir(path: &Path) -> std::io::Result<()> {
    std::fs::File::open(path)?.sync_all()
}

/// `path` with something after its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
