//! `app.bsky.notification.getPreferences`: what the viewer wants to be told of.

use millrace_dataplane::query::preferences::GetNotificationPreferences;

use super::preferences::Answer;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetPreferences;

impl Query for GetPreferences {
    const NSID: &'static str = "app.bsky.notification.getPreferences";

    fn parse(_: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let actor = call.account()?.clone();
        let found = call.ask(GetNotificationPreferences { actor }).await?;
        Json::of(&Answer::of(&found))
    }
}
