//! `createDraft`, `updateDraft`, `deleteDraft`: posts an account has not written yet. A draft is JSON
//! that is given back as it came; whether it is one, its caller has looked at.
//!
//! Changing or deleting a draft that is not there changes nothing: only what is made anew is counted
//! against the bound.

use millrace_atproto::Tid;
use millrace_atproto::syntax::Did;
use millrace_store::{Param, StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OwnCommand;
use super::mute::Done;
use crate::error::DataplaneError;

/// Drafts of one account.
pub const DRAFTS_MAX: i64 = 500;
/// Bytes of one draft.
pub const DRAFT_BYTES_MAX: usize = 128 << 10;
/// Names tried for a draft, where others are kept for the account at the same moment.
const NAMES_TRIED_MAX: u64 = 16;

/// Keeps a draft.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateDraft {
    pub actor: Did,
    /// As JSON text.
    pub draft: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DraftCreated {
    /// Its name, a TID; none where as many drafts are kept as may be.
    pub id: Option<String>,
}

/// Puts another draft in the place of one that is there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateDraft {
    pub actor: Did,
    pub id: String,
    /// As JSON text.
    pub draft: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeleteDraft {
    pub actor: Did,
    pub id: String,
}

impl OwnCommand for CreateDraft {
    const NAME: &'static str = "createDraft";
    type Answer = DraftCreated;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<DraftCreated, DataplaneError> {
        check(&self.draft)?;
        let sql = "SELECT count(*) FROM draft WHERE did = $1";
        let rows: i64 = tx.query_one(sql, &[Param::from(&self.actor)], |row| row.get(0))?;
        if rows >= DRAFTS_MAX {
            return Ok(DraftCreated { id: None });
        }
        let id = insert(tx, &self.actor, &self.draft, now_us)?;
        Ok(DraftCreated { id: Some(id) })
    }
}

/// Keeps a draft under a name later than all others of the account, that of the moment if it is.
fn insert(tx: &mut Tx, actor: &Did, draft: &str, now_us: i64) -> Result<String, DataplaneError> {
    let sql = "SELECT max(id) FROM draft WHERE did = $1";
    let last: Option<String> = tx.query_one(sql, &[Param::from(actor)], |row| row.get(0))?;
    let last = last.and_then(|id| Tid::parse(&id).ok());
    let first = last.map_or(0, |last| last.to_u64() + 1).max(Tid::from_time(now_us, 0).to_u64());
    for later in 0..NAMES_TRIED_MAX {
        let id = Tid::from_u64(first + later).to_string();
        let added = tx.execute(
            "INSERT INTO draft (did, id, draft, created_at_us, updated_at_us) VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT DO NOTHING",
            &[Param::from(actor), Param::Text(&id), Param::Text(draft), Param::Int(now_us)],
        )?;
        if added > 0 {
            return Ok(id);
        }
    }
    Err(StoreError::Aborted { reason: "no name is free for a draft".to_owned() }.into())
}

impl OwnCommand for UpdateDraft {
    const NAME: &'static str = "updateDraft";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, now_us: i64) -> Result<Done, DataplaneError> {
        check(&self.draft)?;
        tx.execute(
            "UPDATE draft SET draft = $3, updated_at_us = $4 WHERE did = $1 AND id = $2",
            &[
                Param::from(&self.actor),
                Param::Text(&self.id),
                Param::Text(&self.draft),
                Param::Int(now_us),
            ],
        )?;
        Ok(Done {})
    }
}

impl OwnCommand for DeleteDraft {
    const NAME: &'static str = "deleteDraft";
    type Answer = Done;

    fn apply(self, tx: &mut Tx, _: i64) -> Result<Done, DataplaneError> {
        let params = [Param::from(&self.actor), Param::Text(&self.id)];
        tx.execute("DELETE FROM draft WHERE did = $1 AND id = $2", &params)?;
        Ok(Done {})
    }
}

/// It is spliced into answers as it is, so it must be JSON.
fn check(draft: &str) -> Result<(), DataplaneError> {
    let refused = |reason: String| Err(DataplaneError::InvalidRequest(reason));
    if draft.len() > DRAFT_BYTES_MAX {
        return refused(format!("a draft may have at most {DRAFT_BYTES_MAX} bytes"));
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(draft) {
        Ok(_) => Ok(()),
        Err(error) => refused(format!("a draft must be JSON: {error}")),
    }
}
