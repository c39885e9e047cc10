//! `app.bsky.unspecced.getSuggestedOnboardingUsers`: whom somebody may want to follow who has just come.

use super::suggested_users::SuggestedUsers;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetSuggestedOnboardingUsers(SuggestedUsers);

impl Query for GetSuggestedOnboardingUsers {
    const NSID: &'static str = "app.bsky.unspecced.getSuggestedOnboardingUsers";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        SuggestedUsers::parse(params).map(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        self.0.answer(call).await
    }
}
