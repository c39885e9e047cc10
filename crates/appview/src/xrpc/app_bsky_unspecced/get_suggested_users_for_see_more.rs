//! `app.bsky.unspecced.getSuggestedUsersForSeeMore`: the same, more of them.

use super::suggested_users::SuggestedUsers;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedUsersForSeeMore(SuggestedUsers);

impl Query for GetSuggestedUsersForSeeMore {
    const NSID: &'static str = "app.bsky.unspecced.getSuggestedUsersForSeeMore";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        SuggestedUsers::parse(params).map(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        self.0.answer(call).await
    }
}
