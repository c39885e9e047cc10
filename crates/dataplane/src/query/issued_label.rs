//! `issueLabels`, `listIssuedLabels`: what is said here of accounts and records, as a labeler would. Subjects are
//! named by DID and need not be known here. Of one issuer, subject and value what was said last counts.
//!
//! They are signed by who issues them; here they are kept, told to who accepts the issuer, and told by
//! `queryLabels` with their signatures.

use millrace_atproto::label::LabelSubject;
use millrace_atproto::syntax::{CidString, Datetime, Did};
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mute::Done;
use super::{
    Context, OwnCommand, Question, cursor, issued_sequence, lookup, named_subjects, page_limit,
};
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
pub(super) fn key(uri: &str) -> Result<(Did, String), DataplaneError> {
    match LabelSubject::parse(uri) {
        Some(LabelSubject::Account(did)) => Ok((did, String::new())),
        Some(LabelSubject::Record(record)) => match named_subjects::record(&record) {
            Some((did, key)) => Ok((did.clone(), key)),
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
        (did, subject, src, val, cid, neg, cts, exp, exp_us, sig, reason, issued_at_us, seq)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (did, subject, src, val) DO UPDATE SET cid = excluded.cid, neg = excluded.neg,
        cts = excluded.cts, exp = excluded.exp, exp_us = excluded.exp_us, sig = excluded.sig,
        reason = excluded.reason, issued_at_us = excluded.issued_at_us, seq = excluded.seq";

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
            Param::Int(issued_sequence::next(tx, &self.src, now_us)?),
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

pub(super) const COLUMNS: &str =
    "l.did, l.subject, l.src, l.val, l.cid, l.neg, l.cts, l.exp, l.sig, l.reason, l.issued_at_us";

/// A row, its names still texts.
pub(super) struct IssuedRow {
    /// Account, subject, issuer, value.
    pub(super) key: [String; 4],
    cid: Option<String>,
    neg: bool,
    cts: String,
    exp: Option<String>,
    sig: String,
    reason: String,
    issued_at_us: i64,
}

impl IssuedRow {
    pub(super) fn read(row: &Row<'_>) -> Result<Self, StoreError> {
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

    pub(super) fn present(self) -> Result<IssuedLabel, DataplaneError> {
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
    pub(super) fn told(self) -> Result<Label, DataplaneError> {
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
        let after = place(self.cursor.as_deref())?;
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
        let cursor = cursor::next(&mut rows, limit, |row| {
            let [did, subject, _, val] = &row.key;
            format!("{} {did} {subject} {val}", row.issued_at_us)
        });
        let labels = rows.into_iter().map(IssuedRow::present);
        Ok(IssuedLabelPage { labels: labels.collect::<Result<_, _>>()?, cursor })
    }
}

/// A place in the list of what was issued: a time, and account, subject and value.
fn place(cursor: Option<&str>) -> Result<(i64, [String; 3]), DataplaneError> {
    let Some(cursor) = cursor else { return Ok((i64::MAX, Default::default())) };
    let parts: Vec<&str> = cursor.splitn(4, ' ').collect();
    let read = || match parts[..] {
        [at_us, did, subject, val] if !cursor.contains(char::is_control) => {
            Some((at_us.parse().ok()?, [did, subject, val].map(str::to_owned)))
        }
        _ => None,
    };
    read().ok_or_else(|| DataplaneError::InvalidRequest("malformed cursor".to_owned()))
}
