//! `app.bsky.graph.getFollowers`: who follows an account, the latest first.

use millrace_atproto::AtIdentifier;
use millrace_dataplane::query::follows;
use serde::Serialize;
use serde_json::value::RawValue;

use super::follow_page::{self, FollowPage};
use crate::error::XrpcError;
use crate::page::fill_page;
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetFollowers {
    actor: AtIdentifier,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    subject: Box<RawValue>,
    followers: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

impl Query for GetFollowers {
    const NSID: &'static str = "app.bsky.graph.getFollowers";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        // Sorting is a hint; there is one order.
        params.text("sort")?;
        Ok(Self {
            actor: params.required("actor")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page = fill_page(self.cursor.clone(), self.limit, |cursor, limit| {
            self.page(call, cursor, limit)
        })
        .await?;
        Json::of(&Answer { subject: page.rest, followers: page.items, cursor: page.cursor })
    }
}

impl GetFollowers {
    async fn page(
        &self,
        call: &Call<'_>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<FollowPage, XrpcError> {
        let question = follows::GetFollowers { actor: self.actor.clone(), limit, cursor };
        let found = call.find(question).await?;
        follow_page::page(call, &self.actor, found).await
    }
}
