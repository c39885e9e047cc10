//! `takeDown`, `liftTakedown`, `getTakedown`, `listTakedowns`: what is not shown here by decision of whoever
//! runs this place or moderates for it. Accounts, records and blobs are named by DID and need not be known
//! here: what is taken down before it comes is not shown when it comes.
//!
//! What follows from it for answers stands in [`taken_down`](super::taken_down).

use millrace_atproto::syntax::{AtUri, CidString, Did};
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mute::Done;
use super::taken_down::{ACCOUNT, BLOB, RECORD};
use super::{Context, OwnCommand, Question, cursor, lookup, named_subjects, page_limit};
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Bytes of a reference, and of a reason.
pub const REFERENCE_BYTES_MAX: usize = 512;
pub const REASON_BYTES_MAX: usize = 2_000;

/// What can be taken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum TakedownSubject {
    /// An account with all it made.
    Account { did: Did },
    /// A record, by DID.
    Record { uri: AtUri },
    /// A blob, in whichever records of the account it stands.
    Blob { did: Did, cid: CidString },
}

/// Takes something down; what is down already is so for the newer reason.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TakeDown {
    pub subject: TakedownSubject,
    /// What the moderation service knows it by; may be empty.
    #[serde(default)]
    pub reference: String,
    #[serde(default)]
    pub reason: String,
    /// Who decided it: a DID, or `operator`.
    pub by: String,
}

/// Undoes a takedown; what is not down stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LiftTakedown {
    pub subject: TakedownSubject,
}

/// Whether something is taken down, and why.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetTakedown {
    pub subject: TakedownSubject,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundTakedown {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takedown: Option<Takedown>,
}

/// A takedown that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Takedown {
    pub subject: TakedownSubject,
    pub reference: String,
    pub reason: String,
    pub by: String,
    pub at_us: i64,
}

/// Takedowns that stand, the newest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListTakedowns {
    /// Only those of one account, its records and blobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did: Option<Did>,
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TakedownPage {
    pub takedowns: Vec<Takedown>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl TakedownSubject {
    /// The key of its row.
    fn key(&self) -> Result<(&Did, i64, String), DataplaneError> {
        match self {
            Self::Account { did } => Ok((did, ACCOUNT, String::new())),
            Self::Blob { did, cid } => Ok((did, BLOB, cid.to_string())),
            Self::Record { uri } => match named_subjects::record(uri) {
                Some((did, key)) => Ok((did, RECORD, key)),
                None => Err(DataplaneError::InvalidRequest(format!(
                    "not the URI of a record by DID: {uri}"
                ))),
            },
        }
    }

    fn read(did: &str, kind: i64, subject: &str) -> Result<Self, DataplaneError> {
        let did = lookup::did(did)?;
        let broken = |what: &str| DataplaneError::Internal(format!("stored takedown: {what}"));
        match kind {
            ACCOUNT => Ok(Self::Account { did }),
            RECORD => {
                let uri = AtUri::parse(&format!("at://{did}/{subject}"));
                Ok(Self::Record { uri: uri.map_err(|error| broken(&error.to_string()))? })
            }
            BLOB => {
                let cid = CidString::parse(subject);
                Ok(Self::Blob { did, cid: cid.map_err(|error| broken(&error.to_string()))? })
            }
            _ => Err(broken("unknown kind")),
        }
    }
}

impl OwnCommand for TakeDown {
    const NAME: &'static str = "takeDown";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        for (what, text, bytes_max) in [
            ("reference", &self.reference, REFERENCE_BYTES_MAX),
            ("reason", &self.reason, REASON_BYTES_MAX),
            ("name of who decided it", &self.by, REFERENCE_BYTES_MAX),
        ] {
            if text.len() > bytes_max {
                return Err(DataplaneError::InvalidRequest(format!(
                    "a takedown's {what} may have at most {bytes_max} bytes"
                )));
            }
        }
        let (did, kind, subject) = self.subject.key()?;
        tx.execute(
            "INSERT INTO takedown (did, kind, subject, reference, reason, taken_by, taken_at_us)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (did, kind, subject) DO UPDATE SET reference = excluded.reference,
                reason = excluded.reason, taken_by = excluded.taken_by,
                taken_at_us = excluded.taken_at_us",
            &[
                Param::from(did),
                Param::Int(kind),
                Param::Text(&subject),
                Param::Text(&self.reference),
                Param::Text(&self.reason),
                Param::Text(&self.by),
                Param::Int(now_us),
            ],
        )?;
        Ok(Done {})
    }
}

impl OwnCommand for LiftTakedown {
    const NAME: &'static str = "liftTakedown";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        let (did, kind, subject) = self.subject.key()?;
        tx.execute(
            "DELETE FROM takedown WHERE did = $1 AND kind = $2 AND subject = $3",
            &[Param::from(did), Param::Int(kind), Param::Text(&subject)],
        )?;
        Ok(Done {})
    }
}

const COLUMNS: &str = "t.did, t.kind, t.subject, t.reference, t.reason, t.taken_by, t.taken_at_us";

/// A row, its subject still in columns.
struct TakedownRow {
    key: (String, i64, String),
    said: [String; 3],
    at_us: i64,
}

impl TakedownRow {
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            key: (row.get(0)?, row.get(1)?, row.get(2)?),
            said: [row.get(3)?, row.get(4)?, row.get(5)?],
            at_us: row.get(6)?,
        })
    }

    fn present(self) -> Result<Takedown, DataplaneError> {
        let (did, kind, subject) = &self.key;
        let subject = TakedownSubject::read(did, *kind, subject)?;
        let [reference, reason, by] = self.said;
        Ok(Takedown { subject, reference, reason, by, at_us: self.at_us })
    }
}

impl Question for GetTakedown {
    const NAME: &'static str = "getTakedown";
    type Answer = FoundTakedown;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FoundTakedown, DataplaneError> {
        let (did, kind, subject) = self.subject.key()?;
        let sql = format!(
            "SELECT {COLUMNS} FROM own.takedown AS t
             WHERE t.did = $1 AND t.kind = $2 AND t.subject = $3"
        );
        let params = [Param::from(did), Param::Int(kind), Param::Text(&subject)];
        let row = tx.query_opt(&sql, &params, TakedownRow::read)?;
        Ok(FoundTakedown { takedown: row.map(TakedownRow::present).transpose()? })
    }
}

/// Where the next page begins: behind a time and a key.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    at_us: i64,
    key: (String, i64, String),
}

impl Place {
    fn pack(row: &TakedownRow) -> String {
        let (did, kind, subject) = &row.key;
        format!("{} {did} {kind} {subject}", row.at_us)
    }

    fn parse(cursor: Option<&str>) -> Result<Self, DataplaneError> {
        let Some(cursor) = cursor else {
            return Ok(Self { at_us: i64::MAX, key: (String::new(), 0, String::new()) });
        };
        let mut parts = cursor.splitn(4, ' ');
        let mut next = || parts.next().filter(|part| !part.contains(char::is_control));
        let parts = (next(), next(), next(), next());
        let read = || match parts {
            (Some(at), Some(did), Some(kind), Some(subject)) => Some(Self {
                at_us: at.parse().ok()?,
                key: (did.to_owned(), kind.parse().ok()?, subject.to_owned()),
            }),
            _ => None,
        };
        read().ok_or_else(|| DataplaneError::InvalidRequest("malformed cursor".to_owned()))
    }
}

impl Question for ListTakedowns {
    const NAME: &'static str = "listTakedowns";
    type Answer = TakedownPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<TakedownPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let after = Place::parse(self.cursor.as_deref())?;
        let of_one = if self.did.is_some() { "t.did = $6" } else { "CAST($6 AS TEXT) = ''" };
        let sql = format!(
            "SELECT {COLUMNS} FROM own.takedown AS t
             WHERE {of_one} AND t.taken_at_us <= $1
               AND (t.taken_at_us < $1 OR (t.did, t.kind, t.subject) > ($2, $3, $4))
             ORDER BY t.taken_at_us DESC, t.did, t.kind, t.subject LIMIT $5"
        );
        let (did, kind, subject) = &after.key;
        let params = [
            Param::Int(after.at_us),
            Param::Text(did),
            Param::Int(*kind),
            Param::Text(subject),
            Param::Int(limit + 1),
            Param::Text(self.did.as_ref().map_or("", Did::as_str)),
        ];
        let mut rows: Vec<TakedownRow> = tx.query(&sql, &params, TakedownRow::read)?;
        let cursor = cursor::next(&mut rows, limit, Place::pack);
        let takedowns = rows.into_iter().map(TakedownRow::present);
        Ok(TakedownPage { takedowns: takedowns.collect::<Result<_, _>>()?, cursor })
    }
}
