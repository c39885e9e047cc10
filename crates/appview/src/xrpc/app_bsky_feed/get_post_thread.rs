//! `app.bsky.feed.getPostThread`: a post with its parents above and its replies below.
//!
//! A parent that cannot be shown stands as `notFoundPost` and ends the chain. An anchor that cannot
//! be shown is the error `NotFound`, with the viewer's revision in its headers: the PDS may know a
//! post its user wrote a moment ago.

use std::collections::HashMap;

use millrace_atproto::{AtIdentifier, AtUri, Did};
use millrace_dataplane::DataplaneError;
use millrace_dataplane::query::hydrate::{HYDRATE_MAX, Hydrate};
use millrace_dataplane::query::thread;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::{Hydrated, author, known_uri};
use crate::request::params::Params;
use crate::views::Views;
use crate::views::thread::{RootAuthorLikes, ThreadBounds, ThreadSkeleton};
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

const DEPTH_DEFAULT: u32 = 6;
const PARENT_HEIGHT_DEFAULT: u32 = 80;
const LEVELS_MAX: u32 = 1_000;

pub(crate) struct GetPostThread {
    uri: AtUri,
    bounds: ThreadBounds,
}

#[derive(Serialize)]
struct Answer {
    thread: Box<RawValue>,
}

impl Query for GetPostThread {
    const NSID: &'static str = "app.bsky.feed.getPostThread";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let bounds = ThreadBounds {
            levels_max: params.integer("depth", 0, LEVELS_MAX, DEPTH_DEFAULT)?,
            parents_max: params.integer("parentHeight", 0, LEVELS_MAX, PARENT_HEIGHT_DEFAULT)?,
        };
        Ok(Self { uri: params.required("uri")?, bounds })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton
        let anchor = resolved(call, self.uri).await?;
        let not_found = || XrpcError::named("NotFound", format!("Post not found: {anchor}"));
        let (skeleton, posts) =
            skeleton(call, &anchor, self.bounds).await?.ok_or_else(not_found)?;
        // hydration
        let hydrated =
            call.hydrate(Skeleton { posts: posts.clone(), ..Skeleton::default() }).await?;
        let likes = root_author_likes(call, &skeleton, posts, &hydrated).await?;
        // presentation
        let bounds = self.bounds;
        let present = move |views: Views<'_>| views.thread(&skeleton, bounds, &likes);
        let thread = call.present_apart(hydrated, present).await??;
        Json::of(&Answer { thread: thread.ok_or_else(not_found)? })
    }
}

/// The URI by DID, where it was given by a handle that is known here.
async fn resolved(call: &Call<'_>, uri: AtUri) -> Result<AtUri, XrpcError> {
    if uri.did().is_some() {
        return Ok(uri);
    }
    let known = call.standing(&uri.authority).await?;
    Ok(match known {
        Some(standing) => AtUri { authority: AtIdentifier::Did(standing.did), ..uri },
        None => uri,
    })
}

/// The posts of the thread, as far as one answer can hold them.
async fn skeleton(
    call: &Call<'_>,
    anchor: &AtUri,
    bounds: ThreadBounds,
) -> Result<Option<(ThreadSkeleton, Vec<AtUri>)>, XrpcError> {
    if anchor.as_record().is_none() {
        return Ok(None);
    }
    let question = thread::GetPostThread {
        uri: anchor.clone(),
        below: bounds.levels_max,
        above: bounds.parents_max,
    };
    let found = match call.api().dataplane.ask(question).await {
        Err(DataplaneError::NotFound(_)) => return Ok(None),
        found => found?,
    };
    let uris = found.ancestors.iter().chain(&found.descendants).take(HYDRATE_MAX);
    let posts = uris.map(|uri| known_uri(uri)).collect::<Result<_, _>>()?;
    Ok(Some((ThreadSkeleton { anchor: anchor.to_string(), replies: found.descendants }, posts)))
}

/// Which posts of the thread its root's author likes.
async fn root_author_likes(
    call: &Call<'_>,
    skeleton: &ThreadSkeleton,
    posts: Vec<AtUri>,
    hydrated: &Hydrated,
) -> Result<RootAuthorLikes, XrpcError> {
    let root = hydrated.post(&skeleton.anchor).map(|anchor| anchor.root());
    let Some(root_author) = root.and_then(author) else { return Ok(HashMap::new()) };
    // A viewer who began the thread has the answer already.
    if call.viewer() == Some(&root_author) {
        return Ok(hydrated.viewer_likes());
    }
    let question = Hydrate { viewer: Some(root_author), posts, ..Hydrate::default() };
    let liked = Hydrated::new(call.ask(question).await?, true);
    Ok(liked.viewer_likes())
}
