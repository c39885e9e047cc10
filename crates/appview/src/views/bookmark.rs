//! Bookmarks: what was kept, and what has become of it.

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::query::bookmarks::Bookmark;
use serde::Serialize;

use super::Views;
use super::feed::MaybePost;

/// `app.bsky.bookmark.defs#bookmarkView`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BookmarkView<'a> {
    subject: Kept<'a>,
    created_at: String,
    item: MaybePost<'a>,
}

/// The post in the version that was seen.
#[derive(Debug, Serialize)]
struct Kept<'a> {
    uri: &'a str,
    cid: &'a Cid,
}

impl<'a> Views<'a> {
    pub(crate) fn bookmark(&self, bookmark: &'a Bookmark) -> BookmarkView<'a> {
        let Bookmark { uri, cid, created_at_us } = bookmark;
        BookmarkView {
            subject: Kept { uri, cid },
            created_at: format_ms_us(*created_at_us),
            item: self.maybe_post(uri),
        }
    }
}
