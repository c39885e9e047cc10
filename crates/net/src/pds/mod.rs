//! PDS client.

mod answers;
mod error;

pub use answers::{LatestCommit, RepoPage, RepoRef, RepoStatus, ServerDescription};
pub use error::PdsError;

use bytes::Bytes;
use millrace_atproto::{Did, Nsid, RecordKey, Tid};

use crate::http::HttpClient;

/// Asks a PDS or relay. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PdsClient {
    _http: HttpClient,
}

/// A repository's CAR as it arrives.
#[derive(Debug)]
pub struct RepoStream {}

impl RepoStream {
    /// The next bytes; `None` at the end.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, PdsError> {
        unimplemented!()
    }
}

impl PdsClient {
    /// A client over `http`.
    pub fn new(http: HttpClient) -> Self {
        Self { _http: http }
    }

    /// getRepo.
    pub async fn get_repo(
        &self,
        _base: &str,
        _did: &Did,
        _since: Option<Tid>,
    ) -> Result<RepoStream, PdsError> {
        unimplemented!()
    }

    /// getRepoStatus.
    pub async fn get_repo_status(&self, _base: &str, _did: &Did) -> Result<RepoStatus, PdsError> {
        unimplemented!()
    }

    /// getLatestCommit.
    pub async fn get_latest_commit(
        &self,
        _base: &str,
        _did: &Did,
    ) -> Result<LatestCommit, PdsError> {
        unimplemented!()
    }

    /// listRepos.
    pub async fn list_repos(
        &self,
        _base: &str,
        _cursor: Option<&str>,
        _limit: u16,
    ) -> Result<RepoPage, PdsError> {
        unimplemented!()
    }

    /// getRecord: the proof CAR.
    pub async fn get_record(
        &self,
        _base: &str,
        _did: &Did,
        _collection: &Nsid,
        _rkey: &RecordKey,
    ) -> Result<Bytes, PdsError> {
        unimplemented!()
    }

    /// describeServer.
    pub async fn describe_server(&self, _base: &str) -> Result<ServerDescription, PdsError> {
        unimplemented!()
    }
}
