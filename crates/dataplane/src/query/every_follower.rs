//! All followers of an account in the order of the index, for who has to reach every one of them:
//! a page costs the same however many there are. The cursor is the last follower's DID, so that
//! it outlives the store's ids.

use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_store::{Param, Tx};

use super::{lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::FollowEdge;

/// Largest page.
pub const LIMIT_MAX: u32 = 1_000;
/// The page of who names no size.
pub const LIMIT_DEFAULT: u32 = 100;

/// Followers of an account, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followers {
    pub followers: Vec<FollowEdge>,
    /// The last of them, when there are more.
    pub next: Option<Did>,
}

const SQL: &str = "SELECT f.actor_id, min(f.rkey) FROM follow_by_subject AS f
    WHERE f.subject_actor = $1 AND f.actor_id > $2
    GROUP BY f.actor_id ORDER BY f.actor_id LIMIT $3";

/// The followers of `actor` after the one that `after` names.
pub(crate) fn page(
    tx: &mut Tx,
    actor: &Did,
    limit: u32,
    after: Option<&Did>,
) -> Result<Followers, DataplaneError> {
    let limit = page_limit(limit, LIMIT_MAX)?;
    let after = match after {
        Some(did) => lookup::actor_id(tx, did)?
            .ok_or_else(|| DataplaneError::InvalidRequest(format!("malformed cursor: {did}")))?,
        None => i64::MIN,
    };
    let subject = lookup::known_actor(tx, &AtIdentifier::Did(actor.clone()))?
        .ok_or_else(|| DataplaneError::NotFound(format!("actor not found: {actor}")))?;
    let params = [Param::Int(subject), Param::Int(after), Param::Int(limit + 1)];
    let mut rows: Vec<(i64, i64)> = tx.query(SQL, &params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    let has_more = rows.len() as i64 > limit;
    rows.truncate(limit as usize);
    let names = lookup::Names::of(tx, rows.iter().map(|row| row.0), rows.iter().map(|row| row.1))?;
    let followers = rows.iter().map(|(actor, rkey)| {
        Ok(FollowEdge {
            uri: names.uri(*actor, Collection::Follow.code(), *rkey)?,
            did: names.did(*actor)?.clone(),
        })
    });
    let followers: Vec<FollowEdge> = followers.collect::<Result<_, DataplaneError>>()?;
    let next = followers.last().filter(|_| has_more).map(|last| last.did.clone());
    Ok(Followers { followers, next })
}
