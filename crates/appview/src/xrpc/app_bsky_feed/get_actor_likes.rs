//! `app.bsky.feed.getActorLikes`: the posts the viewer likes, the latest like first. Other people's
//! likes are not told.

use millrace_atproto::{AtIdentifier, Did};
use millrace_dataplane::query::actor_likes;

use super::feed_page::{self, FeedSkeleton};
use crate::error::XrpcError;
use crate::page::{Page, fill_page};
use crate::request::params::Params;
use crate::xrpc::{Call, Json, Query};

pub(crate) struct GetActorLikes {
    actor: AtIdentifier,
    limit: u32,
    cursor: Option<String>,
}

impl Query for GetActorLikes {
    const NSID: &'static str = "app.bsky.feed.getActorLikes";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self {
            actor: params.required("actor")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { actor, limit, cursor } = self;
        let actor = call.standing(&actor).await?.map(|standing| standing.did);
        let own = actor.filter(|actor| call.viewer() == Some(actor));
        let actor = own.ok_or_else(|| XrpcError::invalid("Profile not found"))?;
        let page = fill_page(cursor, limit, |cursor, limit| page(call, &actor, cursor, limit));
        feed_page::answer(page.await?)
    }
}

async fn page(
    call: &Call<'_>,
    actor: &Did,
    cursor: Option<String>,
    limit: u32,
) -> Result<Page, XrpcError> {
    // skeleton, hydration
    let question = actor_likes::GetActorLikes { actor: actor.clone(), limit, cursor };
    let (page, hydrated) = call.ask_hydrated(question, feed_page::of_feed()).await?;
    let mut skeleton = FeedSkeleton::of_uris(page);
    // rules
    skeleton.lines.retain(|line| !hydrated.post_blocked(&line.uri));
    // presentation
    feed_page::present(call, skeleton, &hydrated)
}
