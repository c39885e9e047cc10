//! `app.bsky.contact.sendNotification`: the contacts service has somebody told that they were found.

use millrace_atproto::Did;
use serde::Deserialize;

use super::NO_CONTACTS;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct SendNotification {
    #[serde(rename = "from")]
    _from: Did,
    #[serde(rename = "to")]
    _to: Did,
}

impl Procedure for SendNotification {
    const NSID: &'static str = "app.bsky.contact.sendNotification";
    type Answer = ();

    async fn run(self, _: &Call<'_>) -> Result<(), XrpcError> {
        Err(NO_CONTACTS)
    }
}
