//! `app.bsky.feed.getFeedGenerator`: one feed generator, if its service has an address. Whether it
//! answers there is not asked.

use millrace_atproto::AtUri;
use serde::{Deserialize, Serialize};

use super::feed_server;
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::generator::GeneratorView;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetFeedGenerator {
    feed: AtUri,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    view: GeneratorView<'a>,
    is_online: bool,
    is_valid: bool,
}

/// Which service serves a feed; of `app.bsky.feed.generator`.
#[derive(Deserialize)]
pub(super) struct ServedBy {
    pub(super) did: String,
}

impl Query for GetFeedGenerator {
    const NSID: &'static str = "app.bsky.feed.getFeedGenerator";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { feed: params.required("feed")? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let not_found = || XrpcError::invalid("could not find feed");
        if self.feed.as_record().is_none() {
            return Err(not_found());
        }
        // hydration
        let uri = self.feed.to_string();
        let generators = vec![self.feed];
        let hydrated = call.hydrate(Skeleton { generators, ..Skeleton::default() }).await?;
        let known = hydrated.generator(&uri).ok_or_else(not_found)?;
        let served: ServedBy = serde_json::from_str(known.record.value.get())?;
        // rules
        feed_server::endpoint(call, &served.did).await?;
        // presentation
        let view = call.views(&hydrated).generator(&uri).ok_or_else(not_found)?;
        Json::of(&Answer { view, is_online: true, is_valid: true })
    }
}
