//! What the sync methods answer, parsed at the rim. Accounts that cannot be understood are left
//! out of a list and counted: one bad entry must not stop a backfill.

use millrace_atproto::{Cid, Did, Tid};
use serde::Deserialize;
use serde_json::Value;

use super::PdsError;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct LatestCommit {
    /// The commit block.
    pub cid: Cid,
    /// Its revision.
    pub rev: Tid,
}

/// One account of `com.atproto.sync.listRepos`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RepoRef {
    /// The account.
    pub did: Did,
    /// Its commit.
    pub head: Cid,
    /// Its revision.
    pub rev: Tid,
    /// Whether its content may be shown; a host that does not say so shows it.
    #[serde(default = "active_unless_said")]
    pub active: bool,
    /// Why not.
    #[serde(default)]
    pub status: Option<String>,
}

fn active_unless_said() -> bool {
    true
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

/// Characters of a status word; longer ones are not one.
const STATUS_CHARS_MAX: usize = 64;

#[derive(Deserialize)]
pub(super) struct RepoStatusJson {
    did: Did,
    active: bool,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    rev: Option<String>,
}

impl RepoStatusJson {
    /// The status, which must be about the account asked for. A revision that is none is dropped.
    pub(super) fn parsed(self, did: &Did) -> Result<RepoStatus, PdsError> {
        if self.did != *did {
            return Err(PdsError::Invalid(format!(
                "asked about {did}, answered about another account"
            )));
        }
        Ok(RepoStatus {
            did: self.did,
            active: self.active,
            status: self.status.filter(|status| status.len() <= STATUS_CHARS_MAX),
            rev: self.rev.and_then(|rev| Tid::parse(&rev).ok()),
        })
    }
}

#[derive(Deserialize)]
pub(super) struct RepoPageJson {
    repos: Vec<Value>,
    #[serde(default)]
    cursor: Option<String>,
}

impl RepoPageJson {
    /// The accounts that can be understood. A cursor that leads nowhere new is the end.
    pub(super) fn parsed(self, asked: Option<&str>) -> RepoPage {
        let all = self.repos.len();
        let repos: Vec<RepoRef> =
            self.repos.into_iter().filter_map(|repo| serde_json::from_value(repo).ok()).collect();
        let onward =
            |cursor: &String| !cursor.is_empty() && Some(cursor.as_str()) != asked && all > 0;
        RepoPage { skipped: all - repos.len(), repos, cursor: self.cursor.filter(onward) }
    }
}
