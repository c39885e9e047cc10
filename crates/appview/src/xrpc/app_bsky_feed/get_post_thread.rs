//! `app.bsky.feed.getPostThread`: a post with its parents above and its replies below.
//!
//! A parent that cannot be shown stands as `notFoundPost` or `blockedPost` and ends the chain. An
//! anchor that is not known is the error `NotFound`, with the viewer's revision in its headers: the
//! PDS may know a post its user wrote a moment ago.

use millrace_atproto::AtUri;

use super::thread_posts::{self, Reach};
use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::Views;
use crate::views::thread::{ThreadBounds, ThreadSkeleton};
use crate::xrpc::{Call, Json, JsonObject, Query};

const DEPTH_DEFAULT: u32 = 6;
const PARENT_HEIGHT_DEFAULT: u32 = 80;
const LEVELS_MAX: u32 = 1_000;

pub(crate) struct GetPostThread {
    uri: AtUri,
    bounds: ThreadBounds,
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
        let bounds = self.bounds;
        // skeleton, hydration
        let anchor = thread_posts::resolved(call, self.uri).await?;
        let reach = Reach { above: bounds.parents_max, below: bounds.levels_max, op_thread: false };
        let (posts, hydrated) = thread_posts::around(call, &anchor, reach).await?;
        // presentation
        let skeleton = ThreadSkeleton { anchor: anchor.to_string(), replies: posts.replies };
        let likes = posts.root_author_likes;
        let present = move |views: Views<'_>| {
            let Some(thread) = views.thread(&skeleton, bounds, &likes)? else { return Ok(None) };
            let mut answer = JsonObject::of("thread", &thread);
            // The gate of the thread, whichever of its posts was asked for.
            let root = views.hydrated.post(&skeleton.anchor).map(|anchor| anchor.root());
            if let Some(gate) = root.and_then(|root| views.threadgate(root)) {
                answer.add("threadgate", &serde_json::to_vec(&gate)?);
            }
            Ok::<_, XrpcError>(Some(answer.end()))
        };
        let answer = call.present_apart(hydrated, present).await??;
        answer.ok_or_else(|| XrpcError::named("NotFound", format!("Post not found: {anchor}")))
    }
}
