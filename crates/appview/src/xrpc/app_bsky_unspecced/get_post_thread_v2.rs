//! `app.bsky.unspecced.getPostThreadV2`: a post with its parents and replies as a flat list, in the
//! order it is read. A post that is not known is an item that says so, not an error.

use millrace_atproto::AtUri;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::raw;
use crate::request::params::Params;
use crate::views::Views;
use crate::views::thread_v2::{FlatThread, Options, Skeleton, Sort};
use crate::xrpc::app_bsky_feed::thread_posts::{self, Reach};
use crate::xrpc::{Call, Json, Query};

/// Parents above the anchor, where any are wanted.
const ABOVE: u32 = 50;
const BELOW_DEFAULT: u32 = 6;
const BELOW_MAX: u32 = 20;
const BRANCHING_FACTOR_DEFAULT: u32 = 10;
const BRANCHING_FACTOR_MAX: u32 = 100;

pub(crate) struct GetPostThreadV2 {
    anchor: AtUri,
    options: Options,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    has_other_replies: bool,
    thread: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threadgate: Option<Box<RawValue>>,
}

impl Query for GetPostThreadV2 {
    const NSID: &'static str = "app.bsky.unspecced.getPostThreadV2";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        let branching_factor =
            params.integer("branchingFactor", 0, BRANCHING_FACTOR_MAX, BRANCHING_FACTOR_DEFAULT)?;
        let options = Options {
            above: if params.flag("above")?.unwrap_or(true) { ABOVE } else { 0 },
            below: params.integer("below", 0, BELOW_MAX, BELOW_DEFAULT)?,
            branching_factor: branching_factor as usize,
            sort: Sort::of(params.text("sort")?.as_deref()),
        };
        Ok(Self { anchor: params.required("anchor")?, options })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let Self { anchor, options } = self;
        // skeleton, hydration
        let anchor = thread_posts::resolved(call, anchor).await?;
        let reach = Reach { above: options.above, below: options.below, op_thread: true };
        let (posts, hydrated) = thread_posts::around(call, &anchor, reach).await?;
        // presentation
        let skeleton = Skeleton {
            anchor: anchor.to_string(),
            replies: posts.replies,
            liked_by_root_author: posts.root_author_likes,
            op_thread: posts.op_thread.into_iter().zip(1..).collect(),
        };
        let present = move |views: Views<'_>| {
            let FlatThread { items, has_other_replies } = views.thread_v2(&skeleton, options)?;
            let root = views.hydrated.post(&skeleton.anchor).map(|anchor| anchor.root());
            let threadgate = root.and_then(|root| views.threadgate(root));
            let threadgate = threadgate.map(|gate| raw(&gate)).transpose()?;
            Ok::<_, XrpcError>(Answer { has_other_replies, thread: items, threadgate })
        };
        Json::of(&call.present_apart(hydrated, present).await??)
    }
}
