//! What is said here of an answer's subjects, and of those that `queryLabels` asks for.
//!
//! Mostly nothing is: which of the accepted labelers issue here is asked first, then of which accounts they
//! have said anything, and single subjects of those alone.

use std::collections::BTreeSet;

use millrace_atproto::label::LabelSubject;
use millrace_atproto::syntax::{Did, Nsid};
use millrace_store::{Param, Tx};

use super::issued_label::{COLUMNS, IssuedRow, key};
use super::{lookup, named_subjects};
use crate::apply::ids::Subject;
use crate::error::DataplaneError;
use crate::model::Label;

const SOURCES: &str = "SELECT k.value FROM {text_list:$1} AS k
    WHERE EXISTS (SELECT 1 FROM own.issued_label AS l WHERE l.src = k.value)";

const TOUCHED: &str = "SELECT k.value FROM {text_list:$1} AS k
    WHERE EXISTS (SELECT 1 FROM own.issued_label AS l WHERE l.did = k.value)";

const HOLDING: &str = "SELECT k.place, l.src, l.val, l.cid, l.cts, l.exp
    FROM {rows:place BIGINT, did TEXT, subject TEXT, src TEXT, now_us BIGINT} AS k
    CROSS JOIN own.issued_label AS l
    WHERE l.did = k.did AND l.subject = k.subject AND l.src = k.src
      AND l.neg = 0 AND (l.exp_us IS NULL OR l.exp_us > k.now_us)";

/// What those of `labelers` that issue here say of `subjects`, as far as it holds.
pub(crate) fn holding(
    tx: &mut Tx,
    labelers: &[Did],
    subjects: &BTreeSet<Subject>,
) -> Result<Vec<Label>, DataplaneError> {
    let labelers: Vec<String> = labelers.iter().map(Did::to_string).collect();
    if labelers.is_empty() {
        return Ok(Vec::new());
    }
    let sources: Vec<String> = tx.query(SOURCES, &[Param::Texts(&labelers)], |row| row.get(0))?;
    if sources.is_empty() {
        return Ok(Vec::new());
    }
    let named = named_subjects::of_touched(tx, subjects.iter().copied(), TOUCHED)?;
    let now_us = tx.now_us();
    let asked = named.iter().enumerate().flat_map(|(place, subject)| {
        let row = move |src| {
            let [did, key] = [&subject.did, &subject.key].map(Param::from);
            [Param::Int(place as i64), did, key, Param::Text(src), Param::Int(now_us)]
        };
        sources.iter().map(move |src| row(src.as_str()))
    });
    let rows: Vec<(i64, [String; 3], [Option<String>; 2])> =
        tx.query_many(HOLDING, asked, |row| {
            let said = [row.get(1)?, row.get(2)?, row.get(4)?];
            Ok((row.get(0)?, said, [row.get(3)?, row.get(5)?]))
        })?;
    let mut labels = Vec::with_capacity(rows.len());
    for (place, [src, val, cts], [cid, exp]) in rows {
        let Some(subject) = usize::try_from(place).ok().and_then(|place| named.get(place)) else {
            continue;
        };
        let (src, uri) = (lookup::did(&src)?, subject.name());
        labels.push(Label { ver: None, src, uri, cid, val, cts, exp, sig: None });
    }
    Ok(labels)
}

/// Which of an account's subjects a pattern of `queryLabels` means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Among<'a> {
    One(&'a LabelSubject),
    Records(&'a Did),
    Collection(&'a Did, &'a Nsid),
}

/// Where a page of `queryLabels` goes on: behind a label of a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) subject: String,
    pub(super) src: String,
    pub(super) val: String,
}

/// What holds of what was issued here, in the order of subjects; with each where a page goes on behind it.
pub(super) fn page(
    tx: &mut Tx,
    among: &Among<'_>,
    sources: Option<&[Did]>,
    after: &Place,
    limit: i64,
) -> Result<Vec<(Place, Label)>, DataplaneError> {
    let (did, subject, matches) = match among {
        Among::One(subject) => {
            let (did, subject) = key(&subject.to_string())?;
            (did, subject, "l.subject = $2")
        }
        Among::Records(did) => ((*did).clone(), String::new(), "l.subject <> $2"),
        Among::Collection(did, nsid) => (
            (*did).clone(),
            format!("{nsid}/"),
            "substr(l.subject, 1, length(CAST($2 AS TEXT))) = CAST($2 AS TEXT)",
        ),
    };
    let sources: Option<Vec<String>> =
        sources.map(|sources| sources.iter().map(Did::to_string).collect());
    let by = match sources {
        Some(_) => "l.src IN (SELECT s.value FROM {text_list:$3} AS s)",
        None => "NOT EXISTS (SELECT 1 FROM {text_list:$3} AS s)",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM own.issued_label AS l
         WHERE l.did = $1 AND {matches} AND {by}
           AND (l.subject, l.src, l.val) > ($4, $5, $6)
           AND l.neg = 0 AND (l.exp_us IS NULL OR l.exp_us > $7)
         ORDER BY l.subject, l.src, l.val LIMIT $8"
    );
    let sources = sources.unwrap_or_default();
    let params = [
        Param::from(&did),
        Param::Text(&subject),
        Param::Texts(&sources),
        Param::Text(&after.subject),
        Param::Text(&after.src),
        Param::Text(&after.val),
        Param::Int(tx.now_us()),
        Param::Int(limit),
    ];
    let rows: Vec<IssuedRow> = tx.query(&sql, &params, IssuedRow::read)?;
    let told = rows.into_iter().map(|row| {
        let [_, subject, src, val] = row.key.clone();
        Ok((Place { subject, src, val }, row.told()?))
    });
    told.collect()
}
