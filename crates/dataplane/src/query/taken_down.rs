//! What of an answer is taken down here (`own.takedown`). Mostly nothing is, anywhere: that is asked first,
//! then which accounts anything is taken down of, and single subjects of those alone.

use std::collections::BTreeSet;

use foldhash::HashMap;
use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, StoreError, Tx};

use super::hydrate::PostKey;
use super::lookup;
use super::named_subjects::{self, NamedSubject};
use crate::apply::ids::Subject;
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::{TakenDown, TakenDownBlob};

pub(crate) use super::named_subjects::account;

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
    match named_subjects::record(uri) {
        Some((did, key)) => is_down(tx, did, RECORD, &key),
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
    let named = named_subjects::of_touched(tx, subjects, TOUCHED)?;
    let rows = named.iter().enumerate().map(|(place, subject)| {
        let kind = if subject.is_account() { ACCOUNT } else { RECORD };
        let [did, key] = [&subject.did, &subject.key].map(Param::from);
        [Param::Int(place as i64), did, Param::Int(kind), key]
    });
    let places: Vec<i64> = tx.query_many(EXACT, rows, |row| row.get(0))?;
    let found = places.into_iter().filter_map(|place| {
        let subject = named.get(usize::try_from(place).ok()?)?;
        Some((subject.subject, subject.name()))
    });
    let subjects = found.collect();
    let touched = named.into_iter().filter(NamedSubject::is_account).map(|account| account.did);
    Ok(Found { subjects, touched: touched.collect() })
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

/// A post as a subject.
pub(crate) fn post((actor, rkey): PostKey) -> Subject {
    Subject { actor, collection: Collection::Post.code(), rkey }
}
