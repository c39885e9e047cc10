//! `getFollowers`, `getFollows`: the edges at one account, the latest first.

use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::{Context, Question, blocks, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::FollowEdge;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

/// The accounts that follow `actor`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetFollowers {
    pub actor: AtIdentifier,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The accounts that `actor` follows.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetFollows {
    pub actor: AtIdentifier,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowPage {
    /// The account the edges are at.
    pub subject: Did,
    pub follows: Vec<FollowEdge>,
    /// Those of them between whom and `subject` a block stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Did>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A follow as a row: who, under which record key, whom, when.
struct Row {
    actor: i64,
    rkey: i64,
    other: i64,
    sort_at_us: i64,
}

// An account that wrote several follows of another is listed once, with the one that viewers are shown.
const FOLLOWERS: &str = "SELECT f.actor_id, f.rkey, f.actor_id, f.sort_at_us
    FROM follow_by_subject AS f CROSS JOIN actor AS a
    WHERE f.subject_actor = $1 AND (f.sort_at_us, f.rkey, f.actor_id) < ($2, $3, $4) AND a.actor_id = f.actor_id
      AND NOT EXISTS (SELECT 1 FROM follow_by_subject AS e
          WHERE e.subject_actor = f.subject_actor AND e.actor_id = f.actor_id AND e.rkey < f.rkey)
    ORDER BY f.sort_at_us DESC, f.rkey DESC, f.actor_id DESC LIMIT $5";

const FOLLOWS: &str = "SELECT f.actor_id, f.rkey, f.subject_actor, s.sort_at_us
    FROM follow AS f CROSS JOIN follow_by_subject AS s CROSS JOIN actor AS a
    WHERE f.actor_id = $1 AND s.subject_actor = f.subject_actor AND s.actor_id = f.actor_id AND s.rkey = f.rkey
      AND (s.sort_at_us, f.rkey, f.subject_actor) < ($2, $3, $4) AND a.actor_id = f.subject_actor
      AND NOT EXISTS (SELECT 1 FROM follow_by_subject AS e
          WHERE e.subject_actor = f.subject_actor AND e.actor_id = f.actor_id AND e.rkey < f.rkey)
    ORDER BY s.sort_at_us DESC, f.rkey DESC, f.subject_actor DESC LIMIT $5";

impl Question for GetFollowers {
    const NAME: &'static str = "getFollowers";
    type Answer = FollowPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FollowPage, DataplaneError> {
        edges(tx, FOLLOWERS, &self.actor, self.limit, self.cursor.as_deref())
    }
}

impl Question for GetFollows {
    const NAME: &'static str = "getFollows";
    type Answer = FollowPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FollowPage, DataplaneError> {
        edges(tx, FOLLOWS, &self.actor, self.limit, self.cursor.as_deref())
    }
}

fn edges(
    tx: &mut Tx,
    sql: &'static str,
    actor: &AtIdentifier,
    limit: u32,
    cursor: Option<&str>,
) -> Result<FollowPage, DataplaneError> {
    let limit = page_limit(limit, LIMIT_MAX)?;
    let before = TimeKey::parse(cursor)?;
    let subject = lookup::known_actor(tx, actor)?
        .ok_or_else(|| DataplaneError::NotFound(format!("actor not found: {actor}")))?;
    let mut rows = tx.query(
        sql,
        &[
            Param::Int(subject),
            Param::Int(before.time_us),
            Param::Int(before.key),
            Param::Int(before.actor),
            Param::Int(limit + 1),
        ],
        |row| {
            Ok(Row {
                actor: row.get(0)?,
                rkey: row.get(1)?,
                other: row.get(2)?,
                sort_at_us: row.get(3)?,
            })
        },
    )?;
    let cursor = TimeKey::next(&mut rows, limit, |row| (row.sort_at_us, row.rkey, row.other));
    let others: Vec<i64> = rows.iter().map(|row| row.other).collect();
    let blocked = blocks::blocked_with(tx, subject, &others)?;
    let actors = others.into_iter().chain([subject]);
    let names = lookup::Names::of(tx, actors, rows.iter().map(|row| row.rkey))?;
    let follows = rows.iter().map(|row| {
        Ok(FollowEdge {
            uri: names.uri(row.actor, Collection::Follow.code(), row.rkey)?,
            did: names.did(row.other)?.clone(),
        })
    });
    let blocked = blocked.iter().map(|id| Ok(names.did(*id)?.clone()));
    Ok(FollowPage {
        follows: follows.collect::<Result<_, DataplaneError>>()?,
        blocked: blocked.collect::<Result<_, DataplaneError>>()?,
        subject: names.did(subject)?.clone(),
        cursor,
    })
}
