//! What stands where a post would, were it not behind a block.

use millrace_atproto::Did;
use serde::Serialize;

use super::Views;
use crate::hydration::author;

/// `app.bsky.feed.defs#blockedAuthor`.
#[derive(Debug, Serialize)]
pub(crate) struct BlockedAuthor<'a> {
    did: Did,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<BlockedViewerState<'a>>,
}

/// `app.bsky.actor.defs#viewerState`, of blocks only.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockedViewerState<'a> {
    blocked_by: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocking: Option<&'a str>,
}

impl<'a> Views<'a> {
    /// Who wrote the record that is not shown, as far as its URI says.
    pub(super) fn blocked_author(&self, uri: &str) -> Option<BlockedAuthor<'a>> {
        let did = author(uri)?;
        let viewer = self.viewer.map(|_| self.blocks(&did));
        Some(BlockedAuthor { did, viewer })
    }

    fn blocks(&self, did: &Did) -> BlockedViewerState<'a> {
        let relation = self.hydrated.relation(did);
        BlockedViewerState {
            blocked_by: relation.is_some_and(|relation| {
                relation.blocked_by.is_some() || relation.blocked_by_list.is_some()
            }),
            blocking: relation.and_then(|relation| {
                relation.blocking.as_deref().or(relation.blocking_by_list.as_deref())
            }),
        }
    }
}
