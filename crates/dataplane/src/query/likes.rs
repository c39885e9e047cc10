//! `getLikes`: who likes a record, the latest likes first. Who is behind a block of the record's
//! author, either way, is left out.

use millrace_atproto::syntax::AtUri;
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blocks::blocked_with;
use super::by_subject::{self, Edges};
use super::cursor::TimeKey;
use super::{Context, Question, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::Like;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetLikes {
    pub uri: AtUri,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Likes {
    pub likes: Vec<Like>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
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
        let (mut rows, cursor) = by_subject::page(tx, Edges::Likes, &subject, before, limit)?;
        let likers: Vec<i64> = rows.iter().map(|row| row.actor).collect();
        let blocked = blocked_with(tx, subject.actor, &likers)?;
        rows.retain(|row| !blocked.contains(&row.actor));
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
