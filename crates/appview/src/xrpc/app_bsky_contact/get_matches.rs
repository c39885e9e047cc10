//! `app.bsky.contact.getMatches`: accounts found by contacts.

use super::NO_CONTACTS;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetMatches;

impl Query for GetMatches {
    const NSID: &'static str = "app.bsky.contact.getMatches";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        params.limit()?;
        params.cursor()?;
        Ok(Self)
    }

    async fn answer(self, _: &Call<'_>) -> Result<Json, XrpcError> {
        Err(NO_CONTACTS)
    }
}
