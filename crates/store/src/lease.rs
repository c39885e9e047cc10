//! Leases: of several processes one does the work, and another takes over when it falls silent.
//!
//! Times come from the clock passed to the store. A lease says who should work; what a late
//! holder may still write is decided by its `token`, which grows with each change of hands, or by
//! a compare-and-set such as [`crate::offsets::advance`].

use crate::{StoreError, Tx};

/// A lease that was held when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub name: String,
    /// Unique to the process that holds it, and to its start.
    pub holder: String,
    /// Greater than that of every earlier holder.
    pub token: i64,
    pub until_us: i64,
}

/// Takes the lease if it is free, has run out, or is `holder`'s already (which renews it).
pub fn acquire(
    tx: &mut Tx,
    name: &str,
    holder: &str,
    ttl_us: i64,
) -> Result<Option<Lease>, StoreError> {
    let now_us = tx.now_us();
    let until_us = now_us.saturating_add(ttl_us);
    let token = tx.query_opt(
        "INSERT INTO lease (name, holder, until_us, token) VALUES ($1, $2, $3, 1)
         ON CONFLICT (name) DO UPDATE SET
           holder = excluded.holder,
           until_us = excluded.until_us,
           token = CASE WHEN lease.holder = excluded.holder THEN lease.token ELSE lease.token + 1 END
         WHERE lease.until_us < $4 OR lease.holder = excluded.holder
         RETURNING token",
        &[name.into(), holder.into(), until_us.into(), now_us.into()],
        |row| row.get(0),
    )?;
    Ok(token.map(|token| Lease {
        name: name.to_owned(),
        holder: holder.to_owned(),
        token,
        until_us,
    }))
}

/// Holds on to a lease; `false` when somebody else has taken it. In a write transaction this is
/// also the fence: the lease cannot change hands before the commit.
pub fn renew(tx: &mut Tx, lease: &Lease, ttl_us: i64) -> Result<bool, StoreError> {
    set_until(tx, lease, tx.now_us().saturating_add(ttl_us))
}

/// Gives the lease up, so that another need not wait; `false` when it was lost before.
pub fn release(tx: &mut Tx, lease: &Lease) -> Result<bool, StoreError> {
    set_until(tx, lease, 0)
}

fn set_until(tx: &mut Tx, lease: &Lease, until_us: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE lease SET until_us = $4 WHERE name = $1 AND holder = $2 AND token = $3",
        &[(&lease.name).into(), (&lease.holder).into(), lease.token.into(), until_us.into()],
    )?;
    Ok(changed == 1)
}
