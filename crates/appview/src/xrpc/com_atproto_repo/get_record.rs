//! `com.atproto.repo.getRecord`: one record as its repository holds it, for the collections that
//! are indexed here.

use millrace_atproto::syntax::CidString;
use millrace_atproto::{AtIdentifier, AtUri, Nsid, RecordKey};
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::record::{self, StoredRecord};

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetRecord {
    repo: AtIdentifier,
    collection: Nsid,
    rkey: RecordKey,
    /// Only this version of the record will do.
    cid: Option<CidString>,
}

impl Query for GetRecord {
    const NSID: &'static str = "com.atproto.repo.getRecord";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            repo: params.required("repo")?,
            collection: params.required("collection")?,
            rkey: params.required("rkey")?,
            cid: params.optional("cid")?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let did = call.shown_account(&self.repo).await?;
        let did =
            did.ok_or_else(|| XrpcError::invalid(format!("Could not find repo: {}", self.repo)))?;
        let uri = AtUri::record(did, self.collection, self.rkey);
        let not_found =
            || XrpcError::named("RecordNotFound", format!("Could not locate record: {uri}"));
        let found = match call.api().dataplane.ask(record::GetRecord { uri: uri.clone() }).await {
            Err(DataplaneError::NotFound(_)) => return Err(not_found()),
            found => found?,
        };
        let is_wanted =
            |found: &StoredRecord| self.cid.is_none_or(|cid| cid.as_str() == found.cid.to_string());
        if is_wanted(&found) { Json::of(&found) } else { Err(not_found()) }
    }
}
