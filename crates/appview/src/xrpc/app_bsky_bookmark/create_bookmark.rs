//! `app.bsky.bookmark.createBookmark`: the viewer keeps a post, in the version they saw. Keeping it
//! again changes nothing.

use millrace_atproto::AtUri;
use millrace_atproto::cid::Cid;
use millrace_dataplane::query::bookmark;
use serde::Deserialize;

use super::check_is_post;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct CreateBookmark {
    uri: AtUri,
    cid: Cid,
}

impl Procedure for CreateBookmark {
    const NSID: &'static str = "app.bsky.bookmark.createBookmark";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        check_is_post(&self.uri)?;
        let actor = call.account()?.clone();
        let command = bookmark::CreateBookmark { actor, post: self.uri, cid: self.cid };
        call.api().dataplane.command(command).await?;
        Ok(())
    }
}
