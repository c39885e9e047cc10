//! What the sync methods answer, parsed at the rim. Accounts that cannot be understood are left
//! out of a list and counted: one bad entry must not stop a backfill.

use millrace_atproto::{Cid, Did, Tid};
use serde::Deserialize;

/// `com.atproto.sync.getRepoStatus`: the account as its present host sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoStatus {
    /// The account.
    pub did: Did,
    /// Whether its content may be shown.
    pub active: bool,
    /// Why not: takendown, suspended, deleted, deactivated, desynchronized, throttled, or a word
    /// not known yet.
    pub status: Option<String>,
    /// The repository's revision, where it is active.
    pub rev: Option<Tid>,
}

/// `com.atproto.sync.getLatestCommit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatestCommit {
    /// The commit block.
    pub cid: Cid,
    /// Its revision.
    pub rev: Tid,
}

/// One account of `com.atproto.sync.listRepos`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoRef {
    /// The account.
    pub did: Did,
    /// Its commit.
    pub head: Cid,
    /// Its revision.
    pub rev: Tid,
    /// Whether its content may be shown.
    pub active: bool,
    /// Why not.
    pub status: Option<String>,
}

/// A page of `com.atproto.sync.listRepos`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RepoPage {
    /// The accounts.
    pub repos: Vec<RepoRef>,
    /// Entries left out because they could not be understood.
    pub skipped: usize,
    /// Where the next page begins; `None` at the end.
    pub cursor: Option<String>,
}

/// `com.atproto.server.describeServer`, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerDescription {
    /// The server's DID.
    pub did: Did,
    /// Domains under which it gives out handles.
    #[serde(default)]
    pub available_user_domains: Vec<String>,
    /// Whether an invitation is needed to sign up.
    #[serde(default)]
    pub invite_code_required: bool,
}
