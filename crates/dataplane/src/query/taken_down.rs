//! What of an answer is taken down here (`own.takedown`). Mostly nothing is, anywhere: that is asked first,
//! then which accounts anything is taken down of, and single subjects of those alone.

use std::collections::{BTreeSet, HashMap};

use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, StoreError, Tx, dictionary};

use super::hydrate::PostKey;
use super::lookup;
use crate::apply::ids::Subject;
use crate::apply::label;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::{TakenDown, TakenDownBlob};
use crate::names::Names;

/// The kinds of subjects, as rows have them.
pub(super) const ACCOUNT: i64 = 0;
pub(super) const RECORD: i64 = 1;
pub(super) const BLOB: i64 = 2;

/// Blobs told of in one answer; an account with more of them is better taken down itself, and whoever serves
/// blobs asks of each.
const BLOBS_MAX: i64 = 10_000;

const ANY: &str =
    "SELECT CAST(CASE WHEN EXISTS (SELECT 1 FROM own.takedown) THEN 1 ELSE 0 END AS BIGINT)";

const TOUCHED: &str = "SELECT k.value FROM {text_list:$1} AS k
    WHERE EXISTS (SELECT 1 FROM own.takedown AS t WHERE t.did = k.value)";

const EXACT: &str = "SELECT k.place
    FROM {rows:place BIGINT, did TEXT, kind BIGINT, subject TEXT} AS k CROSS JOIN own.takedown AS t
    WHERE t.did = k.did AND t.kind = k.kind AND t.subject = k.subject";

const BLOBS: &str = "SELECT t.did, t.subject
    FROM {text_list:$1} AS k CROSS JOIN own.takedown AS t
    WHERE t.did = k.value AND t.kind = $2 LIMIT $3";

/// Whether anything is taken down at all.
pub(crate) fn any(tx: &mut Tx) -> Result<bool, StoreError> {
    tx.query_one(ANY, &[], |row| row.get(0))
}

/// Whether this account is taken down.
pub(crate) fn is_account(tx: &mut Tx, did: &Did) -> Result<bool, StoreError> {
    is_down(tx, did, ACCOUNT, "")
}

/// Whether this record is, whoever made it.
pub(crate) fn is_record(tx: &mut Tx, uri: &AtUri) -> Result<bool, StoreError> {
    match uri.as_record() {
        Some((did, collection, rkey)) => is_down(tx, did, RECORD, &format!("{collection}/{rkey}")),
        None => Ok(false),
    }
}

fn is_down(tx: &mut Tx, did: &Did, kind: i64, subject: &str) -> Result<bool, StoreError> {
    let found: Option<i64> = tx.query_opt(
        "SELECT 1 FROM own.takedown WHERE did = $1 AND kind = $2 AND subject = $3",
        &[Param::from(did), Param::Int(kind), Param::Text(subject)],
        |row| row.get(0),
    )?;
    Ok(found.is_some())
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Accounts and records with their names.
    pub(crate) subjects: HashMap<Subject, String>,
    /// Accounts of which anything is taken down.
    touched: Vec<String>,
}

impl Found {
    /// The account is, or this record of it.
    pub(crate) fn hides(&self, subject: Subject) -> bool {
        self.subjects.contains_key(&account(subject.actor)) || self.subjects.contains_key(&subject)
    }
}

/// Those of `subjects` that are taken down. Accounts are looked at with their records.
pub(crate) fn among(
    tx: &mut Tx,
    subjects: impl IntoIterator<Item = Subject>,
) -> Result<Found, StoreError> {
    let mut subjects: BTreeSet<Subject> = subjects.into_iter().collect();
    let actors: BTreeSet<i64> = subjects.iter().map(|subject| subject.actor).collect();
    let actors: Vec<i64> = actors.into_iter().collect();
    let dids = dictionary::actor_dids(tx, &actors)?;
    let texts: Vec<String> = dids.values().map(Did::to_string).collect();
    if texts.is_empty() {
        return Ok(Found::default());
    }
    let touched: Vec<String> = tx.query(TOUCHED, &[Param::Texts(&texts)], |row| row.get(0))?;
    if touched.is_empty() {
        return Ok(Found::default());
    }
    let is_touched: BTreeSet<&str> = touched.iter().map(String::as_str).collect();
    let touched_ids: BTreeSet<i64> = dids
        .iter()
        .filter(|(_, did)| is_touched.contains(did.as_str()))
        .map(|(id, _)| *id)
        .collect();
    subjects.retain(|subject| touched_ids.contains(&subject.actor));
    subjects.extend(touched_ids.iter().map(|id| account(*id)));
    let keys = subjects.iter().flat_map(|subject| [subject.rkey, subject.collection]);
    let names = Names::of(tx, touched_ids.iter().copied(), keys)?;
    let mut rows = Vec::with_capacity(subjects.len());
    for subject in &subjects {
        let did = names.did(subject.actor)?.to_string();
        let (kind, name) = match subject.collection {
            label::ACCOUNT => (ACCOUNT, did.clone()),
            collection => (RECORD, names.uri(subject.actor, collection, subject.rkey)?),
        };
        rows.push((*subject, did, kind, name));
    }
    let params = rows.iter().enumerate().map(|(place, (_, did, kind, name))| {
        // Behind `at://<did>/`, of an account nothing.
        let prefix = format!("at://{did}/");
        let key = name.strip_prefix(&prefix).unwrap_or_default();
        [Param::Int(place as i64), Param::Text(did), Param::Int(*kind), Param::Text(key)]
    });
    let places: Vec<i64> = tx.query_many(EXACT, params, |row| row.get(0))?;
    let found = places.into_iter().filter_map(|place| {
        let (subject, _, _, name) = rows.get(usize::try_from(place).ok()?)?;
        Some((*subject, name.clone()))
    });
    Ok(Found { subjects: found.collect(), touched })
}

/// What is taken down of what an answer shows: `subjects`, and the records of `further` URIs.
pub(super) fn shown(
    tx: &mut Tx,
    subjects: BTreeSet<Subject>,
    further: &[AtUri],
) -> Result<TakenDown, DataplaneError> {
    let further = lookup::record_keys(tx, further)?.into_iter().flatten();
    let further =
        further.map(|key| Subject { actor: key.actor, collection: key.collection, rkey: key.rkey });
    let Found { subjects, touched } = among(tx, subjects.into_iter().chain(further))?;
    let mut taken_down = TakenDown::default();
    taken_down.subjects.extend(subjects.into_values());
    taken_down.subjects.sort_unstable();
    if touched.is_empty() {
        return Ok(taken_down);
    }
    let params = [Param::Texts(&touched), Param::Int(BLOB), Param::Int(BLOBS_MAX)];
    let blobs: Vec<(String, String)> =
        tx.query(BLOBS, &params, |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (did, cid) in blobs {
        taken_down.blobs.push(TakenDownBlob { did: lookup::did(&did)?, cid });
    }
    Ok(taken_down)
}

/// An account as a subject.
pub(crate) fn account(actor: i64) -> Subject {
    Subject { actor, collection: label::ACCOUNT, rkey: 0 }
}

/// A post as a subject.
pub(crate) fn post((actor, rkey): PostKey) -> Subject {
    Subject { actor, collection: Collection::Post.code(), rkey }
}
