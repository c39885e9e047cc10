//! `app.bsky.notification.getUnreadCount`: how many notifications the viewer has not seen.

use millrace_dataplane::query::notifications;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetUnreadCount;

#[derive(Serialize)]
struct Answer {
    count: i64,
}

impl Query for GetUnreadCount {
    const NSID: &'static str = "app.bsky.notification.getUnreadCount";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        params.refuse_seen_at()?;
        // All notifications are counted: nobody can ask for those of followed accounts alone yet.
        params.flag("priority")?;
        Ok(Self)
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let actor = call.account()?.clone();
        let count = call.ask(notifications::GetUnreadCount { actor }).await?.count;
        Json::of(&Answer { count })
    }
}
