//! `searchActors`: accounts by their handle, name and description, the best known first.

use millrace_atproto::syntax::Did;
use millrace_store::full_text::{Phrase, TextQuery, TextRange};
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question, lookup, page_limit};
use crate::error::DataplaneError;
use crate::search::typed::TEXT_BYTES_MAX;
use crate::search::{ACTORS, words};

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Matches that are looked at, the accounts known longest first.
pub const CANDIDATES_MAX: u32 = 2_000;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SearchActors {
    pub q: String,
    /// What is typed is the beginning of a handle or a name; descriptions do not matter.
    #[serde(default)]
    pub typeahead: bool,
    #[serde(default = "default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

fn default_limit() -> u32 {
    25
}

/// Accounts found; no cursor on the last page.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActorPage {
    pub dids: Vec<Did>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Question for SearchActors {
    const NAME: &'static str = "searchActors";
    type Answer = ActorPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<ActorPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        if self.q.len() > TEXT_BYTES_MAX {
            let message = format!("q must be at most {TEXT_BYTES_MAX} bytes");
            return Err(DataplaneError::InvalidRequest(message));
        }
        let after = self.cursor.as_deref().map(Position::parse).transpose()?;
        let typed = self.q.trim().trim_start_matches('@').to_lowercase();
        let range = TextRange {
            above: i64::MIN,
            below: i64::MAX,
            descending: false,
            limit: CANDIDATES_MAX,
        };
        let query = TextQuery { wanted: wanted(&typed), unwanted: Vec::new() };
        let ids = tx.match_text(ACTORS, &query, range)?;
        let mut found = positions(tx, &ids, &typed, &query.wanted)?;
        found.retain(|position| !(self.typeahead && position.closeness == Closeness::Described));
        found.sort_unstable_by(|left, right| right.cmp(left));
        found.retain(|position| after.is_none_or(|after| *position < after));
        let more = found.len() as i64 > limit;
        found.truncate(limit as usize);
        let cursor = found.last().filter(|_| more).map(|last| last.pack());
        let names = lookup::Names::of(tx, found.iter().map(|position| -position.minus_id), [])?;
        let dids = found.iter().map(|position| names.did(-position.minus_id).cloned());
        Ok(ActorPage { dids: dids.collect::<Result<_, _>>()?, cursor })
    }
}

/// Every word must be there; the last may not be typed to its end yet.
fn wanted(typed: &str) -> Vec<Phrase> {
    let mut wanted: Vec<Phrase> = typed.split_whitespace().filter_map(words::phrase).collect();
    if let Some(last) = wanted.last_mut() {
        last.prefix = true;
    }
    wanted
}

/// How near what was typed is to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closeness {
    /// The words stand in its description, at least in part.
    Described,
    /// In its handle and name.
    Named,
    /// Its handle begins so.
    Begins,
    /// It is its handle.
    Exact,
}

impl Closeness {
    const ALL: [Self; 4] = [Self::Described, Self::Named, Self::Begins, Self::Exact];

    fn of(handle: &str, name: &str, typed: &str, wanted: &[Phrase]) -> Self {
        let first_label = handle.split('.').next();
        if handle == typed || first_label == Some(typed) {
            return Self::Exact;
        }
        if handle.starts_with(typed) {
            return Self::Begins;
        }
        let mut words = words::words(handle);
        words.extend(words::words(name));
        match wanted.iter().all(|phrase| holds(&words, phrase)) {
            true => Self::Named,
            false => Self::Described,
        }
    }
}

fn holds(words: &[String], phrase: &Phrase) -> bool {
    words.windows(phrase.tokens.len().max(1)).any(|row| {
        let mut pairs = row.iter().zip(&phrase.tokens).rev();
        let last = pairs.next().is_some_and(|(word, token)| {
            word == token || (phrase.prefix && word.starts_with(token.as_str()))
        });
        last && pairs.all(|(word, token)| word == token)
    })
}

/// A match's place; the later in this order, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    closeness: Closeness,
    followers: i64,
    /// Accounts known longer come first.
    minus_id: i64,
}

impl Position {
    fn pack(self) -> String {
        format!("{}::{}::{}", self.closeness as u8, self.followers, -self.minus_id)
    }

    fn parse(cursor: &str) -> Result<Self, DataplaneError> {
        let parts: Vec<i64> = cursor.split("::").map_while(|part| part.parse().ok()).collect();
        let position = match parts[..] {
            [closeness, followers, id] if cursor.matches("::").count() == 2 => {
                let closeness =
                    usize::try_from(closeness).ok().and_then(|at| Closeness::ALL.get(at).copied());
                let minus_id = id.checked_neg();
                closeness.zip(minus_id).map(|(closeness, minus_id)| Self {
                    closeness,
                    followers,
                    minus_id,
                })
            }
            _ => None,
        };
        let shown: String = cursor.chars().take(64).collect();
        position.ok_or_else(|| DataplaneError::InvalidRequest(format!("malformed cursor: {shown}")))
    }
}

/// A cursor that is read is written as one that means the same.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn cursor_settles(text: &str) {
    let Ok(position) = Position::parse(text) else { return };
    assert_eq!(Position::parse(&position.pack()).ok(), Some(position));
}

/// What a profile's record is read for.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Profile {
    display_name: String,
}

fn positions(
    tx: &mut Tx,
    ids: &[i64],
    typed: &str,
    wanted: &[Phrase],
) -> Result<Vec<Position>, DataplaneError> {
    let position = |row: &Row<'_>| -> Result<Position, StoreError> {
        let handle: Option<String> = row.get(1)?;
        let profile: Option<String> = row.get(2)?;
        let profile: Profile =
            profile.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let handle = handle.unwrap_or_default();
        Ok(Position {
            closeness: Closeness::of(&handle, &profile.display_name, typed, wanted),
            followers: row.get::<Option<i64>>(3)?.unwrap_or(0),
            minus_id: -row.get::<i64>(0)?,
        })
    };
    Ok(tx.query(
        "SELECT a.actor_id, a.handle, p.record, c.followers
         FROM {id_list:$1} AS ids CROSS JOIN actor AS a
         LEFT JOIN profile AS p ON p.actor_id = a.actor_id
         LEFT JOIN actor_count AS c ON c.actor_id = a.actor_id
         WHERE a.actor_id = ids.id AND a.active = 1",
        &[Param::Ids(ids)],
        position,
    )?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_the_better() {
        for (handle, name, typed, expected) in [
            ("alice.test", "", "alice.test", Closeness::Exact),
            ("alice.test", "", "alice", Closeness::Exact),
            ("alice.test", "", "ali", Closeness::Begins),
            ("bob.test", "Alice Liddell", "lid", Closeness::Named),
            ("bob.test", "Alice Liddell", "alice lid", Closeness::Named),
            ("bob.test", "花子さん", "花", Closeness::Named),
            ("bob.test", "Bob", "alice", Closeness::Described),
        ] {
            assert_eq!(Closeness::of(handle, name, typed, &wanted(typed)), expected, "{typed}");
        }
    }

    #[test]
    fn cursors_are_read_back_and_foreign_ones_refused() {
        let position = Position { closeness: Closeness::Named, followers: 7, minus_id: -3 };
        assert_eq!(Position::parse(&position.pack()).unwrap(), position);
        for foreign in
            ["", "1", "9::1::1", "1::2", "1::2::3::4", "x::1::1", "1::1::-9223372036854775808"]
        {
            assert!(Position::parse(foreign).is_err(), "{foreign}");
        }
    }
}
