//! `getActors`: which accounts these names mean, with their standing. `getRepoRev`: how far an
//! account's own repository is visible here.

use millrace_atproto::syntax::{AtIdentifier, Did, Tid};
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question, lookup};
use crate::error::DataplaneError;

/// Most names one question may hold.
pub const ACTORS_MAX: usize = 500;

/// Resolves handles and DIDs to known accounts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetActors {
    pub actors: Vec<AtIdentifier>,
}

/// An account's standing; unknown names have no item.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActorStanding {
    /// The name that was asked for.
    pub asked: AtIdentifier,
    pub did: Did,
    pub handle: Option<String>,
    pub active: bool,
    pub status: Option<String>,
    /// It is taken down here.
    #[serde(default)]
    pub taken_down: bool,
}

impl ActorStanding {
    /// It is active and not taken down.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.active && !self.taken_down
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Actors {
    pub actors: Vec<ActorStanding>,
}

impl Question for GetActors {
    const NAME: &'static str = "getActors";
    type Answer = Actors;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Actors, DataplaneError> {
        if self.actors.len() > ACTORS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {ACTORS_MAX} actors, not {}",
                self.actors.len()
            )));
        }
        let mut actors = Vec::with_capacity(self.actors.len());
        for asked in self.actors {
            if let Some(standing) = lookup::standing(tx, &asked)? {
                actors.push(standing);
            }
        }
        Ok(Actors { actors })
    }
}

/// Asks for the `rev` up to which an account's repository is visible.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetRepoRev {
    pub did: Did,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepoRev {
    pub rev: Option<Tid>,
}

impl Question for GetRepoRev {
    const NAME: &'static str = "getRepoRev";
    type Answer = RepoRev;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<RepoRev, DataplaneError> {
        Ok(RepoRev { rev: lookup::repo_rev(tx, &self.did)? })
    }
}
