//! `pds_grant`: what PDSs gave, sealed, and who renews it.
//!
//! What a grant is renewed with is good once, so one process alone may do it: it takes the row for a time, and puts
//! the new grant in its place only if the row is still as it took it. Whoever finds the row taken waits for the
//! next version.

use millrace_atproto::Did;
use millrace_store::{StoreError, Tx};

/// A grant as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) did: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) version: i64,
    pub(crate) renewing_until_us: i64,
}

/// A grant that is new here.
pub(crate) struct New<'a> {
    pub(crate) grant_id: &'a str,
    pub(crate) did: &'a Did,
    pub(crate) kind: &'a str,
    pub(crate) sealed: &'a [u8],
}

pub(crate) fn insert(tx: &mut Tx, grant: &New<'_>) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    tx.execute(
        "INSERT INTO pds_grant (grant_id, did, kind, sealed, version, created_at_us, renewed_at_us)
         VALUES ($1, $2, $3, $4, 1, $5, $5)",
        &[
            grant.grant_id.into(),
            grant.did.as_str().into(),
            grant.kind.into(),
            grant.sealed.into(),
            now_us.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn find(tx: &mut Tx, grant_id: &str) -> Result<Option<Kept>, StoreError> {
    tx.query_opt(
        "SELECT did, sealed, version, renewing_until_us FROM pds_grant WHERE grant_id = $1",
        &[grant_id.into()],
        |row| {
            Ok(Kept {
                did: row.get(0)?,
                sealed: row.get(1)?,
                version: row.get(2)?,
                renewing_until_us: row.get(3)?,
            })
        },
    )
}

/// Takes the grant to renew it until `until_us`; false if somebody else has, or it is another by now.
pub(crate) fn take(
    tx: &mut Tx,
    grant_id: &str,
    version: i64,
    until_us: i64,
) -> Result<bool, StoreError> {
    let now_us = tx.now_us();
    let taken = tx.execute(
        "UPDATE pds_grant SET renewing_until_us = $3
         WHERE grant_id = $1 AND version = $2 AND renewing_until_us <= $4",
        &[grant_id.into(), version.into(), until_us.into(), now_us.into()],
    )?;
    Ok(taken == 1)
}

/// Puts the renewed grant in the place of `version`; false if that is gone.
pub(crate) fn renew(
    tx: &mut Tx,
    grant_id: &str,
    version: i64,
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let now_us = tx.now_us();
    let renewed = tx.execute(
        "UPDATE pds_grant SET sealed = $3, version = version + 1, renewing_until_us = 0,
                renewed_at_us = $4
         WHERE grant_id = $1 AND version = $2",
        &[grant_id.into(), version.into(), sealed.into(), now_us.into()],
    )?;
    Ok(renewed == 1)
}

/// Gives back what [`take`] took: it could not be renewed now.
pub(crate) fn release(tx: &mut Tx, grant_id: &str, version: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE pds_grant SET renewing_until_us = 0 WHERE grant_id = $1 AND version = $2",
        &[grant_id.into(), version.into()],
    )?;
    Ok(())
}

/// Removes a grant with everything that acts by it.
pub(crate) fn remove(tx: &mut Tx, grant_id: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM session WHERE grant_id = $1",
        "DELETE FROM api_token WHERE grant_id = $1",
        "DELETE FROM pds_grant WHERE grant_id = $1",
    ] {
        tx.execute(sql, &[grant_id.into()])?;
    }
    Ok(())
}

/// Removes and returns the grants that nothing acts by any more.
pub(crate) fn take_unused(tx: &mut Tx, did: &Did) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let unused = tx.query(
        "SELECT g.grant_id, g.sealed FROM pds_grant AS g WHERE g.did = $1
         AND NOT EXISTS (SELECT 1 FROM session AS s WHERE s.grant_id = g.grant_id)
         AND NOT EXISTS (SELECT 1 FROM api_token AS t WHERE t.grant_id = g.grant_id)",
        &[did.as_str().into()],
        |row| Ok((row.get::<String>(0)?, row.get::<Vec<u8>>(1)?)),
    )?;
    let mut taken = Vec::new();
    for (grant_id, sealed) in unused {
        let delete = "DELETE FROM pds_grant WHERE grant_id = $1";
        if tx.execute(delete, &[grant_id.as_str().into()])? == 1 {
            taken.push((grant_id, sealed));
        }
    }
    Ok(taken)
}

/// Accounts that have grants which nothing acts by any more, a bounded number.
pub(crate) fn of_unused(tx: &mut Tx, rows_max: i64) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT DISTINCT g.did FROM pds_grant AS g
         WHERE NOT EXISTS (SELECT 1 FROM session AS s WHERE s.grant_id = g.grant_id)
         AND NOT EXISTS (SELECT 1 FROM api_token AS t WHERE t.grant_id = g.grant_id)
         LIMIT $1",
        &[rows_max.into()],
        |row| row.get(0),
    )
}
