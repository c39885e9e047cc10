//! `app.bsky.contact.removeData`: everything kept of one's contacts is to be forgotten.

use serde::Deserialize;

use super::NO_CONTACTS;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct RemoveData {}

impl Procedure for RemoveData {
    const NSID: &'static str = "app.bsky.contact.removeData";
    type Answer = ();

    async fn run(self, _: &Call<'_>) -> Result<(), XrpcError> {
        Err(NO_CONTACTS)
    }
}
