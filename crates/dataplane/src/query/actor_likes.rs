//! `getActorLikes`: the posts an account likes, the latest like first. The cursor is a position
//! among the likes: where the posts stand in time does not matter.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::hydrate::Hydrate;
use super::hydrating::Skeleton;
use super::uri_page::UriPage;
use super::{Context, Question, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetActorLikes {
    pub actor: Did,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A like counts from when it was written, but not from later than it was seen. Of several of one post
/// the first by record key counts.
const SQL: &str = "SELECT l.rkey, l.sort_at_us, l.subject_actor, l.subject_rkey
    FROM (SELECT rkey, subject_actor, subject_rkey,
              CASE WHEN created_at_us < indexed_at_us THEN created_at_us ELSE indexed_at_us END AS sort_at_us
          FROM \"like\" WHERE actor_id = $1 AND subject_collection = $2) AS l
    WHERE NOT EXISTS (SELECT 1 FROM like_by_subject AS f WHERE f.subject_actor = l.subject_actor
              AND f.subject_rkey = l.subject_rkey AND f.subject_collection = $2
              AND f.actor_id = $1 AND f.rkey < l.rkey)
          AND (l.sort_at_us, l.rkey) < ($3, $4)
    ORDER BY l.sort_at_us DESC, l.rkey DESC LIMIT $5";

impl Question for GetActorLikes {
    const NAME: &'static str = "getActorLikes";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else {
            return Ok(UriPage::default());
        };
        let post = Collection::Post.code();
        let params = [
            Param::Int(actor),
            Param::Int(post),
            Param::Int(before.time_us),
            Param::Int(before.key),
            Param::Int(limit + 1),
        ];
        let mut rows: Vec<(i64, i64, (i64, i64))> = tx.query(SQL, &params, |row| {
            Ok((row.get(0)?, row.get(1)?, (row.get(2)?, row.get(3)?)))
        })?;
        let cursor = TimeKey::next(&mut rows, limit, |row| (row.1, row.0, actor));
        let subjects = || rows.iter().map(|row| row.2);
        let names =
            lookup::Names::of(tx, subjects().map(|key| key.0), subjects().map(|key| key.1))?;
        let uris = subjects().map(|key| names.uri(key.0, post, key.1));
        Ok(UriPage { uris: uris.collect::<Result<_, _>>()?, cursor })
    }
}

impl Skeleton for GetActorLikes {
    const HYDRATED: &'static str = "getActorLikesHydrated";

    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError> {
        wanted.add_posts(&answer.uris)
    }
}
