//! Documents and profiles: what their records say against the columns beside them. A gate stands under
//! the key of its post, so a record that does not belong under its key is none.

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::RecordKey;
use millrace_store::{Param, StoreError, Tx};

use super::inverse::params;
use super::naming::{Subject, beyond};
use super::{Check, Finding, Slice};
use crate::apply::ids::{Ids, Names as Wanted, self_rkey};
use crate::apply::{Key, decode, run};
use crate::collection::Collection;
use crate::names::Names;
use crate::repair::Mend;

/// Rows of a slice: each may hold a record of 128 KiB.
const ROWS_MAX: i64 = 200;

pub(super) struct Documents;

/// A stored document: its key, and what stands beside its record.
struct Document {
    key: Key,
    collection: i64,
    cid: Vec<u8>,
    record: String,
    sort_at_us: i64,
    indexed_at_us: i64,
    purpose: Option<i64>,
}

const DOCUMENT: &str =
    "s.actor_id, s.collection, s.rkey, s.cid, s.record, s.sort_at_us, s.indexed_at_us, s.purpose";

fn document(row: &millrace_store::Row<'_>) -> Result<Document, StoreError> {
    Ok(Document {
        key: (row.get(0)?, row.get(2)?),
        collection: row.get(1)?,
        cid: row.get(3)?,
        record: row.get(4)?,
        sort_at_us: row.get(5)?,
        indexed_at_us: row.get(6)?,
        purpose: row.get(7)?,
    })
}

impl Document {
    /// Time and purpose as the record says; `None` when it is not one that stands here.
    fn expected(&self, names: &Names) -> Option<(i64, Option<i64>)> {
        let collection = Collection::from_code(self.collection).filter(is_document)?;
        let did = names.did(self.key.0).ok()?;
        let rkey = RecordKey::parse(&names.rkey(self.key.1).ok()?).ok()?;
        let cid = Cid::from_bytes(&self.cid).ok()?;
        let put = decode::stored(did, collection, &rkey, cid, &self.record, self.indexed_at_us)?;
        match put.resolved(&Ids::default()).fields {
            run::Fields::Document(_, fields) => {
                Some((fields.created_at_us.min(self.indexed_at_us), fields.purpose))
            }
            _ => None,
        }
    }

    fn finding(&self, expected: &str, found: &str, mend: Mend) -> Finding {
        let (actor, rkey) = self.key;
        Finding {
            check: "documents",
            subject: Subject::Record { actor, collection: self.collection, rkey },
            expected: expected.to_owned(),
            found: found.to_owned(),
            mend,
        }
    }
}

/// Whether records of the collection stand in the table of documents.
fn is_document(collection: &Collection) -> bool {
    !matches!(
        collection,
        Collection::Post
            | Collection::Profile
            | Collection::Like
            | Collection::Repost
            | Collection::Follow
            | Collection::Block
            | Collection::ListItem
            | Collection::ListBlock
            | Collection::Verification
    )
}

fn names(tx: &mut Tx, documents: &[Document]) -> Result<Names, StoreError> {
    Names::of(
        tx,
        documents.iter().map(|document| document.key.0),
        documents.iter().map(|document| document.key.1),
    )
}

impl Check for Documents {
    fn name(&self) -> &'static str {
        "documents"
    }

    fn table(&self) -> &'static str {
        "document"
    }

    fn width(&self) -> usize {
        3
    }

    fn rows_max(&self) -> i64 {
        ROWS_MAX
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let key = ["actor_id", "collection", "rkey"];
        let sql = format!(
            "SELECT {DOCUMENT} FROM (SELECT * FROM document {}) AS s
             ORDER BY s.actor_id, s.collection, s.rkey",
            beyond(&key, "")
        );
        let documents = tx.query(&sql, &params(after, limit), document)?;
        let names = names(tx, &documents)?;
        let mut slice = Slice { rows: documents.len() as u64, ..Slice::default() };
        for document in &documents {
            let key = [document.key.0, document.collection, document.key.1];
            match document.expected(&names) {
                None => slice.findings.push(document.finding(
                    "a record that stands under this key",
                    "another text",
                    match Collection::from_code(document.collection).filter(is_document) {
                        Some(collection) => Mend::Unreadable("document", collection, document.key),
                        None => Mend::Row("document", key.to_vec()),
                    },
                )),
                Some(expected) if expected == (document.sort_at_us, document.purpose) => {}
                Some(_) => slice.findings.push(document.finding(
                    "the time and purpose of its record",
                    "another",
                    Mend::Document(key),
                )),
            }
            slice.last = Some(key.to_vec());
        }
        Ok(slice)
    }
}

/// Writes the columns of these documents as their records say.
pub(crate) fn mend_documents(tx: &mut Tx, keys: &[[i64; 3]]) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {DOCUMENT} FROM {{rows:actor BIGINT, collection BIGINT, rkey BIGINT}} AS k CROSS JOIN document AS s
         WHERE s.actor_id = k.actor AND s.collection = k.collection AND s.rkey = k.rkey"
    );
    let rows = keys.iter().map(|key| key.map(Param::Int));
    let documents = tx.query_many(&sql, rows, document)?;
    let names = names(tx, &documents)?;
    let expected = documents.iter().filter_map(|it| Some((it, it.expected(&names)?)));
    tx.execute_many(
        "UPDATE document SET sort_at_us = k.sort_at_us, purpose = k.purpose
         FROM {rows:a BIGINT KEY, b BIGINT KEY, c BIGINT KEY, sort_at_us BIGINT, purpose BIGINT} AS k
         WHERE document.actor_id = k.a AND document.collection = k.b AND document.rkey = k.c",
        expected.map(|(document, (sort_at_us, purpose))| {
            [
                Param::Int(document.key.0),
                Param::Int(document.collection),
                Param::Int(document.key.1),
                Param::Int(sort_at_us),
                Param::from(purpose),
            ]
        }),
    )?;
    Ok(())
}

pub(super) struct Profiles;

/// A stored profile and the starter pack beside it.
struct Profile {
    actor: i64,
    cid: Vec<u8>,
    record: String,
    indexed_at_us: i64,
    joined: Option<Key>,
}

const PROFILE: &str = "s.actor_id, s.cid, s.record, s.indexed_at_us, s.joined_actor, s.joined_rkey";

fn profile(row: &millrace_store::Row<'_>) -> Result<Profile, StoreError> {
    Ok(Profile {
        actor: row.get(0)?,
        cid: row.get(1)?,
        record: row.get(2)?,
        indexed_at_us: row.get(3)?,
        joined: row.get::<Option<i64>>(4)?.zip(row.get::<Option<i64>>(5)?),
    })
}

/// The starter packs that profiles say they joined by; `None` where one cannot be read.
fn joined(tx: &mut Tx, profiles: &[Profile]) -> Result<Vec<Option<Option<Key>>>, StoreError> {
    let names = Names::of(tx, profiles.iter().map(|profile| profile.actor), [])?;
    let rkey = self_rkey();
    let read = |profile: &Profile| {
        let did = names.did(profile.actor).ok()?;
        let cid = Cid::from_bytes(&profile.cid).ok()?;
        let at_us = profile.indexed_at_us;
        decode::stored(did, Collection::Profile, &rkey, cid, &profile.record, at_us)
    };
    let mut joined = Vec::with_capacity(profiles.len());
    for profile in profiles {
        let Some(put) = read(profile) else {
            joined.push(None);
            continue;
        };
        let mut wanted = Wanted::default();
        put.names(&mut wanted);
        let ids = wanted.find(tx)?;
        joined.push(match ids.know(&wanted).then(|| put.resolved(&ids).fields) {
            Some(run::Fields::Profile(fields)) => Some(fields.joined_via),
            _ => None,
        });
    }
    Ok(joined)
}

impl Check for Profiles {
    fn name(&self) -> &'static str {
        "profiles"
    }

    fn table(&self) -> &'static str {
        "profile"
    }

    fn width(&self) -> usize {
        1
    }

    fn rows_max(&self) -> i64 {
        ROWS_MAX
    }

    fn look(&self, tx: &mut Tx, after: &[i64], limit: i64) -> Result<Slice, StoreError> {
        let sql = format!(
            "SELECT {PROFILE} FROM (SELECT * FROM profile {}) AS s ORDER BY s.actor_id",
            beyond(&["actor_id"], "")
        );
        let profiles = tx.query(&sql, &params(after, limit), profile)?;
        let joined = joined(tx, &profiles)?;
        let mut slice = Slice { rows: profiles.len() as u64, ..Slice::default() };
        for (profile, joined) in profiles.iter().zip(joined) {
            slice.last = Some(vec![profile.actor]);
            let (expected, found, mend) = match joined {
                Some(joined) if joined == profile.joined => continue,
                Some(_) => {
                    ("the starter pack of its record", "another", Mend::Profile(profile.actor))
                }
                None => {
                    let key = (profile.actor, 0);
                    let mend = Mend::Unreadable("profile", Collection::Profile, key);
                    ("a record of its kind", "another text", mend)
                }
            };
            slice.findings.push(Finding {
                check: "profiles",
                subject: Subject::Actor(profile.actor),
                expected: expected.to_owned(),
                found: found.to_owned(),
                mend,
            });
        }
        Ok(slice)
    }
}

/// Writes the starter packs of these accounts' profiles as their records say.
pub(crate) fn mend_profiles(tx: &mut Tx, actors: &[i64]) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {PROFILE} FROM {{rows:actor BIGINT}} AS k CROSS JOIN profile AS s WHERE s.actor_id = k.actor"
    );
    let rows = actors.iter().map(|actor| [Param::Int(*actor)]);
    let profiles = tx.query_many(&sql, rows, profile)?;
    let joined = joined(tx, &profiles)?;
    let expected = profiles.iter().zip(joined).filter_map(|(it, joined)| Some((it, joined?)));
    tx.execute_many(
        "UPDATE profile SET joined_actor = k.joined_actor, joined_rkey = k.joined_rkey
         FROM {rows:actor BIGINT KEY, joined_actor BIGINT, joined_rkey BIGINT} AS k
         WHERE profile.actor_id = k.actor",
        expected.map(|(profile, joined)| {
            [
                Param::Int(profile.actor),
                Param::from(joined.map(|pack| pack.0)),
                Param::from(joined.map(|pack| pack.1)),
            ]
        }),
    )?;
    Ok(())
}
