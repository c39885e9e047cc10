//! `app.bsky.ageassurance.getConfig`: the regions in which people must have their age verified.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetConfig;

#[derive(Serialize)]
struct Answer {
    regions: Vec<Box<RawValue>>,
}

impl Query for GetConfig {
    const NSID: &'static str = "app.bsky.ageassurance.getConfig";

    fn parse(_: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self)
    }

    async fn answer(self, _: &Call<'_>) -> Result<Json, XrpcError> {
        Json::of(&Answer { regions: Vec::new() })
    }
}
