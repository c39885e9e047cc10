//! `app.bsky.contact.dismissMatch`: an account found by a contact is not to be shown again.

use millrace_atproto::Did;
use serde::Deserialize;

use super::NO_CONTACTS;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct DismissMatch {
    #[serde(rename = "subject")]
    _subject: Did,
}

impl Procedure for DismissMatch {
    const NSID: &'static str = "app.bsky.contact.dismissMatch";
    type Answer = ();

    async fn run(self, _: &Call<'_>) -> Result<(), XrpcError> {
        Err(NO_CONTACTS)
    }
}
