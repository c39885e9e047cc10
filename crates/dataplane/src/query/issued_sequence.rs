//! `getIssuedSequence`: what was said here in the order it was said, for those who follow it; and the number that
//! what is said next gets.
//!
//! Of one subject and value there is what was said last: whoever reads from any place on learns all that counts.
//! Numbers go up with every label, by one or to the time in microseconds, whichever is more. So a backup that was put
//! back never gives a number again that followers know already.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issued_label::{COLUMNS, IssuedRow, SignedLabel};
use super::{Context, Question, page_limit};
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

/// What `src` said behind a number, in order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetIssuedSequence {
    pub src: Did,
    pub after: i64,
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedSequence {
    pub labels: Vec<Numbered>,
    /// The last number there is; 0 where nothing was said yet.
    pub last: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Numbered {
    pub seq: i64,
    #[serde(flatten)]
    pub label: SignedLabel,
}

impl Question for GetIssuedSequence {
    const NAME: &'static str = "getIssuedSequence";
    type Answer = IssuedSequence;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<IssuedSequence, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let src = Param::from(&self.src);
        let last: Option<i64> = tx.query_opt(
            "SELECT l.seq FROM own.issued_label_last AS l WHERE l.src = $1",
            &[src],
            |row| row.get(0),
        )?;
        let last = last.unwrap_or(0);
        if last <= self.after {
            return Ok(IssuedSequence { labels: Vec::new(), last });
        }
        let sql = format!(
            "SELECT {COLUMNS}, l.seq FROM own.issued_label AS l
             WHERE l.src = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3"
        );
        let params = [src, Param::Int(self.after), Param::Int(limit)];
        let rows: Vec<(IssuedRow, i64)> =
            tx.query(&sql, &params, |row: &Row<'_>| Ok((IssuedRow::read(row)?, row.get(11)?)))?;
        let labels = rows
            .into_iter()
            .map(|(row, seq)| Ok(Numbered { seq, label: row.present()?.label }))
            .collect::<Result<_, DataplaneError>>()?;
        Ok(IssuedSequence { labels, last })
    }
}

/// The number of what `src` says now. Whoever else issues for it meanwhile waits until this is committed, so that
/// nothing appears behind a number that was read already.
pub(super) fn next(tx: &mut Tx, src: &Did, now_us: i64) -> Result<i64, StoreError> {
    tx.query_one(
        "INSERT INTO issued_label_last AS l (src, seq) VALUES ($1, $2)
         ON CONFLICT (src) DO UPDATE
            SET seq = CASE WHEN l.seq < excluded.seq THEN excluded.seq ELSE l.seq + 1 END
         RETURNING seq",
        &[src.into(), Param::Int(now_us)],
        |row| row.get(0),
    )
}
