//! Whom the viewer follows among the followers of accounts: how many, and the first few.

use foldhash::{HashMap, HashSet};
use millrace_store::{Param, StoreError, Tx};

use super::between::{self, Pair};
use super::counts::Counted;
use super::names::NameIds;
use crate::model;
use crate::names::Names;

/// Of those whom the viewer follows the first so many are looked at.
const FOLLOWS_MAX: i64 = 10_000;
/// Looks at pairs of accounts in one question; with many subjects fewer follows are looked at.
const LOOKS_MAX: i64 = 100_000;
/// How many of them are shown.
const SHOWN_MAX: usize = 5;

const SQL: &str = "SELECT ids.id, f.subject_actor
    FROM {id_list:$1} AS ids
    CROSS JOIN (SELECT l.subject_actor, min(l.rkey) AS rkey
                FROM (SELECT subject_actor, rkey FROM follow WHERE actor_id = $2 ORDER BY rkey LIMIT $3) AS l
                GROUP BY l.subject_actor) AS f
    WHERE EXISTS (SELECT 1 FROM follow_by_subject AS s
        WHERE s.subject_actor = ids.id AND s.actor_id = f.subject_actor)
    ORDER BY ids.id, f.rkey";

/// By subject, in the order in which the viewer came to follow them.
#[derive(Debug, Default)]
pub(super) struct KnownFollowers {
    counts: HashMap<i64, i64>,
    shown: HashMap<i64, Vec<i64>>,
}

impl KnownFollowers {
    pub(super) fn load(
        tx: &mut Tx,
        counted: &mut Counted,
        viewer: i64,
        subjects: &[i64],
    ) -> Result<Self, StoreError> {
        let subjects: HashSet<i64> = subjects.iter().copied().collect();
        let subjects: Vec<i64> = subjects.into_iter().collect();
        if subjects.is_empty() {
            return Ok(Self::default());
        }
        let each = LOOKS_MAX / i64::try_from(subjects.len()).unwrap_or(LOOKS_MAX);
        let params =
            [Param::Ids(&subjects), Param::Int(viewer), Param::Int(each.clamp(1, FOLLOWS_MAX))];
        let mut known = Self::default();
        tx.for_each(SQL, &params, |row| {
            let subject: i64 = row.get(0)?;
            *known.counts.entry(subject).or_default() += 1;
            let shown = known.shown.entry(subject).or_default();
            if shown.len() < SHOWN_MAX {
                shown.push(row.get(1)?);
            }
            Ok(())
        })?;
        known.hide_blocked(tx, counted)?;
        Ok(known)
    }

    /// Those between whom and the subject a block stands are counted and not shown.
    fn hide_blocked(&mut self, tx: &mut Tx, counted: &mut Counted) -> Result<(), StoreError> {
        let pairs = |(subject, shown): (&i64, &Vec<i64>)| -> Vec<Pair> {
            shown.iter().map(|known| (*subject, *known)).collect()
        };
        let blocked = between::blocked(tx, counted, self.shown.iter().flat_map(pairs))?;
        for (subject, shown) in &mut self.shown {
            shown.retain(|known| !blocked.contains(&(*subject, *known)));
        }
        Ok(())
    }

    /// Those who are shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = i64> {
        self.shown.values().flatten().copied()
    }

    pub(super) fn name(&self, ids: &mut NameIds) {
        self.shown().for_each(|id| ids.actor(id));
    }

    /// Of a subject; `None` when the viewer knows none of its followers.
    pub(super) fn present(
        &self,
        subject: i64,
        names: &Names,
    ) -> Result<Option<model::KnownFollowers>, StoreError> {
        let Some(count) = self.counts.get(&subject) else { return Ok(None) };
        let shown = self.shown.get(&subject).into_iter().flatten();
        let followers = shown.map(|id| Ok(names.did(*id)?.clone()));
        let followers = followers.collect::<Result<_, StoreError>>()?;
        Ok(Some(model::KnownFollowers { count: *count, followers }))
    }
}
