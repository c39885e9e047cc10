//! `app.bsky.feed.getLikes`: who likes a record, the latest likes first. Likes name a record, not
//! a version of it: `cid` is given back and changes nothing.

use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::CidString;
use millrace_atproto::{AtUri, Did};
use millrace_dataplane::model::Like;
use millrace_dataplane::query::likes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::views::Views;
use crate::views::profile::ProfileView;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetLikes {
    uri: AtUri,
    cid: Option<CidString>,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    uri: AtUri,
    #[serde(skip_serializing_if = "Option::is_none")]
    cid: Option<CidString>,
    likes: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// `app.bsky.feed.getLikes#like`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LikeView<'a> {
    actor: ProfileView<'a>,
    created_at: String,
    indexed_at: String,
}

impl Query for GetLikes {
    const NSID: &'static str = "app.bsky.feed.getLikes";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            uri: params.required("uri")?,
            cid: params.optional("cid")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { uri, cid, limit, cursor } = self;
        let page = match uri.as_record() {
            Some(_) => {
                fill_page(cursor, limit, |cursor, limit| page(call, &uri, cursor, limit)).await?
            }
            // Only records by DID can be liked.
            None => Page { items: Vec::new(), cursor: None, rest: () },
        };
        Json::of(&Answer { uri, cid, likes: page.items, cursor: page.cursor })
    }
}

async fn page(
    call: &Call<'_>,
    uri: &AtUri,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton
    let page = call.ask(likes::GetLikes { uri: uri.clone(), limit, cursor }).await?;
    // hydration
    let actors: Vec<Did> = page.likes.iter().map(|like| like.actor.clone()).collect();
    let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
    // rules and presentation
    let views = call.views(&hydrated);
    let likes = page.likes.iter().filter(|like| !hydrated.blocked(&like.actor));
    let items = raw_all(likes.filter_map(|like| like_view(&views, like)))?;
    Ok(Page { items, cursor: page.cursor, rest: () })
}

fn like_view<'a>(views: &Views<'a>, like: &Like) -> Option<LikeView<'a>> {
    Some(LikeView {
        actor: views.profile(&like.actor)?,
        created_at: format_ms_us(like.created_at_us),
        indexed_at: format_ms_us(like.created_at_us.min(like.indexed_at_us)),
    })
}
