//! `intendPost`, `leasePostIntents`, `settlePostIntent`: public posts that somebody wrote here, on their way to their
//! author's PDS. The wish is durable before the PDS is asked, under a record key that is made once, so that asking
//! again is the same post; whoever asks holds the wish for a while, and when it falls silent another goes on.

use millrace_atproto::syntax::{Did, RecordKey};
use millrace_store::{Param, Row, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::limited_post;
use super::mute::Done;
use super::{Context, OwnCommand, Question};
use crate::error::DataplaneError;

/// Wishes of one account that are not fulfilled yet.
pub const PENDING_MAX: i64 = 100;
/// Bytes of a record as JSON.
pub const RECORD_BYTES_MAX: usize = 64 << 10;
/// Bytes of what a caller names a wish by.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;
/// How long it is told what became of a wish.
const KEPT_US: i64 = 7 * 86_400_000_000;
/// Wishes that are forgotten at once.
const FORGOTTEN_MAX: i64 = 500;
const PENDING: i64 = 0;
const DONE: i64 = 1;
const FAILED: i64 = 2;

/// Notes that a record is to stand under that key, or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IntendPost {
    pub actor: Did,
    pub rkey: RecordKey,
    /// As JSON text; absent where the record is to go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    pub grant_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// How long nobody but the caller tries, microseconds.
    pub lease_us: i64,
    /// The post with a limit that this one takes the place of: it goes with the wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<RecordKey>,
}

/// Where a wish stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IntentState {
    Pending,
    Done,
    Failed,
}

/// A wish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostIntent {
    pub actor: Did,
    pub rkey: RecordKey,
    pub version: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    pub grant_id: String,
    pub state: IntentState,
    pub attempts: i64,
    /// Of the record that the PDS has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cid: Option<String>,
    /// Why it failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub created_at_us: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Intended {
    /// None where as many wait as may.
    pub intent: Option<PostIntent>,
    /// It was not said before.
    pub is_new: bool,
}

/// Takes wishes whose time has come: nobody else is given them for as long as the lease lasts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LeasePostIntents {
    pub limit: u32,
    pub lease_us: i64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostIntents {
    pub intents: Vec<PostIntent>,
}

/// Says what became of a wish; one that was changed meanwhile stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettlePostIntent {
    pub actor: Did,
    pub rkey: RecordKey,
    pub version: i64,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The PDS has the record, or none.
    Done { cid: Option<String> },
    /// It is tried again.
    Again { error: String, after_us: i64 },
    /// It is not.
    Failed { error: String },
}

/// What became of one.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetPostIntent {
    pub actor: Did,
    pub rkey: RecordKey,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundIntent {
    pub intent: Option<PostIntent>,
}

const COLUMNS: &str =
    "did, rkey, version, record, grant_id, state, attempts, cid, error, created_at_us";

fn intent(row: &Row<'_>) -> Result<PostIntent, StoreError> {
    Ok(PostIntent {
        actor: row.get(0)?,
        rkey: row.get(1)?,
        version: row.get(2)?,
        record: row.get(3)?,
        grant_id: row.get(4)?,
        state: match row.get::<i64>(5)? {
            DONE => IntentState::Done,
            FAILED => IntentState::Failed,
            _ => IntentState::Pending,
        },
        attempts: row.get(6)?,
        cid: row.get(7)?,
        error: row.get(8)?,
        created_at_us: row.get(9)?,
    })
}

impl OwnCommand for IntendPost {
    const NAME: &'static str = "intendPost";
    type Answer = Intended;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Intended, DataplaneError> {
        let refused = |message: String| Err(DataplaneError::InvalidRequest(message));
        if self.record.as_ref().is_some_and(|record| record.len() > RECORD_BYTES_MAX) {
            return refused(format!("a record may have at most {RECORD_BYTES_MAX} bytes"));
        }
        if let Some(key) = &self.idempotency_key {
            if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX {
                let max = IDEMPOTENCY_KEY_BYTES_MAX;
                return refused(format!("an idempotency key has 1 to {max} bytes"));
            }
            let sql = format!(
                "SELECT {COLUMNS} FROM post_intent WHERE did = $1 AND idempotency_key = $2"
            );
            let params = [Param::from(&self.actor), Param::Text(key)];
            if let Some(known) = tx.query_opt(&sql, &params, intent)? {
                return Ok(Intended { intent: Some(known), is_new: false });
            }
        }
        let waiting: i64 = tx.query_one(
            "SELECT count(*) FROM post_intent WHERE did = $1 AND state = $2 AND rkey <> $3",
            &[Param::from(&self.actor), Param::Int(PENDING), Param::from(&self.rkey)],
            |row| row.get(0),
        )?;
        if waiting >= PENDING_MAX {
            return Ok(Intended { intent: None, is_new: false });
        }
        if let Some(rkey) = &self.replaces {
            limited_post::remove(tx, &self.actor, rkey)?;
        }
        let next_us = now_us.saturating_add(self.lease_us);
        let sql = format!(
            "INSERT INTO post_intent (did, rkey, version, record, grant_id, idempotency_key, next_at_us, created_at_us)
             VALUES ($1, $2, 1, $3, $4, $5, $6, $7)
             ON CONFLICT (did, rkey) DO UPDATE SET version = post_intent.version + 1, record = excluded.record,
                grant_id = excluded.grant_id, state = 0, attempts = 0, error = NULL, next_at_us = excluded.next_at_us
             RETURNING {COLUMNS}"
        );
        let params = [
            Param::from(&self.actor),
            Param::from(&self.rkey),
            Param::from(self.record.as_deref()),
            Param::Text(&self.grant_id),
            Param::from(self.idempotency_key.as_deref()),
            Param::Int(next_us),
            Param::Int(now_us),
        ];
        let intended = tx.query_one(&sql, &params, intent)?;
        Ok(Intended { intent: Some(intended), is_new: true })
    }
}

impl OwnCommand for LeasePostIntents {
    const NAME: &'static str = "leasePostIntents";
    type Answer = PostIntents;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<PostIntents, DataplaneError> {
        tx.execute(
            "DELETE FROM post_intent WHERE (did, rkey) IN (SELECT o.did, o.rkey FROM post_intent AS o
                WHERE o.state IN ($1, $2) AND o.next_at_us < $3 LIMIT $4)",
            &[DONE, FAILED, now_us, FORGOTTEN_MAX].map(Param::Int),
        )?;
        let sql = format!(
            "UPDATE post_intent SET next_at_us = $2 WHERE (did, rkey) IN
                (SELECT o.did, o.rkey FROM post_intent AS o WHERE o.state = $4 AND o.next_at_us <= $1
                 ORDER BY o.next_at_us LIMIT $3 {{skip_locked}})
             RETURNING {COLUMNS}"
        );
        let until_us = now_us.saturating_add(self.lease_us);
        let params = [now_us, until_us, i64::from(self.limit), PENDING].map(Param::Int);
        Ok(PostIntents { intents: tx.query(&sql, &params, intent)? })
    }
}

impl OwnCommand for SettlePostIntent {
    const NAME: &'static str = "settlePostIntent";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        let (state, next_us, cid, error) = match &self.outcome {
            Outcome::Done { cid } => (DONE, now_us.saturating_add(KEPT_US), cid.as_deref(), None),
            Outcome::Again { error, after_us } => {
                (PENDING, now_us.saturating_add(*after_us), None, Some(error.as_str()))
            }
            Outcome::Failed { error } => {
                (FAILED, now_us.saturating_add(KEPT_US), None, Some(error.as_str()))
            }
        };
        tx.execute(
            "UPDATE post_intent SET state = $4, next_at_us = $5, cid = COALESCE($6, cid), error = $7,
                attempts = attempts + 1
             WHERE did = $1 AND rkey = $2 AND version = $3 AND state = $8",
            &[
                Param::from(&self.actor),
                Param::from(&self.rkey),
                Param::Int(self.version),
                Param::Int(state),
                Param::Int(next_us),
                Param::from(cid),
                Param::from(error),
                Param::Int(PENDING),
            ],
        )?;
        Ok(Done {})
    }
}

impl Question for GetPostIntent {
    const NAME: &'static str = "getPostIntent";
    type Answer = FoundIntent;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<FoundIntent, DataplaneError> {
        let sql = format!("SELECT {COLUMNS} FROM own.post_intent WHERE did = $1 AND rkey = $2");
        let params = [Param::from(&self.actor), Param::from(&self.rkey)];
        Ok(FoundIntent { intent: tx.query_opt(&sql, &params, intent)? })
    }
}
