//! `getDrafts`: the drafts of an account, the last changed first.

use millrace_atproto::syntax::Did;
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::cursor::TimeName;
use super::{Context, Question, lookup, page_limit};
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Bytes of drafts after which a page ends before its limit.
pub const PAGE_BYTES_MAX: usize = 2 << 20;

/// The drafts of `actor`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetDrafts {
    pub actor: Did,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftPage {
    pub drafts: Vec<Draft>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    pub id: String,
    pub draft: Box<RawValue>,
    pub created_at_us: i64,
    pub updated_at_us: i64,
}

struct Row {
    id: String,
    draft: String,
    created_at_us: i64,
    updated_at_us: i64,
}

const DRAFTS: &str = "SELECT d.id, d.draft, d.created_at_us, d.updated_at_us FROM own.draft AS d
    WHERE d.did = $1 AND d.updated_at_us <= $2 AND (d.updated_at_us, d.id) < ($2, $3)
    ORDER BY d.updated_at_us DESC, d.id DESC LIMIT $4";

impl Question for GetDrafts {
    const NAME: &'static str = "getDrafts";
    type Answer = DraftPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<DraftPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeName::parse(self.cursor.as_deref())?;
        let mut rows = before.rows(tx, DRAFTS, &self.actor, limit, |row| {
            Ok(Row {
                id: row.get(0)?,
                draft: row.get(1)?,
                created_at_us: row.get(2)?,
                updated_at_us: row.get(3)?,
            })
        })?;
        let limit = limit.min(fitting(&rows));
        let position = |row: &Row| (row.updated_at_us, row.id.clone());
        let cursor = TimeName::next(&mut rows, limit, position);
        let drafts = rows.into_iter().map(|row| {
            let Row { id, draft, created_at_us, updated_at_us } = row;
            Ok(Draft { id, draft: lookup::raw(draft)?, created_at_us, updated_at_us })
        });
        Ok(DraftPage { drafts: drafts.collect::<Result<_, DataplaneError>>()?, cursor })
    }
}

/// How many of the first rows fit into a page; at least one does.
fn fitting(rows: &[Row]) -> i64 {
    let mut bytes = 0;
    let fits = rows.iter().take_while(|row| {
        bytes += row.draft.len();
        bytes <= PAGE_BYTES_MAX
    });
    fits.count().max(1) as i64
}
