//! `app.bsky.unspecced.getSuggestedUsersForDiscover`: the same beside a feed.

use super::suggested_users::SuggestedUsers;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedUsersForDiscover(SuggestedUsers);

impl Query for GetSuggestedUsersForDiscover {
    const NSID: &'static str = "app.bsky.unspecced.getSuggestedUsersForDiscover";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        SuggestedUsers::of_all(params).map(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        self.0.answer(call).await
    }
}
