//! `app.bsky.notification.getUnreadCount`: how many notifications the viewer has not seen.

use millrace_dataplane::query::notifications;
use serde::Serialize;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetUnreadCount {
    priority: Option<bool>,
}

#[derive(Serialize)]
struct Answer {
    count: i64,
}

impl Query for GetUnreadCount {
    const NSID: &'static str = "app.bsky.notification.getUnreadCount";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        params.refuse_seen_at()?;
        Ok(Self { priority: params.flag("priority")? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let actor = call.account()?.clone();
        let question = notifications::GetUnreadCount { actor, priority: self.priority };
        let count = call.ask(question).await?.count;
        Json::of(&Answer { count })
    }
}
