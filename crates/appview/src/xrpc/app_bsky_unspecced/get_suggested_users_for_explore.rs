//! `app.bsky.unspecced.getSuggestedUsersForExplore`: the same on a page of its own.

use super::suggested_users::SuggestedUsers;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedUsersForExplore(SuggestedUsers);

impl Query for GetSuggestedUsersForExplore {
    const NSID: &'static str = "app.bsky.unspecced.getSuggestedUsersForExplore";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        SuggestedUsers::parse(params).map(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        self.0.answer(call).await
    }
}
