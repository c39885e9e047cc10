//! `getOwned`, `eraseOwned`: everything that an account owns here, told to it page by page, and taken away.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Context, OwnCommand, Question};
use crate::error::DataplaneError;
use crate::owned::{OWNED, Owned};
use crate::purge;

/// What an account owns, kind by kind.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetOwned {
    pub actor: Did,
    /// Where the page before ended; the first one without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<OwnedPosition>,
}

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnedPosition {
    /// The kind that comes next.
    pub kind: String,
    /// The key of its last row that was told; none before the first.
    pub after: Vec<String>,
}

/// Rows of one kind.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OwnedPage {
    pub kind: String,
    pub rows: Vec<Value>,
    /// Where the next page begins; none after the last kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<OwnedPosition>,
}

/// Takes everything away that an account owns.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseOwned {
    pub actor: Did,
}

/// How much that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Erased {
    pub rows: u64,
}

impl Question for GetOwned {
    const NAME: &'static str = "getOwned";
    type Answer = OwnedPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<OwnedPage, DataplaneError> {
        let (at, after) = match self.cursor {
            None => (0, Vec::new()),
            Some(OwnedPosition { kind, after }) => {
                let at = OWNED.iter().position(|owned| owned.name == kind);
                (at.ok_or_else(|| refused(&kind))?, after)
            }
        };
        let owned = &OWNED[at];
        if !after.is_empty() && after.len() != owned.keys.len() {
            return Err(refused(owned.name));
        }
        let mut rows =
            tx.query(&select(owned, !after.is_empty()), &params(&self.actor, &after), |row| {
                owned.told(row)
            })?;
        let is_full = rows.len() as i64 >= owned.page && !owned.keys.is_empty();
        let last = rows.last_mut().map(|(position, _)| std::mem::take(position));
        let cursor = match last.filter(|_| is_full) {
            Some(after) => Some(OwnedPosition { kind: owned.name.to_owned(), after }),
            None => OWNED
                .get(at + 1)
                .map(|next| OwnedPosition { kind: next.name.to_owned(), after: Vec::new() }),
        };
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        Ok(OwnedPage { kind: owned.name.to_owned(), rows, cursor })
    }
}

impl OwnCommand for EraseOwned {
    const NAME: &'static str = "eraseOwned";
    type Answer = Erased;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Erased, DataplaneError> {
        Ok(Erased { rows: purge::purge(tx, self.actor.as_str())? })
    }
}

fn select(owned: &Owned, goes_on: bool) -> String {
    let all: Vec<String> = owned.columns().map(|column| format!("t.{column}")).collect();
    let keys = all[..owned.keys.len()].join(", ");
    let mut sql =
        format!("SELECT {} FROM own.{} AS t WHERE t.did = $1", all.join(", "), owned.name);
    if goes_on {
        let values: Vec<String> = (0..owned.keys.len()).map(|at| format!("${}", at + 2)).collect();
        sql += &format!(" AND ({keys}) > ({})", values.join(", "));
    }
    if !keys.is_empty() {
        sql += &format!(" ORDER BY {keys}");
    }
    sql + &format!(" LIMIT {}", owned.page)
}

fn params<'a>(actor: &'a Did, after: &'a [String]) -> Vec<Param<'a>> {
    let after = after.iter().map(|value| Param::Text(value));
    std::iter::once(Param::from(actor)).chain(after).collect()
}

fn refused(kind: &str) -> DataplaneError {
    DataplaneError::InvalidRequest(format!("the cursor names no place of `{kind}`"))
}
