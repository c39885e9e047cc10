//! `api_token`: programs that act for an account.

use millrace_atproto::Did;
use millrace_store::{Row, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::scope::Scopes;
use super::token::Digest;

/// A token, as its account sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    pub token_id: String,
    pub did: String,
    #[serde(skip)]
    pub(crate) grant_id: Option<String>,
    pub name: String,
    pub scopes: Scopes,
    pub created_at_us: i64,
    pub used_at_us: Option<i64>,
    pub expires_at_us: Option<i64>,
}

pub(super) const COLUMNS: &str =
    "token_id, did, grant_id, name, scopes, created_at_us, used_at_us, expires_at_us";

pub(super) fn api_token(row: &Row<'_>) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        token_id: row.get(0)?,
        did: row.get(1)?,
        grant_id: row.get(2)?,
        name: row.get(3)?,
        scopes: Scopes::stored(&row.get::<String>(4)?),
        created_at_us: row.get(5)?,
        used_at_us: row.get(6)?,
        expires_at_us: row.get(7)?,
    })
}

fn insert(tx: &mut Tx, token: &Digest, new: &ApiToken) -> Result<(), StoreError> {
    let scopes = new.scopes.to_string();
    tx.execute(
        &format!(
            "INSERT INTO api_token (token_digest, {COLUMNS})
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        &[
            token.as_slice().into(),
            new.token_id.as_str().into(),
            new.did.as_str().into(),
            new.grant_id.as_deref().into(),
            new.name.as_str().into(),
            scopes.as_str().into(),
            new.created_at_us.into(),
            new.used_at_us.into(),
            new.expires_at_us.into(),
        ],
    )?;
    Ok(())
}

/// Keeps a new token; false if its account has as many as it may.
pub(crate) fn insert_below(
    tx: &mut Tx,
    token: &Digest,
    new: &ApiToken,
    most: u32,
) -> Result<bool, StoreError> {
    let count = "SELECT COUNT(*) FROM api_token WHERE did = $1";
    let rows: i64 = tx.query_one(count, &[new.did.as_str().into()], |row| row.get(0))?;
    if rows >= i64::from(most) {
        return Ok(false);
    }
    insert(tx, token, new)?;
    Ok(true)
}

/// The token, unless its time is over.
pub(crate) fn find(tx: &mut Tx, token: &Digest) -> Result<Option<ApiToken>, StoreError> {
    let now_us = tx.now_us();
    tx.query_opt(
        &format!(
            "SELECT {COLUMNS} FROM api_token
             WHERE token_digest = $1 AND (expires_at_us IS NULL OR expires_at_us > $2)"
        ),
        &[token.as_slice().into(), now_us.into()],
        api_token,
    )
}

/// An account's, the newest first, those whose time is over among them.
pub(crate) fn of(tx: &mut Tx, did: &Did) -> Result<Vec<ApiToken>, StoreError> {
    tx.query(
        &format!(
            "SELECT {COLUMNS} FROM api_token WHERE did = $1 ORDER BY created_at_us DESC, token_id"
        ),
        &[did.as_str().into()],
        api_token,
    )
}

/// Says that it was used.
pub(crate) fn used(tx: &mut Tx, token: &Digest) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "UPDATE api_token SET used_at_us = $2 WHERE token_digest = $1",
        &[token.as_slice().into(), now_us.into()],
    )?;
    Ok(())
}

/// Lets go what those whose time is over acted by, a bounded number; tells whose they were.
pub(crate) fn release_expired(tx: &mut Tx, rows_max: i64) -> Result<Vec<String>, StoreError> {
    let now_us = tx.now_us();
    let expired = tx.query(
        "SELECT token_id, did FROM api_token
         WHERE expires_at_us <= $1 AND grant_id IS NOT NULL ORDER BY expires_at_us LIMIT $2",
        &[now_us.into(), rows_max.into()],
        |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
    )?;
    for (token_id, _) in &expired {
        let release = "UPDATE api_token SET grant_id = NULL WHERE token_id = $1";
        tx.execute(release, &[token_id.as_str().into()])?;
    }
    Ok(expired.into_iter().map(|(_, did)| did).collect())
}

/// Removes one of an account's; false if there is none.
pub(crate) fn remove(tx: &mut Tx, did: &Did, token_id: &str) -> Result<bool, StoreError> {
    let removed = tx.execute(
        "DELETE FROM api_token WHERE did = $1 AND token_id = $2",
        &[did.as_str().into(), token_id.into()],
    )?;
    Ok(removed == 1)
}

/// Removes all of an account's.
pub(crate) fn remove_all(tx: &mut Tx, did: &Did) -> Result<(), StoreError> {
    tx.execute("DELETE FROM api_token WHERE did = $1", &[did.as_str().into()])?;
    Ok(())
}
