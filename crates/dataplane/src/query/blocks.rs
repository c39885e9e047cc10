//! `getBlocks`, `getListBlocks`: whom an account blocks, one by one and by list, the latest first.

use foldhash::HashSet;
use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::documents::dated;
use super::uri_page::{Dated, UriPage};
use super::{Context, Question, hydrate, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

/// The accounts that `actor` blocks by records of its own.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetBlocks {
    pub actor: AtIdentifier,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocks {
    pub blocks: Vec<BlockEdge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A block of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockEdge {
    pub uri: String,
    /// The blocked account.
    pub did: Did,
}

/// The lists whose accounts `actor` blocks, the latest list first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetListBlocks {
    pub actor: Did,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A block as a row: its record key, whom it blocks, when.
struct Row {
    rkey: i64,
    subject: i64,
    sort_at_us: i64,
}

// An account that wrote several blocks of another is listed once, with the one that viewers are shown.
const BLOCKS: &str = "SELECT b.rkey, b.subject_actor, s.sort_at_us
    FROM block AS b CROSS JOIN block_by_subject AS s
    WHERE b.actor_id = $1 AND s.subject_actor = b.subject_actor AND s.actor_id = b.actor_id AND s.rkey = b.rkey
      AND (s.sort_at_us, b.rkey, b.subject_actor) < ($2, $3, $4)
      AND NOT EXISTS (SELECT 1 FROM block_by_subject AS e
          WHERE e.subject_actor = b.subject_actor AND e.actor_id = b.actor_id AND e.rkey < b.rkey)
    ORDER BY s.sort_at_us DESC, b.rkey DESC, b.subject_actor DESC LIMIT $5";

const LIST_BLOCKS: &str = "SELECT l.actor_id, l.rkey, l.sort_at_us
    FROM (SELECT DISTINCT list_actor, list_rkey FROM list_block WHERE actor_id = $1) AS b
    CROSS JOIN document AS l
    WHERE l.actor_id = b.list_actor AND l.collection = $2 AND l.rkey = b.list_rkey
      AND (l.sort_at_us, l.rkey, l.actor_id) < ($3, $4, $5)
    ORDER BY l.sort_at_us DESC, l.rkey DESC, l.actor_id DESC LIMIT $6";

impl Question for GetBlocks {
    const NAME: &'static str = "getBlocks";
    type Answer = Blocks;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Blocks, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let Some(actor) = asked(tx, &self.actor)? else {
            return Ok(Blocks { blocks: Vec::new(), cursor: None });
        };
        let mut rows = tx.query(
            BLOCKS,
            &[
                Param::Int(actor),
                Param::Int(before.time_us),
                Param::Int(before.key),
                Param::Int(before.actor),
                Param::Int(limit + 1),
            ],
            |row| Ok(Row { rkey: row.get(0)?, subject: row.get(1)?, sort_at_us: row.get(2)? }),
        )?;
        let cursor = TimeKey::next(&mut rows, limit, |row| (row.sort_at_us, row.rkey, row.subject));
        let actors = rows.iter().map(|row| row.subject).chain([actor]);
        let names = lookup::Names::of(tx, actors, rows.iter().map(|row| row.rkey))?;
        let blocks = rows.iter().map(|row| {
            Ok(BlockEdge {
                uri: names.uri(actor, Collection::Block.code(), row.rkey)?,
                did: names.did(row.subject)?.clone(),
            })
        });
        Ok(Blocks { blocks: blocks.collect::<Result<_, DataplaneError>>()?, cursor })
    }
}

impl Question for GetListBlocks {
    const NAME: &'static str = "getListBlocks";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else {
            return Ok(UriPage::default());
        };
        let mut rows = tx.query(
            LIST_BLOCKS,
            &[
                Param::Int(actor),
                Param::Int(Collection::List.code()),
                Param::Int(before.time_us),
                Param::Int(before.key),
                Param::Int(before.actor),
                Param::Int(limit + 1),
            ],
            dated,
        )?;
        Dated::page(tx, &mut rows, limit, Collection::List)
    }
}

/// The id of the account a name means. A handle must be known; an account without any record has
/// nothing, which is no error.
fn asked(tx: &mut Tx, actor: &AtIdentifier) -> Result<Option<i64>, DataplaneError> {
    match actor {
        AtIdentifier::Did(did) => lookup::actor_id(tx, did),
        AtIdentifier::Handle(_) => lookup::known_actor(tx, actor)?
            .map(Some)
            .ok_or_else(|| DataplaneError::NotFound(format!("actor not found: {actor}"))),
    }
}

/// Those of `others` between whom and `one` a block stands, either way, direct or by list.
pub(crate) fn blocked_with(
    tx: &mut Tx,
    one: i64,
    others: &[i64],
) -> Result<HashSet<i64>, DataplaneError> {
    let blocked = hydrate::blocked(
        tx,
        &mut hydrate::Counted::default(),
        others.iter().map(|other| (one, *other)),
    )?;
    Ok(blocked.into_iter().map(|(_, other)| other).collect())
}
