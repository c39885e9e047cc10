//! `app.bsky.unspecced.getConfig`: what a client may ask for here.

use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetConfig;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// Whether a client asks its people to confirm their addresses; whether they did, their PDS knows.
    check_email_confirmed: bool,
    /// There are trends; the lexicon does not know the field, some clients do.
    topics_enabled: bool,
}

impl Query for GetConfig {
    const NSID: &'static str = "app.bsky.unspecced.getConfig";

    fn parse(_: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self)
    }

    async fn answer(self, _: &Call<'_>) -> Result<Json, XrpcError> {
        Json::of(&Answer { check_email_confirmed: false, topics_enabled: true })
    }
}
