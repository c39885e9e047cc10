//! The lexicon's views, made from what was hydrated. A view borrows: names, texts and records are
//! written into the answer from where they were read, and a stored record is spliced in unchanged.
//! One file per family; `Views` is what they all look things up in.

pub(crate) mod blocked;
pub(crate) mod bookmark;
pub(crate) mod declared;
pub(crate) mod embed;
pub(crate) mod feed;
pub(crate) mod generator;
pub(crate) mod label;
pub(crate) mod labeler;
pub(crate) mod list;
pub(crate) mod media;
pub(crate) mod notification;
pub(crate) mod post;
pub(crate) mod profile;
pub(crate) mod record;
pub(crate) mod starter_pack;
pub(crate) mod status;
pub(crate) mod thread;
pub(crate) mod thread_v2;
pub(crate) mod threadgate;
pub(crate) mod verification;
pub(crate) mod viewer_state;

#[cfg(test)]
pub(crate) mod tests;

use millrace_atproto::Did;

use crate::hydration::Hydrated;
use crate::urls::MediaUrls;

/// Makes views for one viewer.
#[derive(Clone, Copy)]
pub(crate) struct Views<'a> {
    pub(crate) hydrated: &'a Hydrated,
    pub(crate) urls: &'a MediaUrls,
    pub(crate) viewer: Option<&'a Did>,
    /// Now: a status ends by it.
    pub(crate) now_us: i64,
}
