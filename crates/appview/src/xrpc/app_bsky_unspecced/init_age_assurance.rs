//! `app.bsky.unspecced.initAgeAssurance`: somebody wants to have their age verified, as it was asked before
//! `app.bsky.ageassurance.begin`.

use serde::Deserialize;

use crate::error::XrpcError;
use crate::xrpc::app_bsky_ageassurance::NO_AGE_ASSURANCE;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct InitAgeAssurance {
    #[serde(rename = "email")]
    _email: String,
    #[serde(rename = "language")]
    _language: String,
    #[serde(rename = "countryCode")]
    _country_code: String,
}

impl Procedure for InitAgeAssurance {
    const NSID: &'static str = "app.bsky.unspecced.initAgeAssurance";
    type Answer = ();

    async fn run(self, _: &Call<'_>) -> Result<(), XrpcError> {
        Err(NO_AGE_ASSURANCE)
    }
}
