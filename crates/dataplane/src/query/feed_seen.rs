//! `markFeedSeen`: what an account has seen of its home. Marks are kept for a while, and of each account so many.

use millrace_atproto::syntax::{AtUri, Did};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OwnCommand;
use crate::error::DataplaneError;

/// Items one command may name.
pub const ITEMS_MAX: usize = 500;
/// Marks one account has at most; the oldest go.
pub const MARKS_MAX: i64 = 5_000;
/// How long a mark is kept: nobody's home goes back further.
const KEPT_US: i64 = 30 * 86_400_000_000;

/// Everything up to a time, and some items, were seen.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MarkFeedSeen {
    pub actor: Did,
    #[serde(default)]
    pub items: Vec<SeenItem>,
    /// Microseconds; never later than now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_us: Option<i64>,
}

/// A post or a repost.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SeenItem {
    pub uri: AtUri,
    /// Its place in the order that was served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Marked {}

impl OwnCommand for MarkFeedSeen {
    const NAME: &'static str = "markFeedSeen";
    type Answer = Marked;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Marked, DataplaneError> {
        let refused = |message: String| Err(DataplaneError::InvalidRequest(message));
        if self.items.len() > ITEMS_MAX {
            return refused(format!("at most {ITEMS_MAX} items, not {}", self.items.len()));
        }
        if let Some(item) = self.items.iter().find(|item| item.uri.as_record().is_none()) {
            return refused(format!("not the URI of a record by DID: {}", item.uri));
        }
        let did = self.actor.as_str();
        let uris: Vec<String> = self.items.iter().map(|item| item.uri.to_string()).collect();
        tx.execute_many(
            "INSERT INTO feed_seen (did, item, position, seen_at_us) {values:TEXT KEY,TEXT KEY,BIGINT,BIGINT}
             ON CONFLICT (did, item) DO NOTHING",
            uris.iter().zip(&self.items).map(|(uri, item)| {
                [Param::Text(did), Param::Text(uri), Param::from(item.position), Param::Int(now_us)]
            }),
        )?;
        if let Some(up_to_us) = self.up_to_us {
            tx.execute(
                "INSERT INTO feed_seen_up_to (did, up_to_us, seen_at_us) VALUES ($1, $2, $3)
                 ON CONFLICT (did) DO UPDATE SET up_to_us = excluded.up_to_us, seen_at_us = excluded.seen_at_us
                    WHERE excluded.up_to_us > feed_seen_up_to.up_to_us",
                &[Param::Text(did), Param::Int(up_to_us.min(now_us)), Param::Int(now_us)],
            )?;
        }
        let kept_us = now_us.saturating_sub(KEPT_US);
        tx.execute(
            "DELETE FROM feed_seen WHERE did = $1 AND (seen_at_us < $2 OR seen_at_us <
               (SELECT s.seen_at_us FROM feed_seen AS s WHERE s.did = $1 ORDER BY s.seen_at_us DESC LIMIT 1 OFFSET $3))",
            &[Param::Text(did), Param::Int(kept_us), Param::Int(MARKS_MAX - 1)],
        )?;
        Ok(Marked {})
    }
}
