//! `app.bsky.bookmark.*`, one file a method.

pub(super) mod create_bookmark;
pub(super) mod delete_bookmark;
pub(super) mod get_bookmarks;

use millrace_atproto::AtUri;

use crate::error::XrpcError;

const POST: &str = "app.bsky.feed.post";

/// Of all records only posts can be kept.
fn check_is_post(uri: &AtUri) -> Result<(), XrpcError> {
    let collection = uri.collection.as_ref();
    if collection.is_none_or(|collection| collection.as_str() != POST) {
        return Err(XrpcError::named(
            "UnsupportedCollection",
            format!("Only '{POST}' records can be bookmarked"),
        ));
    }
    if uri.as_record().is_none() {
        return Err(XrpcError::invalid(format!("uri must name a post by its author's DID: {uri}")));
    }
    Ok(())
}
