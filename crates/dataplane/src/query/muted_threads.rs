//! Threads an account mutes, as keys of their root posts.

use foldhash::{HashMap, HashMapExt};
use millrace_atproto::RecordKey;
use millrace_atproto::syntax::Did;
use millrace_store::{Param, StoreError, Tx};

use super::lookup;
use super::thread::Key;
use crate::error::DataplaneError;

/// Muted threads that are looked at, the latest first.
const THREADS_MAX: i64 = 2_000;

/// What an account mutes, and since when.
#[derive(Debug, Default)]
pub(super) struct MutedThreads(HashMap<Key, i64>);

impl MutedThreads {
    pub(super) fn of(tx: &mut Tx, did: &Did) -> Result<Self, DataplaneError> {
        let rows = tx.query(
            "SELECT d.id, m.root_rkey, m.created_at_us FROM own.thread_mute AS m
             CROSS JOIN dictionary.actor AS d
             WHERE m.did = $1 AND d.did = m.root_did ORDER BY m.created_at_us DESC LIMIT $2",
            &[Param::Text(did.as_str()), Param::Int(THREADS_MAX)],
            |row| Ok((row.get::<i64>(0)?, row.get::<String>(1)?, row.get::<i64>(2)?)),
        )?;
        let mut threads = HashMap::with_capacity(rows.len());
        for (actor, rkey, since_us) in rows {
            let Ok(rkey) = RecordKey::parse(&rkey) else { continue };
            if let Some(rkey) = lookup::rkey_id(tx, &rkey)? {
                threads.insert((actor, rkey), since_us);
            }
        }
        Ok(Self(threads))
    }

    /// Whether what happened in the thread of `root` at that time is muted: what came before the
    /// mute stays.
    pub(super) fn mutes(&self, root: Option<Key>, at_us: i64) -> bool {
        let since_us = root.and_then(|root| self.0.get(&root));
        since_us.is_some_and(|since_us| at_us >= *since_us)
    }
}

/// The root of the thread a post `p` belongs to, as two columns; of no thread where there is none.
pub(super) const ROOT: &str = "COALESCE(p.root_actor, p.actor_id), COALESCE(p.root_rkey, p.rkey)";

/// Reads [`ROOT`], of which `column` is the first.
pub(super) fn root(
    row: &millrace_store::Row<'_>,
    column: usize,
) -> Result<Option<Key>, StoreError> {
    Ok(row.get::<Option<i64>>(column)?.zip(row.get::<Option<i64>>(column + 1)?))
}
