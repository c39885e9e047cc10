//! `getRelationships`: what one account is to others. Nobody is anything to themselves, nor to an
//! account that is not here or was deleted.

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx, dictionary};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question, hydrate, lookup};
use crate::error::DataplaneError;
use crate::model::Relationship;

/// Most accounts one question may name.
pub const OTHERS_MAX: usize = 100;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetRelationships {
    pub actor: Did,
    pub others: Vec<Did>,
}

/// One item for each account asked for, in that order; accounts without any edge have bare items.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Relationships {
    pub relationships: Vec<Relationship>,
}

impl Question for GetRelationships {
    const NAME: &'static str = "getRelationships";
    type Answer = Relationships;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Relationships, DataplaneError> {
        if self.others.len() > OTHERS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {OTHERS_MAX} others, not {}",
                self.others.len()
            )));
        }
        let viewer = lookup::actor_id(tx, &self.actor)?;
        let ids = dictionary::actor_ids(tx, &self.others)?;
        let others = here(tx, ids.values().copied().collect())?;
        let states = match viewer {
            Some(viewer) => hydrate::actor_viewers(tx, viewer, &others)?,
            None => HashMap::new(),
        };
        let mut relationships = Vec::with_capacity(self.others.len());
        for did in &self.others {
            let state = ids.get(did).and_then(|id| states.get(id));
            let state = state.cloned().unwrap_or_default();
            relationships.push(Relationship {
                did: did.clone(),
                following: state.following,
                followed_by: state.followed_by,
                blocking: state.blocking,
                blocked_by: state.blocked_by,
                blocking_by_list: state.blocking_by_list,
                blocked_by_list: state.blocked_by_list,
            });
        }
        Ok(Relationships { relationships })
    }
}

/// The accounts that are here; edges may also name others.
fn here(tx: &mut Tx, ids: Vec<i64>) -> Result<Vec<i64>, DataplaneError> {
    Ok(tx.query(
        "SELECT a.actor_id FROM {id_list:$1} AS ids CROSS JOIN actor AS a
         WHERE a.actor_id = ids.id AND (a.status IS NULL OR a.status <> 'deleted')",
        &[Param::Ids(&ids)],
        |row| row.get(0),
    )?)
}
