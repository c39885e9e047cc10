//! `createBookmark`, `deleteBookmark`: posts an account keeps for itself. They are named by DID and
//! record key, and need not be known here.
//!
//! Keeping what is kept already changes nothing, not even the version that was seen; giving up what
//! was not kept changes nothing. How often a post is kept moves with what really changed.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OwnCommand;
use super::mute::{Done, record};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Posts one account may keep.
pub const BOOKMARKS_MAX: i64 = 20_000;

/// Keeps a post, in the version that was seen.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateBookmark {
    pub actor: Did,
    pub post: AtUri,
    pub cid: Cid,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteBookmark {
    pub actor: Did,
    pub post: AtUri,
}

impl OwnCommand for CreateBookmark {
    const NAME: &'static str = "createBookmark";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        let (did, rkey) = record(&self.post, Collection::Post)?;
        let actor = Param::from(&self.actor);
        let [did, rkey] = [did.as_str(), rkey.as_str()].map(Param::Text);
        let cid = self.cid.to_string();
        let added = tx.execute(
            "INSERT INTO bookmark (did, subject_did, subject_rkey, cid, created_at_us)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[actor, did, rkey, Param::Text(&cid), Param::Int(now_us)],
        )?;
        if added == 0 {
            return Ok(Done {});
        }
        let sql = "SELECT count(*) FROM bookmark WHERE did = $1";
        let rows: i64 = tx.query_one(sql, &[actor], |row| row.get(0))?;
        if rows > BOOKMARKS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "an account may have at most {BOOKMARKS_MAX} bookmarks"
            )));
        }
        tx.execute(
            "INSERT INTO bookmark_count AS c (subject_did, subject_rkey, bookmarks) VALUES ($1, $2, 1)
             ON CONFLICT (subject_did, subject_rkey) DO UPDATE SET bookmarks = c.bookmarks + 1",
            &[did, rkey],
        )?;
        Ok(Done {})
    }
}

impl OwnCommand for DeleteBookmark {
    const NAME: &'static str = "deleteBookmark";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        let (did, rkey) = record(&self.post, Collection::Post)?;
        let [did, rkey] = [did.as_str(), rkey.as_str()].map(Param::Text);
        let removed = tx.execute(
            "DELETE FROM bookmark WHERE did = $1 AND subject_did = $2 AND subject_rkey = $3",
            &[Param::from(&self.actor), did, rkey],
        )?;
        if removed > 0 {
            tx.execute(
                "UPDATE bookmark_count SET bookmarks = bookmarks - 1
                 WHERE subject_did = $1 AND subject_rkey = $2",
                &[did, rkey],
            )?;
            tx.execute(
                "DELETE FROM bookmark_count WHERE subject_did = $1 AND subject_rkey = $2 AND bookmarks <= 0",
                &[did, rkey],
            )?;
        }
        Ok(Done {})
    }
}
