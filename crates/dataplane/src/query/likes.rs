//! `getLikes`: who likes a record, the latest likes first.

use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, Tx};
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::{Context, Question, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::Like;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetLikes {
    pub uri: AtUri,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Likes {
    pub likes: Vec<Like>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The page is cut before the likes themselves are looked up; an account that wrote several
/// likes of the record is there once, with the one that viewers are shown.
const SQL: &str = "SELECT s.actor_id, s.rkey, s.sort_at_us, l.created_at_us, l.indexed_at_us
    FROM (SELECT i.actor_id, i.rkey, i.sort_at_us FROM like_by_subject AS i
          WHERE i.subject_actor = $1 AND i.subject_rkey = $2 AND i.subject_collection = $3
            AND (i.sort_at_us, i.rkey, i.actor_id) < ($4, $5, $6)
            AND NOT EXISTS (SELECT 1 FROM like_by_subject AS e
                WHERE e.subject_actor = i.subject_actor AND e.subject_rkey = i.subject_rkey
                  AND e.subject_collection = i.subject_collection AND e.actor_id = i.actor_id AND e.rkey < i.rkey)
          ORDER BY i.sort_at_us DESC, i.rkey DESC, i.actor_id DESC LIMIT $7) AS s
    CROSS JOIN \"like\" AS l
    WHERE l.actor_id = s.actor_id AND l.rkey = s.rkey
    ORDER BY s.sort_at_us DESC, s.rkey DESC, s.actor_id DESC";

struct Row {
    actor: i64,
    rkey: i64,
    sort_at_us: i64,
    created_at_us: i64,
    indexed_at_us: i64,
}

impl Question for GetLikes {
    const NAME: &'static str = "getLikes";
    type Answer = Likes;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Likes, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let Some(subject) = lookup::record_key(tx, &self.uri)? else {
            return Ok(Likes { likes: Vec::new(), cursor: None });
        };
        let mut rows = tx.query(
            SQL,
            &[
                Param::Int(subject.actor),
                Param::Int(subject.rkey),
                Param::Int(subject.collection),
                Param::Int(before.time_us),
                Param::Int(before.key),
                Param::Int(before.actor),
                Param::Int(limit + 1),
            ],
            |row| {
                Ok(Row {
                    actor: row.get(0)?,
                    rkey: row.get(1)?,
                    sort_at_us: row.get(2)?,
                    created_at_us: row.get(3)?,
                    indexed_at_us: row.get(4)?,
                })
            },
        )?;
        let cursor = TimeKey::next(&mut rows, limit, |row| (row.sort_at_us, row.rkey, row.actor));
        let names =
            lookup::Names::of(tx, rows.iter().map(|r| r.actor), rows.iter().map(|r| r.rkey))?;
        let likes = rows.iter().map(|row| {
            Ok(Like {
                uri: names.uri(row.actor, Collection::Like.code(), row.rkey)?,
                actor: names.did(row.actor)?.clone(),
                created_at_us: row.created_at_us,
                indexed_at_us: row.indexed_at_us,
            })
        });
        Ok(Likes { likes: likes.collect::<Result<_, DataplaneError>>()?, cursor })
    }
}
