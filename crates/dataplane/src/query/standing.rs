//! `getStanding`: how far the projections of this domain have come, and how much they have parked.

use millrace_store::{Tx, offsets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question};
use crate::error::DataplaneError;

/// Parked entries counted; beyond it there are "at least so many".
pub const PARKED_COUNTED_MAX: u32 = 100_000;

/// How far the projections have come, and what they have parked.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStanding {}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    pub offsets: Vec<Place>,
    pub parked: Vec<ParkedCount>,
}

/// A projection's place in one partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    pub projection: String,
    pub topic: String,
    pub partition: u32,
    /// The first entry not yet applied.
    pub next_offset: i64,
    /// When that last moved.
    pub moved_us: i64,
}

/// Entries parked for one reason; counting ends at [`PARKED_COUNTED_MAX`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParkedCount {
    pub projection: String,
    pub reason: String,
    pub entries: u64,
}

impl Question for GetStanding {
    const NAME: &'static str = "getStanding";
    type Answer = Standing;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<Standing, DataplaneError> {
        let offsets = offsets::list(tx)?.into_iter().map(|place| Place {
            projection: place.projection,
            topic: place.topic,
            partition: place.partition,
            next_offset: place.next_offset,
            moved_us: place.updated_us,
        });
        let offsets = offsets.collect();
        let parked = tx.query(
            "SELECT projection, reason, CAST(count(*) AS BIGINT)
             FROM (SELECT projection, reason FROM parked LIMIT $1) AS p
             GROUP BY projection, reason ORDER BY projection, reason",
            &[PARKED_COUNTED_MAX.into()],
            |row| {
                let entries: i64 = row.get(2)?;
                Ok(ParkedCount {
                    projection: row.get(0)?,
                    reason: row.get(1)?,
                    entries: u64::try_from(entries).unwrap_or(0),
                })
            },
        )?;
        Ok(Standing { offsets, parked })
    }
}
