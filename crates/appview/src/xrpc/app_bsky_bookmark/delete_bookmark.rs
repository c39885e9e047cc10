//! `app.bsky.bookmark.deleteBookmark`: the viewer keeps a post no longer. Giving up what was not kept
//! changes nothing.

use millrace_atproto::AtUri;
use millrace_dataplane::query::bookmark;
use serde::Deserialize;

use super::check_is_post;
use crate::error::XrpcError;
use crate::xrpc::{Call, Procedure};

#[derive(Deserialize)]
pub(crate) struct DeleteBookmark {
    uri: AtUri,
}

impl Procedure for DeleteBookmark {
    const NSID: &'static str = "app.bsky.bookmark.deleteBookmark";
    type Answer = ();

    async fn run(self, call: &Call<'_>) -> Result<(), XrpcError> {
        check_is_post(&self.uri)?;
        let actor = call.account()?.clone();
        call.api().dataplane.command(bookmark::DeleteBookmark { actor, post: self.uri }).await?;
        Ok(())
    }
}
