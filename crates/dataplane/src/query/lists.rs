//! `getLists`, `getListItems`, `getListMembership`: an account's lists, who is on them, and whether
//! somebody is.

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::uri_page::UriPage;
use super::{Context, Question, blocks, documents, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::ListItem;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Most lists of which one question may ask whether somebody is on them.
pub const LISTS_MAX: usize = 100;

/// What a list is for, by the lexicon's names without their prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListPurpose {
    Modlist,
    Curatelist,
    Referencelist,
}

impl ListPurpose {
    /// As it is stored.
    fn code(self) -> i64 {
        match self {
            Self::Modlist => 1,
            Self::Curatelist => 2,
            Self::Referencelist => 3,
        }
    }
}

/// The lists that `actor` made, for some purposes or, when none is named, for any; the latest
/// first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetLists {
    pub actor: Did,
    #[serde(default)]
    pub purposes: Vec<ListPurpose>,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Who is on a list, the latest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetListItems {
    pub list: AtUri,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListItems {
    pub items: Vec<ListItem>,
    /// Those of them between whom and the list's owner a block stands.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<Did>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// By which items `actor` is on some of these lists.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetListMembership {
    pub actor: Did,
    pub lists: Vec<AtUri>,
}

/// URIs of items by their lists; lists without the account have none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListMembership {
    pub items: HashMap<String, String>,
}

/// An account on a list, as a row.
pub(crate) struct Item {
    pub rkey: i64,
    pub subject: i64,
    pub sort_at_us: i64,
}

// An account that was put on the list several times is there once, by the first item.
const ITEMS: &str = "SELECT i.rkey, i.subject_actor, i.sort_at_us FROM list_item_by_list AS i
    WHERE i.actor_id = $1 AND i.list_rkey = $2 AND (i.sort_at_us, i.rkey, i.subject_actor) < ($3, $4, $5)
      AND NOT EXISTS (SELECT 1 FROM list_item_by_list AS e
          WHERE e.actor_id = i.actor_id AND e.list_rkey = i.list_rkey
            AND e.subject_actor = i.subject_actor AND e.rkey < i.rkey)
    ORDER BY i.sort_at_us DESC, i.rkey DESC, i.subject_actor DESC LIMIT $6";

impl Question for GetLists {
    const NAME: &'static str = "getLists";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let actor = lookup::actor_id(tx, &self.actor)?;
        let purposes: Vec<i64> = self.purposes.iter().map(|purpose| purpose.code()).collect();
        let limit = (self.limit, LIMIT_MAX);
        documents::of_actor(tx, actor, Collection::List, &purposes, limit, self.cursor.as_deref())
    }
}

impl Question for GetListItems {
    const NAME: &'static str = "getListItems";
    type Answer = ListItems;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<ListItems, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let Some((owner, rkey)) = list_key(tx, &self.list)? else {
            return Ok(ListItems::default());
        };
        let mut rows = items(tx, (owner, rkey), before, limit + 1)?;
        let cursor = TimeKey::next(&mut rows, limit, |row| (row.sort_at_us, row.rkey, row.subject));
        let subjects: Vec<i64> = rows.iter().map(|row| row.subject).collect();
        let blocked = blocks::blocked_with(tx, owner, &subjects)?;
        let names = lookup::Names::of(
            tx,
            subjects.into_iter().chain([owner]),
            rows.iter().map(|row| row.rkey),
        )?;
        let items = rows.iter().map(|row| named(&names, owner, row));
        let blocked = blocked.iter().map(|id| Ok(names.did(*id)?.clone()));
        Ok(ListItems {
            items: items.collect::<Result<_, _>>()?,
            blocked: blocked.collect::<Result<_, DataplaneError>>()?,
            cursor,
        })
    }
}

impl Question for GetListMembership {
    const NAME: &'static str = "getListMembership";
    type Answer = ListMembership;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<ListMembership, DataplaneError> {
        if self.lists.len() > LISTS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {LISTS_MAX} lists, not {}",
                self.lists.len()
            )));
        }
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else {
            return Ok(ListMembership::default());
        };
        let mut keys = HashMap::with_capacity(self.lists.len());
        for list in &self.lists {
            if let Some(key) = list_key(tx, list)? {
                keys.insert(key, list.to_string());
            }
        }
        let rows: Vec<((i64, i64), Option<i64>)> = tx.query_many(
            "SELECT k.owner, k.list, (SELECT min(i.rkey) FROM list_item_by_list AS i
                 WHERE i.actor_id = k.owner AND i.list_rkey = k.list AND i.subject_actor = k.subject)
             FROM {rows:owner BIGINT, list BIGINT, subject BIGINT} AS k",
            keys.keys().map(|key| [key.0, key.1, actor].map(Param::Int)),
            |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)),
        )?;
        let found: Vec<((i64, i64), i64)> =
            rows.into_iter().filter_map(|(key, rkey)| Some((key, rkey?))).collect();
        let names = lookup::Names::of(
            tx,
            found.iter().map(|(key, _)| key.0),
            found.iter().map(|(_, rkey)| *rkey),
        )?;
        let mut items = HashMap::with_capacity(found.len());
        for (key, rkey) in found {
            let item = names.uri(key.0, Collection::ListItem.code(), rkey)?;
            items.extend(keys.remove(&key).map(|list| (list, item)));
        }
        Ok(ListMembership { items })
    }
}

/// The owner and the record key of a list, if both were ever seen here. Whether the list itself is
/// known does not matter to who is on it.
pub(crate) fn list_key(tx: &mut Tx, uri: &AtUri) -> Result<Option<(i64, i64)>, DataplaneError> {
    let key = lookup::record_key(tx, uri)?;
    let list = key.filter(|key| key.collection == Collection::List.code());
    Ok(list.map(|key| (key.actor, key.rkey)))
}

/// The latest of a list's items before a position.
pub(crate) fn items(
    tx: &mut Tx,
    (owner, list): (i64, i64),
    before: TimeKey,
    limit: i64,
) -> Result<Vec<Item>, DataplaneError> {
    Ok(tx.query(
        ITEMS,
        &[
            Param::Int(owner),
            Param::Int(list),
            Param::Int(before.time_us),
            Param::Int(before.key),
            Param::Int(before.actor),
            Param::Int(limit),
        ],
        |row| Ok(Item { rkey: row.get(0)?, subject: row.get(1)?, sort_at_us: row.get(2)? }),
    )?)
}

/// An item as it is answered.
pub(crate) fn named(
    names: &lookup::Names,
    owner: i64,
    item: &Item,
) -> Result<ListItem, DataplaneError> {
    Ok(ListItem {
        uri: names.uri(owner, Collection::ListItem.code(), item.rkey)?,
        subject: names.did(item.subject)?.clone(),
    })
}
