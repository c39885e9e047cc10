//! A backfill as it is asked for and told of.

use std::collections::BTreeMap;

use millrace_atproto::Did;
use millrace_atproto::syntax::AtUri;
use serde::{Deserialize, Serialize};

/// Accounts named at once.
pub const BACKFILL_ACCOUNTS_MAX: usize = 1_000;

/// Which accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackfillKind {
    /// Those that are named.
    Dids,
    /// Those on a list, or in a starter pack.
    List,
    /// Those that the accounts follow that read here, and these themselves.
    Interest,
    /// Every one that the relays and hosts list that are followed.
    Network,
}

impl BackfillKind {
    /// The name in tables and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dids => "dids",
            Self::List => "list",
            Self::Interest => "interest",
            Self::Network => "network",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [Self::Dids, Self::List, Self::Interest, Self::Network];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether its accounts are read from somewhere, and not told.
    pub(crate) const fn is_read(self) -> bool {
        matches!(self, Self::List | Self::Network)
    }

    /// Whether somebody meant these accounts, and not just whoever is there.
    pub(crate) const fn is_named(self) -> bool {
        !matches!(self, Self::Network)
    }
}

/// How a backfill stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackfillState {
    Running,
    /// Nothing more is wished for until it is resumed.
    Paused,
    /// Every account is settled.
    Done,
    Cancelled,
    /// Its accounts cannot be found out.
    Failed,
}

impl BackfillState {
    /// The name in tables and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [Self::Running, Self::Paused, Self::Done, Self::Cancelled, Self::Failed];
        all.into_iter().find(|state| state.name() == name)
    }

    /// Nothing will become of it any more.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
}

/// `beginBackfill`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BeginBackfill {
    pub kind: BackfillKind,
    /// Of kind `list`: the record of a list or a starter pack, by DID.
    #[serde(default)]
    pub list: Option<AtUri>,
    /// Of kind `dids`: the first of them, at most [`BACKFILL_ACCOUNTS_MAX`]. Of kind `interest` they are found out
    /// where none are named.
    #[serde(default)]
    pub dids: Vec<Did>,
    /// More of them will be added; the job has no end before the last are.
    #[serde(default)]
    pub more: bool,
    /// Also accounts of which nothing is missing.
    #[serde(default)]
    pub again: bool,
}

/// `addToBackfill`: more accounts of one that was begun with `more`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddToBackfill {
    pub id: i64,
    /// At most [`BACKFILL_ACCOUNTS_MAX`].
    #[serde(default)]
    pub dids: Vec<Did>,
    #[serde(default)]
    pub more: bool,
}

/// What an operator does with a backfill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackfillChange {
    Pause,
    Resume,
    Cancel,
}

/// `changeBackfill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeBackfill {
    pub id: i64,
    pub change: BackfillChange,
}

/// One backfill.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backfill {
    pub id: i64,
    pub kind: BackfillKind,
    /// The list; empty for other kinds.
    pub asked: String,
    /// Also accounts of which nothing was missing.
    pub again: bool,
    pub state: BackfillState,
    /// Who belongs to it is not known to the end yet.
    pub listing: bool,
    /// Accounts so far; of these:
    pub found: u64,
    /// nothing was missing, or they are not followed or gone;
    pub passed: u64,
    /// fetched whole;
    pub fetched: u64,
    /// not fetched, by reason: they were tried several times, or are not there. What failed for a time
    /// is still tried again.
    pub failed: BTreeMap<String, u64>,
    /// Of those fetched; what was counted when the process was killed is not in it.
    pub records: u64,
    pub bytes: u64,
    /// Why it failed, or why a list cannot be read now.
    pub error: Option<String>,
    pub begun_us: i64,
    pub changed_us: i64,
    pub ended_us: Option<i64>,
    /// Over the last minute; absent where nothing is known.
    pub accounts_per_second: Option<f64>,
    pub records_per_second: Option<f64>,
    /// How much longer at that rate; absent while its accounts are not all known.
    pub left_us: Option<i64>,
}

impl Backfill {
    /// Accounts that could not be fetched.
    pub fn failed_total(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Accounts that nothing has become of yet.
    pub fn waiting(&self) -> u64 {
        self.found.saturating_sub(self.passed + self.fetched + self.failed_total())
    }
}

/// `listBackfills`: the latest, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BackfillList {
    pub backfills: Vec<Backfill>,
}
