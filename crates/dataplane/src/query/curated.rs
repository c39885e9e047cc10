//! `curate`, `uncurate`, `getCurated`: what whoever runs this place has chosen. Verifiers' word on who others are is
//! shown, beside that of those whom the configuration names; feeds, people and starter packs are suggested.
//! Accounts and records are named by DID and need not be known here.

use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mute::Done;
use super::{Context, OwnCommand, Question};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Items of one list, and of one command.
pub const ITEMS_MAX: usize = 1_000;
/// Bytes of a note.
pub const NOTE_BYTES_MAX: usize = 500;

/// What is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CuratedList {
    /// Accounts whose word on who others are is shown.
    Verifiers,
    /// Feed generators …
    Feeds,
    /// … accounts …
    People,
    /// … and starter packs that are suggested.
    StarterPacks,
}

impl CuratedList {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Verifiers, Self::Feeds, Self::People, Self::StarterPacks];

    /// Its name, on the wire and in rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Verifiers => "verifiers",
            Self::Feeds => "feeds",
            Self::People => "people",
            Self::StarterPacks => "starterPacks",
        }
    }

    fn check(self, subject: &str) -> Result<(), DataplaneError> {
        let collection = match self {
            Self::Verifiers | Self::People => None,
            Self::Feeds => Some(Collection::Generator),
            Self::StarterPacks => Some(Collection::StarterPack),
        };
        let is_one = match collection {
            None => Did::parse(subject).is_ok(),
            Some(collection) => AtUri::parse(subject).is_ok_and(|uri| {
                uri.as_record().is_some_and(|(_, found, _)| found.as_str() == collection.nsid())
            }),
        };
        let expected = || match collection {
            None => "a DID".to_owned(),
            Some(collection) => format!("the URI of a record of {} by DID", collection.nsid()),
        };
        let shown = || subject.chars().take(64).collect::<String>();
        match is_one {
            true => Ok(()),
            false => Err(DataplaneError::InvalidRequest(format!(
                "{} has {}, not {}",
                self.name(),
                expected(),
                shown()
            ))),
        }
    }
}

/// Puts subjects at the end of a list, in this order; what is on it already moves there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Curate {
    pub list: CuratedList,
    /// DIDs of accounts, URIs of records.
    pub subjects: Vec<String>,
    #[serde(default)]
    pub note: String,
}

/// Takes subjects off a list; what is not on it is not missed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Uncurate {
    pub list: CuratedList,
    pub subjects: Vec<String>,
}

/// A list whole, in its order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetCurated {
    pub list: CuratedList,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Curated {
    pub items: Vec<CuratedItem>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CuratedItem {
    pub subject: String,
    pub note: String,
    pub added_at_us: i64,
}

fn check_number(subjects: &[String]) -> Result<(), DataplaneError> {
    match subjects.len() <= ITEMS_MAX {
        true => Ok(()),
        false => Err(DataplaneError::InvalidRequest(format!("at most {ITEMS_MAX} subjects"))),
    }
}

impl OwnCommand for Curate {
    const NAME: &'static str = "curate";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        let Self { list, subjects, note } = self;
        check_number(&subjects)?;
        if note.len() > NOTE_BYTES_MAX {
            let reason = format!("a note may have at most {NOTE_BYTES_MAX} bytes");
            return Err(DataplaneError::InvalidRequest(reason));
        }
        subjects.iter().try_for_each(|subject| list.check(subject))?;
        let name = Param::Text(list.name());
        let last: Option<i64> =
            tx.query_one("SELECT max(position) FROM curated WHERE list = $1", &[name], |row| {
                row.get(0)
            })?;
        for (position, subject) in (last.unwrap_or(0) + 1..).zip(&subjects) {
            tx.execute(
                "INSERT INTO curated (list, subject, position, note, added_at_us)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (list, subject) DO UPDATE SET position = excluded.position,
                    note = excluded.note",
                &[
                    name,
                    Param::from(subject),
                    Param::Int(position),
                    Param::Text(&note),
                    Param::Int(now_us),
                ],
            )?;
        }
        let items: i64 =
            tx.query_one("SELECT count(*) FROM curated WHERE list = $1", &[name], |row| {
                row.get(0)
            })?;
        if items > ITEMS_MAX as i64 {
            let reason = format!("{} may have at most {ITEMS_MAX} items", list.name());
            return Err(DataplaneError::InvalidRequest(reason));
        }
        Ok(Done {})
    }
}

impl OwnCommand for Uncurate {
    const NAME: &'static str = "uncurate";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        check_number(&self.subjects)?;
        for subject in &self.subjects {
            tx.execute(
                "DELETE FROM curated WHERE list = $1 AND subject = $2",
                &[Param::Text(self.list.name()), Param::from(subject)],
            )?;
        }
        Ok(Done {})
    }
}

impl Question for GetCurated {
    const NAME: &'static str = "getCurated";
    type Answer = Curated;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Curated, DataplaneError> {
        let items = tx.query(
            "SELECT c.subject, c.note, c.added_at_us FROM own.curated AS c
             WHERE c.list = $1 ORDER BY c.position, c.subject LIMIT $2",
            &[Param::Text(self.list.name()), Param::Int(ITEMS_MAX as i64)],
            |row| {
                Ok(CuratedItem {
                    subject: row.get(0)?,
                    note: row.get(1)?,
                    added_at_us: row.get(2)?,
                })
            },
        )?;
        Ok(Curated { items })
    }
}

/// The accounts chosen as verifiers, as far as they were ever seen here.
pub(crate) fn verifiers(tx: &mut Tx) -> Result<Vec<i64>, StoreError> {
    tx.query(
        "SELECT d.id FROM own.curated AS c CROSS JOIN dictionary.actor AS d
         WHERE c.list = $1 AND d.did = c.subject",
        &[Param::Text(CuratedList::Verifiers.name())],
        |row| row.get(0),
    )
}
