//! `sign_in`: sign-ins that have begun. What comes back is taken out once, and only for the browser that began it.

use millrace_store::{StoreError, Tx};

use super::token::Digest;

/// What a sign-in that has begun needs to be finished.
pub(crate) struct Begun {
    pub(crate) browser: Digest,
    pub(crate) sealed: Vec<u8>,
}

/// Keeps a sign-in until `expires_at_us`; false if as many as may be are under way.
pub(crate) fn insert(
    tx: &mut Tx,
    state: &Digest,
    begun: &Begun,
    expires_at_us: i64,
    rows_max: i64,
) -> Result<bool, StoreError> {
    let now_us = tx.now_us();
    tx.execute("DELETE FROM sign_in WHERE expires_at_us <= $1", &[now_us.into()])?;
    let rows: i64 = tx.query_one("SELECT COUNT(*) FROM sign_in", &[], |row| row.get(0))?;
    if rows >= rows_max {
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO sign_in (state_digest, browser_digest, sealed, expires_at_us)
         VALUES ($1, $2, $3, $4)",
        &[
            state.as_slice().into(),
            begun.browser.as_slice().into(),
            begun.sealed.as_slice().into(),
            expires_at_us.into(),
        ],
    )?;
    Ok(true)
}

/// Removes those that nobody came back for in time, a bounded number; tells how many.
pub(crate) fn remove_expired(tx: &mut Tx, rows_max: i64) -> Result<usize, StoreError> {
    let now_us = tx.now_us();
    let expired = tx.query(
        "SELECT state_digest FROM sign_in WHERE expires_at_us <= $1
         ORDER BY expires_at_us LIMIT $2",
        &[now_us.into(), rows_max.into()],
        |row| row.get::<Vec<u8>>(0),
    )?;
    for state in &expired {
        tx.execute("DELETE FROM sign_in WHERE state_digest = $1", &[state.as_slice().into()])?;
    }
    Ok(expired.len())
}

/// Takes a sign-in out. Of two that ask at once, one gets it.
pub(crate) fn take(tx: &mut Tx, state: &Digest) -> Result<Option<Begun>, StoreError> {
    let now_us = tx.now_us();
    let found = tx.query_opt(
        "SELECT browser_digest, sealed, expires_at_us FROM sign_in WHERE state_digest = $1",
        &[state.as_slice().into()],
        |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<Vec<u8>>(1)?, row.get::<i64>(2)?)),
    )?;
    let removed =
        tx.execute("DELETE FROM sign_in WHERE state_digest = $1", &[state.as_slice().into()])?;
    let Some((browser, sealed, expires_at_us)) = found.filter(|_| removed == 1) else {
        return Ok(None);
    };
    let browser = Digest::try_from(browser.as_slice()).ok();
    Ok(browser.filter(|_| expires_at_us > now_us).map(|browser| Begun { browser, sealed }))
}
