//! `app.bsky.unspecced.getSuggestedStarterPacks`: the starter packs by which most came.

use super::suggested_starter_packs::SuggestedStarterPacks;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedStarterPacks(SuggestedStarterPacks);

impl Query for GetSuggestedStarterPacks {
    const NSID: &'static str = "app.bsky.unspecced.getSuggestedStarterPacks";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        SuggestedStarterPacks::parse(params).map(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        self.0.answer(call).await
    }
}
