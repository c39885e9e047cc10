//! `getKnownFollowers`: those of an account's followers whom a viewer follows, in the order in
//! which the viewer came to follow them.

use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question, lookup, page_limit};
use crate::error::DataplaneError;

/// Largest answer.
pub const LIMIT_MAX: u32 = 100;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetKnownFollowers {
    pub actor: AtIdentifier,
    pub viewer: Did,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FollowersKnown {
    /// The account that is followed.
    pub subject: Did,
    pub followers: Vec<Did>,
}

const SQL: &str = "SELECT f.subject_actor FROM follow AS f
    WHERE f.actor_id = $1
      AND EXISTS (SELECT 1 FROM follow_by_subject AS s
          WHERE s.subject_actor = $2 AND s.actor_id = f.subject_actor)
      AND NOT EXISTS (SELECT 1 FROM follow_by_subject AS e
          WHERE e.subject_actor = f.subject_actor AND e.actor_id = f.actor_id AND e.rkey < f.rkey)
    ORDER BY f.rkey LIMIT $3";

impl Question for GetKnownFollowers {
    const NAME: &'static str = "getKnownFollowers";
    type Answer = FollowersKnown;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FollowersKnown, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let subject = lookup::known_actor(tx, &self.actor)?
            .ok_or_else(|| DataplaneError::NotFound(format!("actor not found: {}", self.actor)))?;
        let followers: Vec<i64> = match lookup::actor_id(tx, &self.viewer)? {
            Some(viewer) => tx.query(
                SQL,
                &[Param::Int(viewer), Param::Int(subject), Param::Int(limit)],
                |row| row.get(0),
            )?,
            None => Vec::new(),
        };
        let names = lookup::Names::of(tx, followers.iter().copied().chain([subject]), [])?;
        let dids = followers.iter().map(|id| Ok(names.did(*id)?.clone()));
        Ok(FollowersKnown {
            subject: names.did(subject)?.clone(),
            followers: dids.collect::<Result<_, DataplaneError>>()?,
        })
    }
}
