//! `app.bsky.unspecced.getPostThreadOtherV2`: the replies to a post that `getPostThreadV2` leaves out:
//! those the thread's author hides, the viewer mutes, or that only pin the thread.

use millrace_atproto::AtUri;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::request::params::Params;
use crate::views::Views;
use crate::views::thread_v2::Skeleton;
use crate::xrpc::app_bsky_feed::thread_posts::{self, Reach};
use crate::xrpc::{Call, Json, Query};

/// The direct replies alone; below one of them, it is asked for as an anchor.
const REACH: Reach = Reach { above: 0, below: 1, op_thread: false };

pub(crate) struct GetPostThreadOtherV2 {
    anchor: AtUri,
}

#[derive(Serialize)]
struct Answer {
    thread: Vec<Box<RawValue>>,
}

impl Query for GetPostThreadOtherV2 {
    const NSID: &'static str = "app.bsky.unspecced.getPostThreadOtherV2";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { anchor: params.required("anchor")? })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        // skeleton, hydration
        let anchor = thread_posts::resolved(call, self.anchor).await?;
        let (posts, hydrated) = thread_posts::around(call, &anchor, REACH).await?;
        // presentation
        let anchor = anchor.to_string();
        let skeleton = Skeleton { anchor, replies: posts.replies, ..Skeleton::default() };
        let present = move |views: Views<'_>| views.thread_other_v2(&skeleton);
        let thread = call.present_apart(hydrated, present).await??;
        Json::of(&Answer { thread })
    }
}
