//! `app.bsky.contact.getSyncStatus`: when contacts were imported, and how many accounts were found.

use super::NO_CONTACTS;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSyncStatus;

impl Query for GetSyncStatus {
    const NSID: &'static str = "app.bsky.contact.getSyncStatus";

    fn parse(_: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self)
    }

    async fn answer(self, _: &Call<'_>) -> Result<Json, XrpcError> {
        Err(NO_CONTACTS)
    }
}
