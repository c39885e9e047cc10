//! `issueLabels`, `listIssuedLabels`: what is said here of accounts and records, as a labeler would. Subjects are
//! named by DID and need not be known here. Of one issuer, subject and value what was said last counts.
//!
//! They are signed by who issues them; here they are kept, told to who accepts the issuer, and told by
//! `queryLabels` with their signatures.

use std::collections::BTreeSet;

use millrace_atproto::label::LabelSubject;
use millrace_atproto::syntax::{CidString, Datetime, Did, Nsid};
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mute::Done;
use super::named_subjects;
use super::{Context, OwnCommand, Question, lookup, page_limit};
use crate::apply::ids::Subject;
use crate::error::DataplaneError;
use crate::model::{Label, LabelSignature};

/// Labels of one command.
pub const LABELS_MAX: usize = 100;
/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Values of one issuer about one subject, those taken back among them.
pub const VALUES_MAX: i64 = 100;
/// Bytes of a reason.
pub const REASON_BYTES_MAX: usize = 2_000;

/// A label as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedLabel {
    pub src: Did,
    /// The account's DID or the record's URI by DID.
    pub uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cid: Option<CidString>,
    pub val: String,
    /// It takes back what was said before.
    #[serde(default)]
    pub neg: bool,
    pub cts: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exp: Option<String>,
    /// In base64.
    pub sig: String,
}

/// Says or takes back; all of it or, if anything is wrong, nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssueLabels {
    pub labels: Vec<SignedLabel>,
    #[serde(default)]
    pub reason: String,
}

/// What was said here, the newest first, what was taken back among it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListIssuedLabels {
    pub src: Did,
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedLabelPage {
    pub labels: Vec<IssuedLabel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedLabel {
    #[serde(flatten)]
    pub label: SignedLabel,
    pub reason: String,
    pub issued_at_us: i64,
}

/// Whose subject, and which: empty for the account.
fn key(uri: &str) -> Result<(Did, String), DataplaneError> {
    match LabelSubject::parse(uri) {
        Some(LabelSubject::Account(did)) => Ok((did, String::new())),
        Some(LabelSubject::Record(record)) => match record.as_record() {
            Some((did, collection, rkey)) => Ok((did.clone(), format!("{collection}/{rkey}"))),
            None => Err(malformed(uri)),
        },
        None => Err(malformed(uri)),
    }
}

fn malformed(uri: &str) -> DataplaneError {
    let shown: String = uri.chars().take(64).collect();
    DataplaneError::InvalidRequest(format!("not a DID or a record's URI by DID: {shown}"))
}

const PUT: &str = "INSERT INTO issued_label
        (did, subject, src, val, cid, neg, cts, exp, exp_us, sig, reason, issued_at_us)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (did, subject, src, val) DO UPDATE SET cid = excluded.cid, neg = excluded.neg,
        cts = excluded.cts, exp = excluded.exp, exp_us = excluded.exp_us, sig = excluded.sig,
        reason = excluded.reason, issued_at_us = excluded.issued_at_us";

impl OwnCommand for IssueLabels {
    const NAME: &'static str = "issueLabels";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        let Self { labels, reason } = self;
        if labels.len() > LABELS_MAX || reason.len() > REASON_BYTES_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {LABELS_MAX} labels, and a reason of at most {REASON_BYTES_MAX} bytes"
            )));
        }
        for label in &labels {
            label.put(tx, &reason, now_us)?;
        }
        Ok(Done {})
    }
}

impl SignedLabel {
    fn put(&self, tx: &mut Tx, reason: &str, now_us: i64) -> Result<(), DataplaneError> {
        let (did, subject) = key(&self.uri)?;
        let exp = self.exp.as_deref().map(Datetime::parse).transpose();
        let exp = exp.map_err(|error| DataplaneError::InvalidRequest(error.to_string()))?;
        let params = [
            Param::from(&did),
            Param::Text(&subject),
            Param::from(&self.src),
            Param::Text(&self.val),
            Param::from(self.cid.as_ref().map(CidString::as_str)),
            Param::Bool(self.neg),
            Param::Text(&self.cts),
            Param::from(self.exp.as_ref()),
            Param::from(exp.and_then(|exp| exp.epoch_us())),
            Param::Text(&self.sig),
            Param::Text(reason),
            Param::Int(now_us),
        ];
        tx.execute(PUT, &params)?;
        let said: i64 = tx.query_one(
            "SELECT count(*) FROM issued_label WHERE did = $1 AND subject = $2 AND src = $3",
            &params[..3],
            |row| row.get(0),
        )?;
        if said > VALUES_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "of one subject at most {VALUES_MAX} things may be said"
            )));
        }
        Ok(())
    }
}

const COLUMNS: &str =
    "l.did, l.subject, l.src, l.val, l.cid, l.neg, l.cts, l.exp, l.sig, l.reason, l.issued_at_us";

/// A row, its names still texts.
struct IssuedRow {
    key: [String; 4],
    cid: Option<String>,
    neg: bool,
    cts: String,
    exp: Option<String>,
    sig: String,
    reason: String,
    issued_at_us: i64,
}

impl IssuedRow {
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            key: [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?],
            cid: row.get(4)?,
            neg: row.get(5)?,
            cts: row.get(6)?,
            exp: row.get(7)?,
            sig: row.get(8)?,
            reason: row.get(9)?,
            issued_at_us: row.get(10)?,
        })
    }

    fn uri(&self) -> String {
        let [did, subject, ..] = &self.key;
        if subject.is_empty() { did.clone() } else { format!("at://{did}/{subject}") }
    }

    fn present(self) -> Result<IssuedLabel, DataplaneError> {
        let uri = self.uri();
        let [_, _, src, val] = self.key;
        let cid = self.cid.map(|cid| CidString::parse(&cid)).transpose();
        let cid = cid.map_err(|error| DataplaneError::Internal(format!("stored CID: {error}")))?;
        let (src, neg, cts, exp, sig) =
            (lookup::did(&src)?, self.neg, self.cts, self.exp, self.sig);
        let label = SignedLabel { src, uri, cid, val, neg, cts, exp, sig };
        Ok(IssuedLabel { label, reason: self.reason, issued_at_us: self.issued_at_us })
    }

    /// As `queryLabels` tells it: whoever does not trust us can look at the signature.
    fn told(self) -> Result<Label, DataplaneError> {
        let uri = self.uri();
        let [_, _, src, val] = self.key;
        Ok(Label {
            ver: Some(1),
            src: lookup::did(&src)?,
            uri,
            cid: self.cid,
            val,
            cts: self.cts,
            exp: self.exp,
            sig: Some(LabelSignature { bytes: self.sig }),
        })
    }
}

impl Question for ListIssuedLabels {
    const NAME: &'static str = "listIssuedLabels";
    type Answer = IssuedLabelPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<IssuedLabelPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let after = Place::parse_listed(self.cursor.as_deref())?;
        let sql = format!(
            "SELECT {COLUMNS} FROM own.issued_label AS l
             WHERE l.src = $1 AND l.issued_at_us <= $2
               AND (l.issued_at_us < $2 OR (l.did, l.subject, l.val) > ($3, $4, $5))
             ORDER BY l.issued_at_us DESC, l.did, l.subject, l.val LIMIT $6"
        );
        let (at_us, [did, subject, val]) = &after;
        let params = [
            Param::from(&self.src),
            Param::Int(*at_us),
            Param::Text(did),
            Param::Text(subject),
            Param::Text(val),
            Param::Int(limit + 1),
        ];
        let mut rows: Vec<IssuedRow> = tx.query(&sql, &params, IssuedRow::read)?;
        let mut cursor = None;
        if rows.len() as i64 > limit {
            rows.truncate(usize::try_from(limit).unwrap_or_default());
            cursor = rows.last().map(|row| {
                let [did, subject, _, val] = &row.key;
                format!("{} {did} {subject} {val}", row.issued_at_us)
            });
        }
        let labels = rows.into_iter().map(IssuedRow::present);
        Ok(IssuedLabelPage { labels: labels.collect::<Result<_, _>>()?, cursor })
    }
}

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

impl Place {
    /// A place in the list of what was issued: a time, and account, subject and value.
    fn parse_listed(cursor: Option<&str>) -> Result<(i64, [String; 3]), DataplaneError> {
        let Some(cursor) = cursor else { return Ok((i64::MAX, Default::default())) };
        let parts: Vec<&str> = cursor.splitn(4, ' ').collect();
        let is_plain = !cursor.contains(char::is_control);
        match parts[..] {
            [at_us, did, subject, val] if is_plain => {
                at_us.parse().ok().map(|at_us| (at_us, [did, subject, val].map(str::to_owned)))
            }
            _ => None,
        }
        .ok_or_else(|| DataplaneError::InvalidRequest("malformed cursor".to_owned()))
    }
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
