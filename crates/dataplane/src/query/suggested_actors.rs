//! `getSuggestedActors`: whom somebody may want to follow: first whom the operator chose, then whom those whom they
//! follow follow, then the best known here. `getSuggestedFollows`: besides one account, whose posts it likes and whom
//! it follows, then whom the operator chose and the best known.
//!
//! Only the latest follows and likes are looked at, so that an account with very many costs no more.

use foldhash::{HashMap, HashMapExt, HashSet};
use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::search_actors::ActorPage;
use super::{Context, Question, chosen, lookup, page_limit};
use crate::error::DataplaneError;
use crate::ranking::{Place, presentable};

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Of the viewer's follows, and of the follows of each of those, the latest so many.
const FOLLOWED_MAX: i64 = 50;
const SECOND_MAX: i64 = 100;
/// Accounts that are known through others; the rest of a list are the best known ones.
const NEAR_MAX: usize = 300;
/// What stands above every number of followers.
const NEAR: i64 = 1 << 48;
/// Of an account's likes and follows the latest so many, and what a follow counts for.
const LIKES_MAX: i64 = 500;
const FOLLOWS_MAX: i64 = 200;
const FOLLOW_WEIGHT: i64 = 3;
/// Accounts suggested besides another.
const BESIDES_MAX: usize = 10;

/// Whom `viewer` may want to follow, or anybody.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetSuggestedActors {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Did>,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Whom who follows `actor` may want to follow besides.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetSuggestedFollows {
    pub actor: AtIdentifier,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Did>,
}

impl Question for GetSuggestedActors {
    const NAME: &'static str = "getSuggestedActors";
    type Answer = ActorPage;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<ActorPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        // The position of the best is a score where others have a time.
        let TimeKey { time_us: score, key: rkey, actor } = TimeKey::parse(self.cursor.as_deref())?;
        let after = Place { score, rkey, actor };
        let viewer = id_of(tx, self.viewer.as_ref())?;
        let mut people = chosen::people(tx)?;
        if let Some(viewer) = viewer {
            add(&mut people, near(tx, viewer)?);
        }
        add(&mut people, cx.rankings.now().people.iter().copied());
        people.retain(|place| *place < after);
        retain_strangers(tx, viewer, &mut people)?;
        let cursor = TimeKey::next(&mut people, limit, Place::key);
        named(tx, &people, cursor)
    }
}

impl Question for GetSuggestedFollows {
    const NAME: &'static str = "getSuggestedFollows";
    type Answer = ActorPage;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<ActorPage, DataplaneError> {
        let actor = lookup::known_actor(tx, &self.actor)?
            .ok_or_else(|| DataplaneError::NotFound(format!("actor not found: {}", self.actor)))?;
        let viewer = id_of(tx, self.viewer.as_ref())?;
        let mut counts = HashMap::new();
        for liked in latest(tx, LIKED, actor, LIKES_MAX)? {
            *counts.entry(liked).or_default() += 1;
        }
        for followed in latest(tx, FOLLOWED, actor, FOLLOWS_MAX)? {
            *counts.entry(followed).or_default() += FOLLOW_WEIGHT;
        }
        let mut people = best_of(tx, counts)?;
        add(&mut people, chosen::people(tx)?);
        add(&mut people, cx.rankings.now().people.iter().copied());
        people.retain(|place| place.actor != actor);
        retain_strangers(tx, viewer, &mut people)?;
        people.truncate(BESIDES_MAX);
        named(tx, &people, None)
    }
}

const FOLLOWED: &str =
    "SELECT subject_actor FROM follow WHERE actor_id = $1 ORDER BY rkey DESC LIMIT $2";
const LIKED: &str =
    "SELECT subject_actor FROM \"like\" WHERE actor_id = $1 ORDER BY rkey DESC LIMIT $2";

/// The accounts that the latest records of one point at, by [`FOLLOWED`] or [`LIKED`].
fn latest(tx: &mut Tx, sql: &str, actor: i64, max: i64) -> Result<Vec<i64>, StoreError> {
    tx.query(sql, &[actor, max].map(Param::Int), |row| row.get(0))
}

fn id_of(tx: &mut Tx, did: Option<&Did>) -> Result<Option<i64>, DataplaneError> {
    did.map_or(Ok(None), |did| lookup::actor_id(tx, did))
}

/// Whom most of those follow whom the viewer follows.
fn near(tx: &mut Tx, viewer: i64) -> Result<Vec<Place>, StoreError> {
    let mut counts = HashMap::new();
    for followed in latest(tx, FOLLOWED, viewer, FOLLOWED_MAX)? {
        for second in latest(tx, FOLLOWED, followed, SECOND_MAX)? {
            *counts.entry(second).or_default() += 1;
        }
    }
    best_of(tx, counts)
}

/// The presentable ones of those that were counted, who was counted most first.
fn best_of(tx: &mut Tx, counts: HashMap<i64, i64>) -> Result<Vec<Place>, StoreError> {
    let place = |(actor, count): (i64, i64)| Place { score: NEAR + count, rkey: 0, actor };
    let mut people: Vec<Place> = counts.into_iter().map(place).collect();
    people.sort_unstable_by(|left, right| right.cmp(left));
    people.truncate(NEAR_MAX);
    let shown = presentable(tx, people.iter().map(|place| place.actor))?;
    people.retain(|place| shown.contains(&place.actor));
    Ok(people)
}

/// Adds those who are not there yet.
fn add(people: &mut Vec<Place>, more: impl IntoIterator<Item = Place>) {
    let there: HashSet<i64> = people.iter().map(|place| place.actor).collect();
    people.extend(more.into_iter().filter(|place| !there.contains(&place.actor)));
}

/// Not the viewer, nor whom they follow already.
fn retain_strangers(
    tx: &mut Tx,
    viewer: Option<i64>,
    people: &mut Vec<Place>,
) -> Result<(), StoreError> {
    const SQL: &str = "SELECT ids.id FROM {id_list:$1} AS ids WHERE EXISTS (
        SELECT 1 FROM follow_by_subject AS s WHERE s.subject_actor = ids.id AND s.actor_id = $2)";
    let Some(viewer) = viewer else { return Ok(()) };
    let ids = people.iter().map(|place| place.actor);
    let followed = lookup::some_of(tx, SQL, ids, &[Param::Int(viewer)])?;
    people.retain(|place| place.actor != viewer && !followed.contains(&place.actor));
    Ok(())
}

fn named(
    tx: &mut Tx,
    people: &[Place],
    cursor: Option<String>,
) -> Result<ActorPage, DataplaneError> {
    let names = lookup::Names::of(tx, people.iter().map(|place| place.actor), [])?;
    let dids = people.iter().map(|place| names.did(place.actor).cloned());
    Ok(ActorPage { dids: dids.collect::<Result<_, _>>()?, cursor })
}
