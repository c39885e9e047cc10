//! What ingest knows of a source and of an account, as its tables, its client and `/internal` tell it.

use millrace_atproto::{Cid, Did, Tid};
use serde::{Deserialize, Serialize};

/// How much of an account's repository is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// The whole repository, and every commit since.
    Complete,
    /// Every commit since the first one seen; what was there before has not been fetched.
    Partial,
    /// Something is missing; the repository has to be fetched.
    Desynchronized,
    /// The repository is being fetched; live events wait behind it.
    InProgress,
    /// The account is deleted.
    Gone,
}

impl SyncState {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::Complete, Self::Partial, Self::Desynchronized, Self::InProgress, Self::Gone];

    /// The name in tables, metrics and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Desynchronized => "desynchronized",
            Self::InProgress => "in_progress",
            Self::Gone => "gone",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One account, as the `account` table has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountState {
    pub did: Did,
    pub sync_state: SyncState,
    /// The revision up to which its commits are in the log.
    pub rev: Option<Tid>,
    /// The root of its record tree at that revision.
    pub data: Option<Cid>,
    /// The PDS of its DID document when last looked up, as an origin.
    pub pds: Option<String>,
    /// Whether its content may be shown.
    pub active: bool,
    /// The hosting status that was announced, verbatim.
    pub status: Option<String>,
    /// When that status was true, by the clock of who said so.
    pub status_us: Option<i64>,
    /// When this row was last changed.
    pub updated_us: i64,
    /// Failed attempts to fetch the repository since the last that succeeded.
    pub attempts: u32,
    /// When the repository is to be fetched; absent = no fetch is wanted.
    pub next_try_us: Option<i64>,
    /// Why the last attempt failed, or why the account is desynchronized.
    pub error: Option<String>,
    /// It is not followed at present; no part of the row.
    #[serde(default)]
    pub out_of_scope: bool,
    /// Whether what is counted of it is exact; no part of the row.
    #[serde(default)]
    pub counts_exact: CountsExact,
}

/// Whether numbers told of an account are exact. Where they are not, at least so many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountsExact {
    /// Of what it made itself: posts, follows, lists.
    pub own: bool,
    /// Of what others made of it: followers, likes, replies. Exact only if everybody is here whole.
    pub by_others: bool,
}

impl AccountState {
    /// An account never seen before.
    pub fn unknown(did: Did, now_us: i64) -> Self {
        Self {
            did,
            sync_state: SyncState::Partial,
            rev: None,
            data: None,
            pds: None,
            active: true,
            status: None,
            status_us: None,
            updated_us: now_us,
            attempts: 0,
            next_try_us: None,
            error: None,
            out_of_scope: false,
            counts_exact: CountsExact::default(),
        }
    }
}

/// A part of a source's stream whose events may be missing here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// How it was noticed: `cursor_too_old`, `clamped`, `jump` or `fallback`.
    pub reason: String,
    /// The last position before it, if one is known.
    pub from: Option<i64>,
    /// The first position after it, if one is known.
    pub to: Option<i64>,
    pub noticed_us: i64,
}

/// One source, as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    pub name: String,
    /// `relay`, `pds`, `jetstream_v1` or `jetstream_v2`.
    pub kind: String,
    /// The host that is followed now.
    pub url: String,
    pub connected: bool,
    /// The source has stopped and waits for an operator; `last_error` says why.
    pub stopped: bool,
    /// The last sequence number read.
    pub received_seq: Option<i64>,
    /// The highest sequence number that has been judged.
    pub verified_seq: Option<i64>,
    /// The highest sequence number whose entries are durable in the log.
    pub appended_seq: Option<i64>,
    /// The saved cursor: nothing at or below it is missing from the log.
    pub cursor: Option<i64>,
    /// The time the source put on the last event read.
    pub received_time_us: Option<i64>,
    /// How far that event was behind our clock when it was read, in microseconds.
    pub lag_us: Option<i64>,
    /// Events read but not yet covered by the cursor.
    pub outstanding: u64,
    /// The last error, with its code; kept until an event arrives after it.
    pub last_error: Option<String>,
    /// When a part of the stream was last found to be missing.
    pub gap_us: Option<i64>,
    /// That part.
    #[serde(default)]
    pub gap: Option<Gap>,
    /// Parts found to be missing since this process started.
    #[serde(default)]
    pub gaps: u64,
    /// Events of accounts that are not followed, since this process started.
    #[serde(default)]
    pub out_of_scope: u64,
    /// Why nothing is read at present, if that was decided here.
    #[serde(default)]
    pub paused: Option<String>,
    /// Rejected events by reason since this process started.
    pub rejected: std::collections::BTreeMap<String, u64>,
}
