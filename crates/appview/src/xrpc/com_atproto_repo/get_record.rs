//! `com.atproto.repo.getRecord`: one record as its repository holds it, for the collections that
//! are indexed here. What is not kept whole is asked of the account's PDS, and answered only with
//! the repository's proof.

use millrace_atproto::cbor;
use millrace_atproto::cid::Cid;
use millrace_atproto::sync::{Limits, verify_record};
use millrace_atproto::syntax::CidString;
use millrace_atproto::{AtIdentifier, AtUri, Did, Nsid, RecordKey};
use millrace_dataplane::query::record;
use serde::Serialize;
use serde_json::value::RawValue;

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

#[derive(Serialize)]
struct Answer {
    uri: String,
    cid: Cid,
    value: Box<RawValue>,
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
        let uri = AtUri::record(did.clone(), self.collection.clone(), self.rkey.clone());
        let not_found =
            || XrpcError::named("RecordNotFound", format!("Could not locate record: {uri}"));
        let found = call.find(record::GetRecord { uri: uri.clone() }).await?;
        let found = found.filter(|found| !found.taken_down || call.sees_all());
        let found = found.ok_or_else(not_found)?;
        let answer = match found.kept {
            Some(kept) => Answer { uri: found.uri, cid: kept.cid, value: kept.value },
            None => match self.asked_of_pds(call, &did).await? {
                Some((cid, value)) => Answer { uri: found.uri, cid, value },
                None => return Err(not_found()),
            },
        };
        let is_wanted = self.cid.is_none_or(|cid| cid.as_str() == answer.cid.to_string());
        if is_wanted { Json::of(&answer) } else { Err(not_found()) }
    }
}

/// A record as its repository has it, taken down or not; `None` where there is none.
pub(crate) async fn current(
    call: &Call<'_>,
    did: &Did,
    collection: &Nsid,
    rkey: &RecordKey,
) -> Result<Option<Cid>, XrpcError> {
    let uri = AtUri::record(did.clone(), collection.clone(), rkey.clone());
    let Some(found) = call.find(record::GetRecord { uri }).await? else { return Ok(None) };
    if let Some(kept) = found.kept {
        return Ok(Some(kept.cid));
    }
    let repo = AtIdentifier::Did(did.clone());
    let (collection, rkey) = (collection.clone(), rkey.clone());
    let asked = GetRecord { repo, collection, rkey, cid: None };
    Ok(asked.asked_of_pds(call, did).await?.map(|(cid, _)| cid))
}

impl GetRecord {
    /// The record as the account's PDS proves it; `None` when it is proven that there is none.
    async fn asked_of_pds(
        &self,
        call: &Call<'_>,
        did: &Did,
    ) -> Result<Option<(Cid, Box<RawValue>)>, XrpcError> {
        let failed = |why: &dyn std::fmt::Display| {
            tracing::debug!(%did, %why, "a record was not to be had from its PDS");
            XrpcError::bad_gateway("UpstreamFailure", "the account's PDS did not give the record")
        };
        let identity = call.api().resolver.identity(did).await.map_err(|error| failed(&error))?;
        let (Some(pds), Some(key)) = (&identity.pds, &identity.signing_key) else {
            return Err(failed(&"its document names no PDS or no signing key"));
        };
        let car = call.api().pds.get_record(pds, did, &self.collection, &self.rkey).await;
        let car = car.map_err(|error| failed(&error))?;
        let limits = Limits::default();
        let proven = verify_record(&car, did, &self.collection, &self.rkey, key, &limits)
            .map_err(|error| failed(&error))?;
        let Some((cid, bytes)) = proven.record else { return Ok(None) };
        let bytes = bytes.map_err(|error| failed(&error))?;
        let value = cbor::decode(bytes).map_err(|error| failed(&error))?;
        Ok(Some((cid, RawValue::from_string(cbor::to_json(&value))?)))
    }
}
