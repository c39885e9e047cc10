//! `app.bsky.unspecced.getOnboardingSuggestedStarterPacks`: the same for somebody who has just come.

use super::suggested_starter_packs::SuggestedStarterPacks;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetOnboardingSuggestedStarterPacks(SuggestedStarterPacks);

impl Query for GetOnboardingSuggestedStarterPacks {
    const NSID: &'static str = "app.bsky.unspecced.getOnboardingSuggestedStarterPacks";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        SuggestedStarterPacks::parse(params).map(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        self.0.answer(call).await
    }
}
