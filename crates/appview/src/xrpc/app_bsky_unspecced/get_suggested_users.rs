//! `app.bsky.unspecced.getSuggestedUsers`: whom the viewer may want to follow.

use super::suggested_users::SuggestedUsers;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedUsers(SuggestedUsers);

impl Query for GetSuggestedUsers {
    const NSID: &'static str = "app.bsky.unspecced.getSuggestedUsers";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        SuggestedUsers::parse(params).map(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        self.0.answer(call).await
    }
}
