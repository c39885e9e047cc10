//! What a deleted account owned here goes with it: its mutes, bookmarks, drafts, preferences and the
//! like; and events of its posts that could not be delivered. What others own that names it (a mute of it, a bookmark of its post) stays theirs.
//!
//! Its records go with the entry that says so, in the data-plane's own transaction. These rows are in
//! another domain, which that transaction cannot touch; so whoever owns anything is looked at now and
//! then, and by the tables alone: nothing that a crash came between is missed, nor what a restored
//! backup brought back, and purging twice is purging once. An account that is only deactivated, taken
//! down or suspended keeps everything.

use millrace_atproto::syntax::Did;
use millrace_store::{Param, Store, StoreError, Tx};

use crate::apply::change::tell_own;
use crate::owned::OWNED;
use crate::query::{limited_post, mute};

/// The tables of [`OWNED`].
pub const TABLES: [&str; OWNED.len()] = {
    let mut names = [""; OWNED.len()];
    let mut at = 0;
    while at < OWNED.len() {
        names[at] = OWNED[at].name;
        at += 1;
    }
    names
};
/// Tables of `own` that whoever runs this place fills: they say something of accounts and stay when these go.
pub const OPERATORS: [&str; 4] = ["curated", "issued_label", "issued_label_last", "takedown"];
/// Tables of `own` that follow from others, and are nobody's.
pub const DERIVED: [&str; 1] = ["bookmark_count"];
/// Tables of `own` with events on their way to services of whoever runs this place. They tell the account nothing, but
/// what is said there of a deleted one goes with it.
pub const EVENTS: [&str; 1] = ["dlq"];
/// Tables of `own` that name nobody.
pub const NAMELESS: [&str; 1] = ["inbox"];
/// Accounts looked at in one snapshot.
const ACCOUNTS_AT_ONCE: i64 = 500;

/// What was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    pub accounts: u64,
    pub rows: u64,
}

/// Takes away what accounts own in `own` that are deleted by the data-plane's tables.
///
/// # Errors
/// A store cannot be read or written; what was purged until then stays so.
pub async fn deleted_accounts(dataplane: &Store, own: &Store) -> Result<Purged, StoreError> {
    let mut purged = Purged::default();
    for table in TABLES.into_iter().chain(EVENTS) {
        let mut after = String::new();
        loop {
            let from = after.clone();
            let owners = dataplane.read(move |tx| owners(tx, table, &from)).await?;
            let Some((last, _)) = owners.last() else { break };
            after.clone_from(last);
            for (did, is_deleted) in owners {
                if is_deleted {
                    purged.accounts += 1;
                    purged.rows += own.write(move |tx| purge(tx, &did)).await?;
                }
            }
        }
    }
    Ok(purged)
}

/// Who owns rows of a table, in order, and whether they are deleted.
fn owners(tx: &mut Tx, table: &str, after: &str) -> Result<Vec<(String, bool)>, StoreError> {
    let sql = format!(
        "SELECT o.did, CAST(CASE WHEN EXISTS (SELECT 1 FROM dictionary.actor AS d CROSS JOIN actor AS a
                WHERE d.did = o.did AND a.actor_id = d.id AND a.active = 0 AND a.status = 'deleted')
            THEN 1 ELSE 0 END AS BIGINT)
         FROM (SELECT DISTINCT t.did FROM own.{table} AS t WHERE t.did > $1 ORDER BY t.did LIMIT $2) AS o
         ORDER BY o.did"
    );
    let params = [Param::Text(after), Param::Int(ACCOUNTS_AT_ONCE)];
    tx.query(&sql, &params, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Takes away everything of an account, and tells homes of what they show of it; how many rows that were.
pub(crate) fn purge(tx: &mut Tx, did: &str) -> Result<u64, StoreError> {
    const KEPT: &str = "(subject_did, subject_rkey) IN (SELECT b.subject_did, b.subject_rkey
        FROM bookmark AS b WHERE b.did = $1)";
    let params = [Param::Text(did)];
    if let Ok(actor) = Did::parse(did) {
        let gone = [limited_post::all_gone(tx, did)?, mute::all_gone(tx, did)?].concat();
        tell_own(tx, &actor, &gone)?;
    }
    tx.execute(
        &format!("UPDATE bookmark_count SET bookmarks = bookmarks - 1 WHERE {KEPT}"),
        &params,
    )?;
    tx.execute(&format!("DELETE FROM bookmark_count WHERE bookmarks <= 0 AND {KEPT}"), &params)?;
    let mut rows = 0;
    for table in TABLES.into_iter().chain(EVENTS) {
        rows += tx.execute(&format!("DELETE FROM {table} WHERE did = $1"), &params)?;
    }
    Ok(rows)
}
