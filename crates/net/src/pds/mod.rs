//! Questions to a PDS or a relay about repositories: `com.atproto.sync.*` and describeServer.
//! Answers are parsed at the rim; error bodies become [`PdsError`], whose variants say what to do.

mod answers;
mod error;

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use millrace_atproto::cid::Cid;
use millrace_atproto::{Did, Nsid, RecordKey, Tid};
use serde::de::DeserializeOwned;
use url::Url;

pub use answers::{LatestCommit, RepoPage, RepoRef, RepoStatus, ServerDescription};
pub use error::PdsError;

use crate::http::{BodyStream, HttpClient, HttpError, Limits};

/// Bytes of a repository.
pub const REPO_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// A repository: an hour in all, half a minute without a byte.
const REPO: Limits =
    Limits::new(REPO_BYTES_MAX, Duration::from_secs(3600)).idle(Duration::from_secs(30));
/// A JSON answer.
const ANSWER: Limits = Limits::new(4 * 1024 * 1024, Duration::from_secs(20));
/// A record with its proof: the largest record and the blocks on the way to it.
const PROOF: Limits = Limits::new(4 * 1024 * 1024, Duration::from_secs(20));

/// Accounts on a page of [`PdsClient::list_repos`].
pub const LIST_REPOS_LIMIT_MAX: u16 = 1000;

/// Asks PDSs and relays. Cheap to clone. `base` is an origin, as documents give it:
/// `https://pds.example.com`.
#[derive(Clone, Debug)]
pub struct PdsClient {
    http: HttpClient,
}

/// A repository's CAR as it arrives.
#[derive(Debug)]
pub struct RepoStream {
    body: BodyStream,
}

impl RepoStream {
    /// The next bytes; `None` at the end of a whole body.
    ///
    /// # Errors
    /// As of any body; one cut short is retryable.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, PdsError> {
        Ok(self.body.next_chunk().await?)
    }

    /// Bytes received so far.
    pub fn received_bytes(&self) -> usize {
        self.body.received_bytes()
    }

    /// The bytes as a stream that ends after its first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, PdsError>> + Send {
        futures_util::stream::try_unfold(self, |mut repo| async move {
            Ok(repo.next_chunk().await?.map(|chunk| (chunk, repo)))
        })
    }
}

impl PdsClient {
    /// A client over `http`.
    pub fn new(http: HttpClient) -> Self {
        Self { http }
    }

    /// The client it asks through.
    pub fn http(&self) -> &HttpClient {
        &self.http
    }

    /// `com.atproto.sync.getRepo`: the whole repository, or what came after `since`. A relay may
    /// redirect to the account's PDS; that is followed.
    ///
    /// # Errors
    /// The host does not give it, or not now.
    pub async fn get_repo(
        &self,
        base: &str,
        did: &Did,
        since: Option<Tid>,
    ) -> Result<RepoStream, PdsError> {
        let mut query = vec![("did", did.to_string())];
        query.extend(since.map(|since| ("since", since.to_string())));
        let body = self
            .http
            .get_stream(url(base, "com.atproto.sync.getRepo", &query)?.as_str(), REPO)
            .await;
        Ok(RepoStream { body: body.map_err(PdsError::of)? })
    }

    /// `com.atproto.sync.getRepoStatus`.
    ///
    /// # Errors
    /// The host does not know the account, or gives no answer.
    pub async fn get_repo_status(&self, base: &str, did: &Did) -> Result<RepoStatus, PdsError> {
        let query = [("did", did.to_string())];
        let status: answers::RepoStatusJson =
            self.json(base, "com.atproto.sync.getRepoStatus", &query).await?;
        status.parsed(did)
    }

    /// `com.atproto.sync.getLatestCommit`.
    ///
    /// # Errors
    /// The host does not give it, or not now.
    pub async fn get_latest_commit(&self, base: &str, did: &Did) -> Result<LatestCommit, PdsError> {
        self.json(base, "com.atproto.sync.getLatestCommit", &[("did", did.to_string())]).await
    }

    /// A page of `com.atproto.sync.listRepos`, of at most `limit` accounts.
    ///
    /// # Errors
    /// The host gives none.
    pub async fn list_repos(
        &self,
        base: &str,
        cursor: Option<&str>,
        limit: u16,
    ) -> Result<RepoPage, PdsError> {
        let limit = limit.clamp(1, LIST_REPOS_LIMIT_MAX);
        let mut query = vec![("limit", limit.to_string())];
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        let page: answers::RepoPageJson =
            self.json(base, "com.atproto.sync.listRepos", &query).await?;
        Ok(page.parsed(cursor))
    }

    /// `com.atproto.sync.getRecord`: a CAR with the record, or the proof that there is none.
    ///
    /// # Errors
    /// The host does not give it, or not now.
    pub async fn get_record(
        &self,
        base: &str,
        did: &Did,
        collection: &Nsid,
        rkey: &RecordKey,
    ) -> Result<Bytes, PdsError> {
        let query = [
            ("did", did.to_string()),
            ("collection", collection.to_string()),
            ("rkey", rkey.to_string()),
        ];
        let url = url(base, "com.atproto.sync.getRecord", &query)?;
        Ok(self.http.get(url.as_str(), PROOF).await.map_err(PdsError::of)?.body)
    }

    /// `com.atproto.sync.getBlob`: the bytes as the server gives them, not yet checked.
    ///
    /// # Errors
    /// The host does not give it, not within `limits`, or not now.
    pub async fn get_blob(
        &self,
        base: &str,
        did: &Did,
        cid: &Cid,
        limits: Limits,
    ) -> Result<Bytes, PdsError> {
        let query = [("did", did.to_string()), ("cid", cid.to_string())];
        let url = url(base, "com.atproto.sync.getBlob", &query)?;
        Ok(self.http.get(url.as_str(), limits).await.map_err(PdsError::of)?.body)
    }

    /// `com.atproto.server.describeServer`.
    ///
    /// # Errors
    /// The host gives no answer.
    pub async fn describe_server(&self, base: &str) -> Result<ServerDescription, PdsError> {
        self.json(base, "com.atproto.server.describeServer", &[]).await
    }

    async fn json<T: DeserializeOwned>(
        &self,
        base: &str,
        method: &str,
        query: &[(&str, String)],
    ) -> Result<T, PdsError> {
        let url = url(base, method, query)?;
        self.http.get_json(url.as_str(), ANSWER).await.map_err(PdsError::of)
    }
}

fn url(base: &str, method: &str, query: &[(&str, String)]) -> Result<Url, PdsError> {
    let wrong = || {
        let url = base.chars().take(120).collect();
        PdsError::Http(HttpError::Url { url, reason: "not a server's URL" })
    };
    let mut url = Url::parse(base).ok().filter(Url::has_host).ok_or_else(wrong)?;
    url.set_path(&format!("/xrpc/{method}"));
    url.set_query(None);
    url.set_fragment(None);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}
