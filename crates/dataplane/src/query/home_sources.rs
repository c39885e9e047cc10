//! `getHomeSources`: what somebody's home is made from: whom they follow, who of those follows them back and
//! how often they liked, answered, reposted or quoted each of them lately; and in which languages and with
//! which tags they write themselves.

use std::collections::BTreeMap;

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::syntax::Did;
use millrace_store::{Param, RkeyId, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::timeline::FOLLOWS_MAX;
use super::{Context, Question, lookup};
use crate::error::DataplaneError;
use crate::written::Written;

/// Interactions and posts of an account that are looked at, the latest of each kind.
const INTERACTIONS_MAX: i64 = 2_000;
const POSTS_MAX: i64 = 50;
/// Accounts that are told of as hidden.
const HIDDEN_MAX: i64 = 100_000;
/// Tags and languages that are told.
const TAGS_MAX: usize = 20;
const LANGUAGES_MAX: usize = 5;
/// A language of one post in so many is one they write in.
const LANGUAGE_OF_POSTS: usize = 10;
const DAY_US: i64 = 86_400_000_000;
/// Interactions count for half of it after so long, and for nothing after three times that.
pub const INTERACTION_HALF_US: i64 = 10 * DAY_US;
const WINDOW_US: i64 = 3 * INTERACTION_HALF_US;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetHomeSources {
    pub actor: Did,
    /// Only these of whom it follows and whom it is not to see; everybody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub among: Option<Vec<Did>>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HomeSources {
    /// The latest follows, at most 10,000.
    pub followed: Vec<Followed>,
    /// Whose posts the account is not to see: a block stands between them, or it mutes them.
    pub hidden: Vec<Did>,
    /// Primary subtags of languages the account writes in, the most used first.
    pub languages: Vec<String>,
    /// Tags it writes, in lower case, the most used first.
    pub tags: Vec<String>,
}

/// Somebody who is followed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Followed {
    pub did: Did,
    /// Follows back.
    pub mutual: bool,
    /// Likes, answers, reposts and quotes of the last 30 days, each half as much after 10 days.
    pub interactions: f64,
}

impl Question for GetHomeSources {
    const NAME: &'static str = "getHomeSources";
    type Answer = HomeSources;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<HomeSources, DataplaneError> {
        let Some(actor) = lookup::actor_id(tx, &self.actor)? else {
            return Ok(HomeSources::default());
        };
        let among = match &self.among {
            Some(among) if among.len() > FOLLOWS_MAX as usize => {
                let count = among.len();
                let message = format!("at most {FOLLOWS_MAX} accounts, not {count}");
                return Err(DataplaneError::InvalidRequest(message));
            }
            Some(among) => Some(lookup::actor_ids(tx, among)?),
            None => None,
        };
        let followed = followed(tx, actor, among.as_deref())?;
        let interactions = match followed.is_empty() {
            true => HashMap::new(),
            false => interactions(tx, actor)?,
        };
        let mut hidden = hidden(tx, actor, &self.actor)?;
        hidden.retain(|id| among.as_ref().is_none_or(|among| among.contains(id)));
        let others = followed.iter().map(|one| one.0).chain(hidden.iter().copied());
        let names = lookup::Names::of(tx, others, [])?;
        let followed = followed.into_iter().map(|(id, mutual)| {
            let interactions = interactions.get(&id).copied().unwrap_or_default();
            Ok(Followed { did: names.did(id)?.clone(), mutual, interactions })
        });
        let followed = followed.collect::<Result<_, StoreError>>()?;
        let hidden = hidden.into_iter().map(|id| names.did(id).cloned());
        let hidden = hidden.collect::<Result<_, StoreError>>()?;
        let (languages, tags) = habits(tx, actor)?;
        Ok(HomeSources { followed, hidden, languages, tags })
    }
}

/// Whom an account follows, each once, and whether they follow it back.
fn followed(
    tx: &mut Tx,
    actor: i64,
    among: Option<&[i64]>,
) -> Result<Vec<(i64, bool)>, StoreError> {
    const MUTUAL: &str = "CAST(CASE WHEN EXISTS (SELECT 1 FROM follow_by_subject AS b
        WHERE b.subject_actor = $1 AND b.actor_id = f.subject_actor) THEN 1 ELSE 0 END AS BIGINT)";
    let read = |row: &millrace_store::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let mut found: Vec<(i64, bool)> = match among {
        None => tx.query(
            &format!(
                "SELECT f.subject_actor, {MUTUAL} FROM (SELECT subject_actor FROM follow
                 WHERE actor_id = $1 AND subject_actor <> $1 ORDER BY rkey DESC LIMIT $2) AS f"
            ),
            &[Param::Int(actor), Param::Int(FOLLOWS_MAX)],
            read,
        )?,
        Some(among) => tx.query(
            &format!(
                "SELECT f.subject_actor, {MUTUAL} FROM {{id_list:$2}} AS ids
                 CROSS JOIN follow_by_subject AS f
                 WHERE f.subject_actor = ids.id AND f.actor_id = $1 AND f.subject_actor <> $1"
            ),
            &[Param::Int(actor), Param::Ids(among)],
            read,
        )?,
    };
    found.sort_unstable();
    found.dedup_by_key(|one| one.0);
    Ok(found)
}

/// Whom a block keeps apart from the account, whoever made it, and whom it mutes whole; as far as they were ever
/// seen here.
pub(super) fn hidden(tx: &mut Tx, actor: i64, did: &Did) -> Result<Vec<i64>, StoreError> {
    const BLOCKS: &str = "SELECT subject_actor FROM block WHERE actor_id = $1
        UNION SELECT actor_id FROM block_by_subject WHERE subject_actor = $1
        UNION SELECT d.id FROM own.actor_mute AS m CROSS JOIN dictionary.actor AS d
            WHERE m.did = $2 AND m.only_reposts = 0 AND m.only_quoteposts = 0 AND d.did = m.subject
        LIMIT $3";
    let params = [Param::Int(actor), Param::from(did), Param::Int(HIDDEN_MAX)];
    tx.query(BLOCKS, &params, |row| row.get(0))
}

/// How often the account did something with each other's posts lately, the older the less.
fn interactions(tx: &mut Tx, actor: i64) -> Result<HashMap<i64, f64>, StoreError> {
    let now_us = tx.now_us();
    let since_us = now_us.saturating_sub(WINDOW_US);
    // Keys of records that are made as they are written are times.
    let since = (since_us << 10).max(0);
    let mut sums: HashMap<i64, f64> = HashMap::new();
    for sql in [
        "SELECT subject_actor, rkey FROM \"like\" WHERE actor_id = $1 AND rkey >= $2 ORDER BY rkey DESC LIMIT $3",
        "SELECT subject_actor, rkey FROM repost WHERE actor_id = $1 AND rkey >= $2 ORDER BY rkey DESC LIMIT $3",
        "SELECT parent_actor, rkey FROM post WHERE actor_id = $1 AND rkey >= $2 AND parent_actor IS NOT NULL
            ORDER BY rkey DESC LIMIT $3",
        "SELECT quote_actor, rkey FROM post WHERE actor_id = $1 AND rkey >= $2 AND quote_actor IS NOT NULL
            ORDER BY rkey DESC LIMIT $3",
    ] {
        let params = [actor, since, INTERACTIONS_MAX].map(Param::Int);
        tx.for_each(sql, &params, |row| {
            let (other, rkey): (i64, i64) = (row.get(0)?, row.get(1)?);
            *sums.entry(other).or_default() += weight(RkeyId(rkey), now_us);
            Ok(())
        })?;
    }
    sums.remove(&actor);
    Ok(sums)
}

/// What an interaction counts for by now.
#[expect(clippy::cast_precision_loss, reason = "a weight is rough")]
fn weight(rkey: RkeyId, now_us: i64) -> f64 {
    let at_us = rkey.0 >> 10;
    let age_us = now_us.saturating_sub(at_us).max(0);
    (-(age_us as f64) / INTERACTION_HALF_US as f64).exp2()
}

/// The languages and the tags of an account's latest posts.
fn habits(tx: &mut Tx, actor: i64) -> Result<(Vec<String>, Vec<String>), StoreError> {
    const SQL: &str = "SELECT p.record FROM (SELECT post_actor, post_rkey FROM feed_item
            WHERE actor_id = $1 AND post_actor = $1 ORDER BY sort_at_us DESC LIMIT $2) AS f
        CROSS JOIN post AS p WHERE p.actor_id = f.post_actor AND p.rkey = f.post_rkey";
    let (mut languages, mut tags) = (BTreeMap::new(), BTreeMap::new());
    let mut posts = 0;
    tx.for_each(SQL, &[Param::Int(actor), Param::Int(POSTS_MAX)], |row| {
        let written = Written::of(row.text(0)?);
        posts += 1;
        written.languages.into_iter().for_each(|one| *languages.entry(one).or_default() += 1);
        written.tags.iter().for_each(|tag| *tags.entry(tag.to_lowercase()).or_default() += 1);
        Ok(())
    })?;
    languages.retain(|_, count: &mut usize| *count * LANGUAGE_OF_POSTS >= posts);
    Ok((most_used(languages, LANGUAGES_MAX), most_used(tags, TAGS_MAX)))
}

fn most_used(counts: BTreeMap<String, usize>, max: usize) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    counts.into_iter().take(max).map(|one| one.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interactions_fade() {
        let now_us = 100 * DAY_US;
        let at = |days: i64| RkeyId((now_us - days * DAY_US) << 10);
        assert!((weight(at(0), now_us) - 1.0).abs() < 1e-9);
        assert!((weight(at(10), now_us) - 0.5).abs() < 1e-9);
        assert!((weight(at(30), now_us) - 0.125).abs() < 1e-9);
        // Written for a time to come.
        assert!((weight(at(-5), now_us) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_most_used_come_first() {
        let counts = [("b", 2), ("a", 2), ("c", 5)].map(|(text, count)| (text.to_owned(), count));
        assert_eq!(most_used(BTreeMap::from(counts), 2), ["c", "a"]);
    }
}
