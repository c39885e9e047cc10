//! `getBookmarks`: the posts an account keeps, the last kept first, whether or not they are still
//! there: that is for the views to say.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::Did;
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeName;
use super::{Context, Question, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

/// The bookmarks of `actor`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetBookmarks {
    pub actor: Did,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BookmarkPage {
    pub bookmarks: Vec<Bookmark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A post that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bookmark {
    pub uri: String,
    /// The version that was seen.
    pub cid: Cid,
    pub created_at_us: i64,
}

/// A row: what is kept, in two names.
struct Row {
    did: String,
    rkey: String,
    cid: String,
    created_at_us: i64,
}

const BOOKMARKS: &str =
    "SELECT b.subject_did, b.subject_rkey, b.cid, b.created_at_us FROM own.bookmark AS b
    WHERE b.did = $1 AND b.created_at_us <= $2
      AND (b.created_at_us, b.subject_did || '/' || b.subject_rkey) < ($2, $3)
    ORDER BY b.created_at_us DESC, b.subject_did || '/' || b.subject_rkey DESC LIMIT $4";

impl Question for GetBookmarks {
    const NAME: &'static str = "getBookmarks";
    type Answer = BookmarkPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<BookmarkPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeName::parse(self.cursor.as_deref())?;
        let mut rows = before.rows(tx, BOOKMARKS, &self.actor, limit, |row| {
            Ok(Row {
                did: row.get(0)?,
                rkey: row.get(1)?,
                cid: row.get(2)?,
                created_at_us: row.get(3)?,
            })
        })?;
        let cursor = TimeName::next(&mut rows, limit, |row| {
            (row.created_at_us, format!("{}/{}", row.did, row.rkey))
        });
        let bookmarks = rows.into_iter().map(Row::named).collect::<Result<_, _>>()?;
        Ok(BookmarkPage { bookmarks, cursor })
    }
}

impl Row {
    fn named(self) -> Result<Bookmark, DataplaneError> {
        let Self { did, rkey, cid, created_at_us } = self;
        let cid = cid.parse().map_err(|error| {
            DataplaneError::Internal(format!("the CID of a bookmark is none: {error}"))
        })?;
        Ok(Bookmark {
            uri: format!("at://{did}/{}/{rkey}", Collection::Post.nsid()),
            cid,
            created_at_us,
        })
    }
}
