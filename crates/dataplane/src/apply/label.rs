//! Labels: of one labeler, subject and value what was said last counts.
//!
//! Which of two labels is the later one depends on them alone, not on which came first: so a negation that
//! comes before its label, a stream that is replayed from any place and labels that come twice all end in
//! the same rows. The version of a record that a label names does not tell labels apart: a negation takes
//! back whatever was said, of whichever version. One that takes back stays as a row.
//!
//! A labeler may say a bounded number of things of one subject: whoever accepts it reads all of them at once.
//!
//! Labels about an account outlive its deletion: they are the labeler's, no repository brings them back, and
//! whoever was banned must not get rid of it by being deleted for a day. Those it issued go with it.

use std::collections::BTreeSet;

use foldhash::HashMap;
use millrace_atproto::label::{Label, LabelSubject, SentLabel};
use millrace_atproto::syntax::Did;
use millrace_store::{Param, StoreError, Tx};

use super::ids::{Ids, Names, Subject, SubjectName};

/// The collection of a subject that is an account.
pub(crate) const ACCOUNT: i64 = 0;

/// Values of one labeler about one subject, those taken back among them; further ones are left out.
pub const VALUES_MAX: usize = 100;

/// A label with its references by name.
#[derive(Debug)]
pub(crate) struct NamedLabel {
    src: Did,
    subject: NamedSubject,
    val: String,
    said: Said,
}

#[derive(Debug)]
enum NamedSubject {
    Account(Did),
    Record(SubjectName),
}

/// What is said of a subject by a value. The order is that of what counts: the last one does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    cts_us: i64,
    neg: bool,
    cts: String,
    /// When it ends, and as it was written.
    exp: Option<(i64, String)>,
    cid: Option<String>,
}

/// Whose label of what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct LabelKey {
    subject: Subject,
    src: i64,
    val: String,
}

/// Reads a label of an entry of `src`. What ingest let through reads well; what does not is dropped alone.
pub(super) fn named(
    bytes: &[u8],
    src: &Did,
    dropped: &mut dyn FnMut(&'static str),
) -> Option<NamedLabel> {
    let Ok(sent) = SentLabel::parse(bytes) else {
        dropped("undecodable");
        return None;
    };
    let label = match sent.check() {
        Ok(label) if label.src == *src => label,
        Ok(_) => {
            dropped("label_source");
            return None;
        }
        Err(error) => {
            dropped(error.reason());
            return None;
        }
    };
    let Label { src, subject, cid, val, negates, cts, exp } = label;
    let subject = match subject {
        LabelSubject::Account(did) => NamedSubject::Account(did),
        LabelSubject::Record(uri) => NamedSubject::Record(SubjectName::of(&uri)?),
    };
    let said = Said {
        cts_us: cts.epoch_us()?,
        neg: negates,
        cts: cts.as_str().to_owned(),
        exp: exp.and_then(|exp| Some((exp.epoch_us()?, exp.as_str().to_owned()))),
        cid: cid.map(|cid| cid.as_str().to_owned()),
    };
    Some(NamedLabel { src, subject, val, said })
}

impl NamedLabel {
    pub(super) fn names(&self, names: &mut Names) {
        match &self.subject {
            NamedSubject::Account(did) => names.actor(did),
            NamedSubject::Record(record) => names.subject(record),
        }
    }

    fn key(&self, ids: &Ids) -> LabelKey {
        let subject = match &self.subject {
            NamedSubject::Account(did) => {
                Subject { actor: ids.actor(did), collection: ACCOUNT, rkey: 0 }
            }
            NamedSubject::Record(record) => ids.subject(record),
        };
        LabelKey { subject, src: ids.actor(&self.src), val: self.val.clone() }
    }
}

/// The labels of a batch, each key once.
#[derive(Debug, Default)]
pub(super) struct Labels {
    /// With the time the log took it.
    last: HashMap<LabelKey, (Said, i64)>,
}

impl Labels {
    pub(super) fn add(&mut self, label: &NamedLabel, at_us: i64, ids: &Ids) {
        let said = || (label.said.clone(), at_us);
        let last = self.last.entry(label.key(ids)).or_insert_with(said);
        if label.said > last.0 {
            *last = said();
        }
    }

    /// Writes those that are later than what is stored; how many there is no room for.
    pub(super) fn apply(&mut self, tx: &mut Tx) -> Result<usize, StoreError> {
        if self.last.is_empty() {
            return Ok(0);
        }
        let mut said: Vec<(LabelKey, (Said, i64))> = self.last.drain().collect();
        said.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let stored = stored(tx, &said)?;
        said.retain(|(key, (said, _))| stored.get(key).is_none_or(|stored| said > stored));
        let mut room =
            room(tx, said.iter().map(|row| &row.0).filter(|key| !stored.contains_key(key)))?;
        let before = said.len();
        said.retain(|(key, _)| stored.contains_key(key) || takes(&mut room, key));
        write(tx, &said)?;
        Ok(before - said.len())
    }
}

/// Values there is room for, by subject and labeler.
type Room = HashMap<(Subject, i64), usize>;

fn takes(room: &mut Room, key: &LabelKey) -> bool {
    let left =
        room.get_mut(&(key.subject, key.src)).and_then(|left| Some((left.checked_sub(1)?, left)));
    left.map(|(fewer, left)| *left = fewer).is_some()
}

/// How many more values each subject of `keys` may get of the labeler.
fn room<'a>(tx: &mut Tx, keys: impl Iterator<Item = &'a LabelKey>) -> Result<Room, StoreError> {
    let pairs: BTreeSet<(Subject, i64)> = keys.map(|key| (key.subject, key.src)).collect();
    let rows = tx.query_many(
        "SELECT k.actor, k.collection, k.rkey, k.src, (SELECT count(*) FROM label AS l
            WHERE l.subject_actor = k.actor AND l.subject_collection = k.collection
              AND l.subject_rkey = k.rkey AND l.src = k.src)
         FROM {rows:actor BIGINT, collection BIGINT, rkey BIGINT, src BIGINT} AS k",
        pairs.iter().map(|(subject, src)| {
            [subject.actor, subject.collection, subject.rkey, *src].map(Param::Int)
        }),
        |row| Ok(((Subject::read(row, 0)?, row.get(3)?), row.get::<i64>(4)?)),
    )?;
    let left = |count: i64| VALUES_MAX.saturating_sub(usize::try_from(count).unwrap_or(VALUES_MAX));
    Ok(rows.into_iter().map(|(pair, count)| (pair, left(count))).collect())
}

fn stored(
    tx: &mut Tx,
    asked: &[(LabelKey, (Said, i64))],
) -> Result<HashMap<LabelKey, Said>, StoreError> {
    let rows = tx.query_many(
        "SELECT l.subject_actor, l.subject_collection, l.subject_rkey, l.src, l.val,
            l.cts_us, l.neg, l.cts, l.exp_us, l.exp, l.cid
         FROM {rows:actor BIGINT, collection BIGINT, rkey BIGINT, src BIGINT, val TEXT} AS k
         CROSS JOIN label AS l
         WHERE l.subject_actor = k.actor AND l.subject_collection = k.collection
           AND l.subject_rkey = k.rkey AND l.src = k.src AND l.val = k.val",
        asked.iter().map(|(key, _)| key.params()),
        |row| {
            let key =
                LabelKey { subject: Subject::read(row, 0)?, src: row.get(3)?, val: row.get(4)? };
            let exp_us: Option<i64> = row.get(8)?;
            let said = Said {
                cts_us: row.get(5)?,
                neg: row.get(6)?,
                cts: row.get(7)?,
                exp: exp_us.zip(row.get(9)?),
                cid: row.get(10)?,
            };
            Ok((key, said))
        },
    )?;
    Ok(rows.into_iter().collect())
}

impl LabelKey {
    fn params(&self) -> [Param<'_>; 5] {
        let Subject { actor, collection, rkey } = self.subject;
        [
            Param::Int(actor),
            Param::Int(collection),
            Param::Int(rkey),
            Param::Int(self.src),
            Param::Text(&self.val),
        ]
    }
}

fn write(tx: &mut Tx, rows: &[(LabelKey, (Said, i64))]) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO label (subject_actor, subject_collection, subject_rkey, src, val,
            cid, neg, cts, cts_us, exp, exp_us, indexed_at_us)
         {values:BIGINT KEY,BIGINT KEY,BIGINT KEY,BIGINT KEY,TEXT KEY,TEXT,BIGINT,TEXT,BIGINT,TEXT,BIGINT,BIGINT}
         ON CONFLICT (subject_actor, subject_collection, subject_rkey, src, val) DO UPDATE SET
            cid = excluded.cid, neg = excluded.neg, cts = excluded.cts, cts_us = excluded.cts_us,
            exp = excluded.exp, exp_us = excluded.exp_us, indexed_at_us = excluded.indexed_at_us",
        rows.iter().map(|(key, (said, at_us))| {
            let [actor, collection, rkey, src, val] = key.params();
            let (exp_us, exp) = match &said.exp {
                Some((us, text)) => (Some(*us), Some(text.as_str())),
                None => (None, None),
            };
            [
                actor,
                collection,
                rkey,
                src,
                val,
                Param::from(said.cid.as_deref()),
                Param::Int(said.neg.into()),
                Param::Text(&said.cts),
                Param::Int(said.cts_us),
                Param::from(exp),
                Param::from(exp_us),
                Param::Int(*at_us),
            ]
        }),
    )?;
    Ok(())
}

/// Removes what a labeler said.
pub(super) fn purge(tx: &mut Tx, src: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM label WHERE src = $1", &[Param::Int(src)]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(cts_us: i64, neg: bool, cid: Option<&str>) -> Said {
        let cid = cid.map(str::to_owned);
        Said { cts_us, neg, cts: String::new(), exp: None, cid }
    }

    #[test]
    fn the_latest_counts_and_of_two_at_once_the_one_that_takes_back() {
        let table = [
            (said(5, false, None), said(6, true, None)),
            (said(5, true, None), said(6, false, None)),
            (said(5, false, Some("new")), said(5, true, Some("a"))),
            (said(5, false, None), said(5, false, Some("a"))),
        ];
        for (before, after) in table {
            assert!(after > before, "{after:?} > {before:?}");
        }
    }
}
