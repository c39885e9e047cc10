//! `session`: browsers that are signed in.

use millrace_atproto::Did;
use millrace_store::{Row, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::token::Digest;

/// A browser that is signed in, as its account sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Browser {
    pub session_id: String,
    pub did: String,
    #[serde(skip)]
    pub(crate) grant_id: String,
    pub user_agent: String,
    pub created_at_us: i64,
    pub used_at_us: i64,
    pub expires_at_us: i64,
}

pub(super) const COLUMNS: &str =
    "session_id, did, grant_id, user_agent, created_at_us, used_at_us, expires_at_us";

pub(super) fn browser(row: &Row<'_>) -> Result<Browser, StoreError> {
    Ok(Browser {
        session_id: row.get(0)?,
        did: row.get(1)?,
        grant_id: row.get(2)?,
        user_agent: row.get(3)?,
        created_at_us: row.get(4)?,
        used_at_us: row.get(5)?,
        expires_at_us: row.get(6)?,
    })
}

pub(crate) fn insert(tx: &mut Tx, token: &Digest, browser: &Browser) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO session (token_digest, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
        ),
        &[
            token.as_slice().into(),
            browser.session_id.as_str().into(),
            browser.did.as_str().into(),
            browser.grant_id.as_str().into(),
            browser.user_agent.as_str().into(),
            browser.created_at_us.into(),
            browser.used_at_us.into(),
            browser.expires_at_us.into(),
        ],
    )?;
    Ok(())
}

/// The browser with this token, unless its time is over.
pub(crate) fn find(tx: &mut Tx, token: &Digest) -> Result<Option<Browser>, StoreError> {
    let now_us = tx.now_us();
    tx.query_opt(
        &format!("SELECT {COLUMNS} FROM session WHERE token_digest = $1 AND expires_at_us > $2"),
        &[token.as_slice().into(), now_us.into()],
        browser,
    )
}

/// Whether it is there; it counts as there until it is removed.
pub(crate) fn is_there(tx: &mut Tx, session_id: &str) -> Result<bool, StoreError> {
    let params = [session_id.into()];
    let found = tx.query_opt("SELECT 1 FROM session WHERE session_id = $1", &params, |_| Ok(()))?;
    Ok(found.is_some())
}

/// An account's, the newest first.
pub(crate) fn of(tx: &mut Tx, did: &Did) -> Result<Vec<Browser>, StoreError> {
    let now_us = tx.now_us();
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM session WHERE did = $1 AND expires_at_us > $2
             ORDER BY created_at_us DESC, session_id"
        ),
        &[did.as_str().into(), now_us.into()],
        browser,
    )
}

/// Signs out those of an account that were not used for longest, until `most` are left.
pub(crate) fn keep_newest(tx: &mut Tx, did: &Did, most: u32) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM session WHERE did = $1 AND session_id NOT IN (
             SELECT session_id FROM session WHERE did = $1
             ORDER BY used_at_us DESC, created_at_us DESC, session_id LIMIT $2)",
        &[did.as_str().into(), i64::from(most).into()],
    )?;
    Ok(())
}

/// Says that it was used, and until when it lasts now.
pub(crate) fn used(tx: &mut Tx, token: &Digest, expires_at_us: i64) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "UPDATE session SET used_at_us = $2, expires_at_us = $3 WHERE token_digest = $1",
        &[token.as_slice().into(), now_us.into(), expires_at_us.into()],
    )?;
    Ok(())
}

/// Ends one of an account's; false if there is none.
pub(crate) fn remove(tx: &mut Tx, did: &Did, session_id: &str) -> Result<bool, StoreError> {
    let removed = tx.execute(
        "DELETE FROM session WHERE did = $1 AND session_id = $2",
        &[did.as_str().into(), session_id.into()],
    )?;
    Ok(removed == 1)
}

/// Ends all of an account's.
pub(crate) fn remove_all(tx: &mut Tx, did: &Did) -> Result<(), StoreError> {
    tx.execute("DELETE FROM session WHERE did = $1", &[did.as_str().into()])?;
    Ok(())
}

/// Ends those whose time is over, a bounded number; tells whose they were.
pub(crate) fn remove_expired(tx: &mut Tx, rows_max: i64) -> Result<Vec<String>, StoreError> {
    let now_us = tx.now_us();
    let expired = tx.query(
        "SELECT session_id, did FROM session WHERE expires_at_us <= $1
         ORDER BY expires_at_us LIMIT $2",
        &[now_us.into(), rows_max.into()],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    for (session_id, _) in &expired {
        tx.execute("DELETE FROM session WHERE session_id = $1", &[session_id.as_str().into()])?;
    }
    Ok(expired.into_iter().map(|(_, did)| did).collect())
}
