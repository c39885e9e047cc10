//! `getMutes`, `getListMutes`: whom an account mutes, one by one and by list, the latest first.
//! Mutes are owned and name their subjects by DID; here they meet what the network says of those.

use std::cmp::Reverse;

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

/// The accounts that `actor` mutes and that are known here.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetMutes {
    pub actor: AtIdentifier,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mutes {
    pub mutes: Vec<Mute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A muted account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mute {
    pub did: Did,
    pub created_at_us: i64,
    /// Only what it reposts, or only its quotes, are muted; the whole account when neither is set.
    #[serde(default)]
    pub only_reposts: bool,
    #[serde(default)]
    pub only_quoteposts: bool,
}

/// The lists that `actor` mutes and that are known here, the latest list first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetListMutes {
    pub actor: Did,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A mute as a row: whom, since when, and of what.
struct Row {
    subject: i64,
    created_at_us: i64,
    only_reposts: bool,
    only_quoteposts: bool,
}

const MUTES: &str = "SELECT a.actor_id, m.created_at_us, m.only_reposts, m.only_quoteposts
    FROM own.actor_mute AS m CROSS JOIN dictionary.actor AS d CROSS JOIN actor AS a
    WHERE m.did = $1 AND d.did = m.subject AND a.actor_id = d.id AND (m.created_at_us, a.actor_id) < ($2, $3)
    ORDER BY m.created_at_us DESC, a.actor_id DESC LIMIT $4";

impl Question for GetMutes {
    const NAME: &'static str = "getMutes";
    type Answer = Mutes;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Mutes, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let did = asked(tx, &self.actor)?;
        let mut rows = tx.query(
            MUTES,
            &[
                Param::Text(did.as_str()),
                Param::Int(before.time_us),
                Param::Int(before.actor),
                Param::Int(limit + 1),
            ],
            |row| {
                Ok(Row {
                    subject: row.get(0)?,
                    created_at_us: row.get(1)?,
                    only_reposts: row.get(2)?,
                    only_quoteposts: row.get(3)?,
                })
            },
        )?;
        let cursor = TimeKey::next(&mut rows, limit, |row| (row.created_at_us, 0, row.subject));
        let names = lookup::Names::of(tx, rows.iter().map(|row| row.subject), [])?;
        let mutes = rows.iter().map(|row| {
            Ok(Mute {
                did: names.did(row.subject)?.clone(),
                created_at_us: row.created_at_us,
                only_reposts: row.only_reposts,
                only_quoteposts: row.only_quoteposts,
            })
        });
        Ok(Mutes { mutes: mutes.collect::<Result<_, DataplaneError>>()?, cursor })
    }
}

impl Question for GetListMutes {
    const NAME: &'static str = "getListMutes";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let lists = hydrate::muted_lists(tx, &self.actor)?;
        let list = Collection::List;
        let mut rows = tx.query_many(
            "SELECT l.actor_id, l.rkey, l.sort_at_us
             FROM {rows:actor BIGINT, collection BIGINT, rkey BIGINT} AS k CROSS JOIN document AS l
             WHERE l.actor_id = k.actor AND l.collection = k.collection AND l.rkey = k.rkey",
            lists.iter().map(|key| [key.0, list.code(), key.1].map(Param::Int)),
            dated,
        )?;
        let position = |row: &Dated| (row.sort_at_us, row.rkey, row.actor);
        rows.retain(|row| position(row) < (before.time_us, before.key, before.actor));
        rows.sort_unstable_by_key(|row| Reverse(position(row)));
        Dated::page(tx, &mut rows, limit, list)
    }
}

/// The DID a name means. A handle must be known; a DID need not be.
fn asked(tx: &mut Tx, actor: &AtIdentifier) -> Result<Did, DataplaneError> {
    match actor {
        AtIdentifier::Did(did) => Ok(did.clone()),
        AtIdentifier::Handle(_) => {
            let id = lookup::known_actor(tx, actor)?
                .ok_or_else(|| DataplaneError::NotFound(format!("actor not found: {actor}")))?;
            Ok(lookup::Names::of(tx, [id], [])?.did(id)?.clone())
        }
    }
}
