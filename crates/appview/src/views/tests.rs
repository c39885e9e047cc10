//! Accounts and posts for the tests of views and rules, as the data-plane would answer them.

#![expect(clippy::unwrap_used, reason = "tests")]

use millrace_dataplane::model::{Actor, Post};
use serde_json::{Value, json};

use crate::urls::{MediaUrls, UrlPattern};

pub(crate) const CID: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

/// An account without records, and what it is to the viewer.
pub(crate) fn actor(did: &str, active: bool, viewer: Value) -> Actor {
    let json = json!({
        "did": did, "active": active, "indexedAtUs": 0, "isLabeler": false, "trustedVerifier": false,
        "followersCount": 0, "followsCount": 0, "postsCount": 0, "listsCount": 0,
        "generatorsCount": 0, "starterPacksCount": 0, "verifications": [], "viewer": viewer,
    });
    serde_json::from_value(json).unwrap()
}

/// A post with a record, and with `fields` as they are given.
pub(crate) fn post(uri: &str, record: Value, fields: Value) -> Post {
    let author = crate::hydration::author(uri).unwrap();
    let mut json = json!({
        "uri": uri, "author": author, "sortAtUs": 0,
        "record": {"cid": CID, "value": record, "indexedAtUs": 0},
        "likeCount": 0, "replyCount": 0, "repostCount": 0, "quoteCount": 0,
        "invalidReplyRoot": false, "violatesThreadgate": false, "violatesPostgate": false,
        "hiddenByRoot": false, "quoteDetached": false,
        "parentBlocked": false, "rootBlocked": false, "quoteBlocked": false,
    });
    json.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(json).unwrap()
}

/// Addresses of images and videos.
pub(crate) fn urls() -> MediaUrls {
    let pattern = || UrlPattern::parse("https://cdn.test/{did}/{cid}").unwrap();
    MediaUrls { image: pattern(), video_playlist: pattern(), video_thumbnail: pattern() }
}
