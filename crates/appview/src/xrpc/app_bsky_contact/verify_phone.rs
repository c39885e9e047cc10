//! `app.bsky.contact.verifyPhone`: the code that a telephone was sent.

use serde::Deserialize;

use super::NO_CONTACTS;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct VerifyPhone {
    #[serde(rename = "phone")]
    _phone: String,
    #[serde(rename = "code")]
    _code: String,
}

impl Procedure for VerifyPhone {
    const NSID: &'static str = "app.bsky.contact.verifyPhone";
    type Answer = ();

    async fn run(self, _: &Call<'_>) -> Result<(), XrpcError> {
        Err(NO_CONTACTS)
    }
}
