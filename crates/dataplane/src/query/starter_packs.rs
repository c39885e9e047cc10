//! `getActorStarterPacks`, `getStarterPackContents`: an account's starter packs, and who is in one:
//! its list and a sample of the people on it.

use std::cmp::Reverse;

use foldhash::HashMap;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::uri_page::UriPage;
use super::{Context, Question, blocks, documents, lists, lookup};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::ListItem;

/// Largest page, and most starter packs one question may name.
pub const LIMIT_MAX: u32 = 100;
/// The latest people of a list of whom the sample is taken …
const SAMPLED_MAX: i64 = 50;
/// … and how many of those, the most followed ones, it has.
const SAMPLE_MAX: usize = 12;

/// The starter packs that `actor` made, the latest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetActorStarterPacks {
    pub actor: Did,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Who is in these starter packs, as `viewer` may see it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetStarterPackContents {
    pub starter_packs: Vec<AtUri>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Did>,
}

/// Of the starter packs that are known, in the order asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StarterPackContents {
    pub contents: Vec<Contents>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contents {
    pub uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<AtUri>,
    /// The most followed of the latest people on the list. Those between whom and the list's owner
    /// a block stands are shown to the owner only.
    #[serde(default)]
    pub sample: Vec<ListItem>,
}

/// The field of a starter pack's record that says who is in it.
#[derive(Default, Deserialize)]
struct Named {
    list: Option<String>,
}

impl Question for GetActorStarterPacks {
    const NAME: &'static str = "getActorStarterPacks";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let actor = lookup::actor_id(tx, &self.actor)?;
        let (pack, limit) = (Collection::StarterPack, (self.limit, LIMIT_MAX));
        documents::of_actor(tx, actor, pack, &[], limit, self.cursor.as_deref())
    }
}

impl Question for GetStarterPackContents {
    const NAME: &'static str = "getStarterPackContents";
    type Answer = StarterPackContents;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<StarterPackContents, DataplaneError> {
        if self.starter_packs.len() > LIMIT_MAX as usize {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {LIMIT_MAX} starter packs, not {}",
                self.starter_packs.len()
            )));
        }
        let mut contents = Vec::with_capacity(self.starter_packs.len());
        for uri in &self.starter_packs {
            let Some(named) = record(tx, uri)? else { continue };
            let list = named.list.and_then(|text| AtUri::parse(&text).ok());
            let list = list.filter(|uri| uri.as_record().is_some());
            let sample = match &list {
                Some(list) => sample(tx, list, self.viewer.as_ref())?,
                None => Vec::new(),
            };
            contents.push(Contents { uri: uri.to_string(), list, sample });
        }
        Ok(StarterPackContents { contents })
    }
}

/// What a starter pack's record names, if it is known.
fn record(tx: &mut Tx, uri: &AtUri) -> Result<Option<Named>, DataplaneError> {
    let pack = Collection::StarterPack.code();
    let key = lookup::record_key(tx, uri)?.filter(|key| key.collection == pack);
    let Some(key) = key else { return Ok(None) };
    let json: Option<String> = tx.query_opt(
        "SELECT record FROM document WHERE actor_id = $1 AND collection = $2 AND rkey = $3",
        &[Param::Int(key.actor), Param::Int(pack), Param::Int(key.rkey)],
        |row| row.get(0),
    )?;
    Ok(json.map(|json| serde_json::from_str(&json).unwrap_or_default()))
}

fn sample(
    tx: &mut Tx,
    list: &AtUri,
    viewer: Option<&Did>,
) -> Result<Vec<ListItem>, DataplaneError> {
    let Some((owner, rkey)) = lists::list_key(tx, list)? else { return Ok(Vec::new()) };
    let mut items = lists::items(tx, (owner, rkey), TimeKey::START, SAMPLED_MAX)?;
    let subjects: Vec<i64> = items.iter().map(|item| item.subject).collect();
    if viewer != list.authority.as_did() {
        let blocked = blocks::blocked_with(tx, owner, &subjects)?;
        items.retain(|item| !blocked.contains(&item.subject));
    }
    let followers = followers(tx, &subjects)?;
    items.sort_by_key(|item| Reverse(followers.get(&item.subject).copied().unwrap_or(0)));
    items.truncate(SAMPLE_MAX);
    let names = lookup::Names::of(
        tx,
        items.iter().map(|item| item.subject).chain([owner]),
        items.iter().map(|item| item.rkey),
    )?;
    items.iter().map(|item| lists::named(&names, owner, item)).collect()
}

/// How many follow each of these accounts; those whom nobody follows may have no item.
fn followers(tx: &mut Tx, ids: &[i64]) -> Result<HashMap<i64, i64>, DataplaneError> {
    let counts = tx.query(
        "SELECT c.actor_id, c.followers FROM {id_list:$1} AS ids CROSS JOIN actor_count AS c WHERE c.actor_id = ids.id",
        &[Param::Ids(ids)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(counts.into_iter().collect())
}
