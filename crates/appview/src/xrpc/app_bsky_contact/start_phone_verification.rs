//! `app.bsky.contact.startPhoneVerification`: a code is to be sent to a telephone.

use serde::Deserialize;

use super::NO_CONTACTS;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct StartPhoneVerification {
    #[serde(rename = "phone")]
    _phone: String,
}

impl Procedure for StartPhoneVerification {
    const NSID: &'static str = "app.bsky.contact.startPhoneVerification";
    type Answer = ();

    async fn run(self, _: &Call<'_>) -> Result<(), XrpcError> {
        Err(NO_CONTACTS)
    }
}
