//! `app.bsky.notification.listActivitySubscriptions`: whom the viewer is subscribed to, the latest
//! first, but for accounts behind a block.

use millrace_dataplane::query::subscription;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct ListActivitySubscriptions {
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    subscriptions: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for ListActivitySubscriptions {
    const NSID: &'static str = "app.bsky.notification.listActivitySubscriptions";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page =
            fill_page(self.cursor, self.limit, |cursor, limit| page(call, cursor, limit)).await?;
        Json::of(&Answer { subscriptions: page.items, cursor: page.cursor })
    }
}

async fn page(call: &Call<'_>, cursor: Option<String>, limit: u32) -> Result<Page, XrpcError> {
    // skeleton
    let actor = call.account()?.clone();
    let found = call.ask(subscription::ListActivitySubscriptions { actor, limit, cursor }).await?;
    // hydration: what the viewer is subscribed to comes with accounts in detail
    let detailed = found.subjects.clone();
    let hydrated = call.hydrate(Skeleton { detailed, ..Skeleton::default() }).await?;
    // rules
    let shown = found.subjects.iter().filter(|did| !hydrated.blocked(did));
    // presentation
    let views = call.views(&hydrated);
    let items = raw_all(shown.filter_map(|did| views.profile(did)))?;
    Ok(Page { items, cursor: found.cursor, rest: () })
}
