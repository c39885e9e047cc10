//! `app.bsky.unspecced.getAgeAssuranceState`: what is known of the viewer's age, as it was asked before
//! `app.bsky.ageassurance.getState`.

use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::app_bsky_ageassurance::UNKNOWN;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetAgeAssuranceState;

#[derive(Serialize)]
struct Answer {
    status: &'static str,
}

impl Query for GetAgeAssuranceState {
    const NSID: &'static str = "app.bsky.unspecced.getAgeAssuranceState";

    fn parse(_: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self)
    }

    async fn answer(self, _: &Call<'_>) -> Result<Json, XrpcError> {
        Json::of(&Answer { status: UNKNOWN })
    }
}
