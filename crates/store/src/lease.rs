//! Leases: of several processes one does the work, and another takes over when it falls silent.
//!
//! Times come from the clock passed to the store. A lease says who should work; what a late
//! holder may still write is decided by its `token`, which grows with each change of hands, or by
//! a compare-and-set such as [`crate::offsets::advance`].

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use millrace_runtime::rng::Rng;

use crate::{Store, StoreError, Tx};

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

/// Whose turn it is to do what only one process may do. Alone on its files a process always has it.
pub struct Turn {
    store: Store,
    name: String,
    /// Unique to this process and to its start.
    holder: String,
    ttl_us: i64,
    /// Until then the lease is ours without asking: long before it can be another's.
    sure_until_us: AtomicI64,
}

impl Turn {
    /// A process that falls silent loses its turn after `ttl`.
    pub fn new(store: &Store, rng: &Rng, name: impl Into<String>, ttl: Duration) -> Self {
        Self {
            store: store.clone(),
            name: name.into(),
            holder: format!("{:016x}", rng.next_u64()),
            ttl_us: i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX),
            sure_until_us: AtomicI64::new(i64::MIN),
        }
    }

    /// Takes the lease or holds on to it; whether it is ours.
    pub async fn take(&self) -> Result<bool, StoreError> {
        let now_us = self.store.now_us();
        if !self.store.is_shared() || now_us < self.sure_until_us.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let (name, holder, ttl_us) = (self.name.clone(), self.holder.clone(), self.ttl_us);
        let held: Result<_, StoreError> =
            self.store.write(move |tx| acquire(tx, &name, &holder, ttl_us)).await;
        let is_ours = held?.is_some();
        let sure_us = if is_ours { self.ttl_us / 4 } else { 0 };
        self.sure_until_us.store(now_us.saturating_add(sure_us), Ordering::Relaxed);
        Ok(is_ours)
    }

    /// Lets another have it at once. Where that fails the lease runs out by itself.
    pub async fn give_up(&self) {
        if !self.store.is_shared() {
            return;
        }
        self.sure_until_us.store(i64::MIN, Ordering::Relaxed);
        let (name, holder) = (self.name.clone(), self.holder.clone());
        let free = move |tx: &mut Tx| {
            if let Some(held) = acquire(tx, &name, &holder, 0)? {
                release(tx, &held)?;
            }
            Ok(())
        };
        let freed: Result<(), StoreError> = self.store.write(free).await;
        if let Err(error) = freed {
            tracing::debug!(lease = self.name, %error, "the lease runs out by itself");
        }
    }
}
