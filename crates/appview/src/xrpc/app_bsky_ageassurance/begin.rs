//! `app.bsky.ageassurance.begin`: somebody wants to have their age verified.

use serde::Deserialize;

use super::NO_AGE_ASSURANCE;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct Begin {
    #[serde(rename = "email")]
    _email: String,
    #[serde(rename = "language")]
    _language: String,
    #[serde(rename = "countryCode")]
    _country_code: String,
    #[serde(rename = "regionCode", default)]
    _region_code: Option<String>,
}

impl Procedure for Begin {
    const NSID: &'static str = "app.bsky.ageassurance.begin";
    type Answer = ();

    async fn run(self, _: &Call<'_>) -> Result<(), XrpcError> {
        Err(NO_AGE_ASSURANCE)
    }
}
