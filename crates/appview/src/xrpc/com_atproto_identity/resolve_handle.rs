//! `com.atproto.identity.resolveHandle`: the DID a handle names. Accounts that are known here are
//! answered from what is indexed, others by asking the network.

use millrace_atproto::{AtIdentifier, Did, Handle};
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct ResolveHandle {
    handle: Handle,
}

#[derive(Serialize)]
struct Answer {
    did: Did,
}

impl Query for ResolveHandle {
    const NSID: &'static str = "com.atproto.identity.resolveHandle";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { handle: params.required("handle")? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let known = call.standing(&AtIdentifier::Handle(self.handle.clone())).await?;
        let did = match known {
            Some(standing) => standing.did,
            None => call.api().resolver.handle_to_did(&self.handle).await.map_err(|error| {
                tracing::debug!(handle = %self.handle, %error, "a handle does not resolve");
                XrpcError::invalid("Unable to resolve handle")
            })?,
        };
        Json::of(&Answer { did })
    }
}
