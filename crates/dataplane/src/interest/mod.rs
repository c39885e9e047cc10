//! Who is of interest here: accounts that have read here, whom they follow, and, where that is wanted,
//! to whom they reply and whom they quote.
//!
//! Who reads is owned and named by DID (table `reader`); what follows from it is read from the graph
//! whenever it is asked for, so that it can never drift from it.

mod reader;

use foldhash::HashSet;
use millrace_atproto::syntax::Did;
use millrace_store::{Param, Store, StoreError, Tx};

pub use reader::{NOTE_EVERY_US, NoteReader, Noted};

/// Readers whose graph is read in one snapshot.
const READERS_AT_ONCE: usize = 16;
/// Readers looked at in all; the latest count.
const READERS_MAX: i64 = 1_000_000;

/// What counts as interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Who read here since then reads here.
    pub since_us: i64,
    /// Whether the authors count to whom readers reply, or whom they quote, since then.
    pub interactions: bool,
    /// Accounts that are looked for at most.
    pub accounts_max: usize,
}

/// Accounts that have read here after `since_us`.
///
/// # Errors
/// The store cannot be read.
pub async fn readers(store: &Store, since_us: i64) -> Result<Vec<Did>, StoreError> {
    let dids: Vec<String> = store
        .read(move |tx| {
            tx.query(
                "SELECT did FROM own.reader WHERE last_us > $1 ORDER BY last_us DESC LIMIT $2",
                &[Param::Int(since_us), Param::Int(READERS_MAX)],
                |row| row.get(0),
            )
        })
        .await?;
    Ok(dids.iter().filter_map(|did| Did::parse(did).ok()).collect())
}

/// Everybody who is of interest to `readers`, themselves included.
///
/// # Errors
/// The store cannot be read.
pub async fn of_readers(
    store: &Store,
    readers: &[Did],
    terms: Terms,
) -> Result<HashSet<Did>, StoreError> {
    let mut all: HashSet<Did> = readers.iter().take(terms.accounts_max).cloned().collect();
    for some in readers.chunks(READERS_AT_ONCE) {
        if all.len() >= terms.accounts_max {
            break;
        }
        let some: Vec<String> = some.iter().map(ToString::to_string).collect();
        let found = store
            .read(move |tx| -> Result<Vec<String>, StoreError> {
                let mut found = followed(tx, &some)?;
                if terms.interactions {
                    found.extend(answered(tx, &some, terms.since_us)?);
                }
                Ok(found)
            })
            .await?;
        let room = terms.accounts_max.saturating_sub(all.len());
        all.extend(found.iter().take(room).filter_map(|did| Did::parse(did).ok()));
    }
    Ok(all)
}

fn followed(tx: &mut Tx, readers: &[String]) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT DISTINCT s.did
         FROM {text_list:$1} AS t CROSS JOIN dictionary.actor AS d CROSS JOIN follow AS f
            CROSS JOIN dictionary.actor AS s
         WHERE d.did = t.value AND f.actor_id = d.id AND s.id = f.subject_actor",
        &[Param::Texts(readers)],
        |row| row.get(0),
    )
}

fn answered(tx: &mut Tx, readers: &[String], since_us: i64) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT DISTINCT s.did
         FROM {text_list:$1} AS t CROSS JOIN dictionary.actor AS d CROSS JOIN feed_item AS i
            CROSS JOIN post AS p CROSS JOIN dictionary.actor AS s
         WHERE d.did = t.value AND i.actor_id = d.id AND i.sort_at_us > $2
            AND p.actor_id = i.actor_id AND p.rkey = i.rkey
            AND s.id IN (p.root_actor, p.parent_actor, p.quote_actor)",
        &[Param::Texts(readers), Param::Int(since_us)],
        |row| row.get(0),
    )
}

/// Ids of the accounts that read here, and of all that are of interest: what is kept for ever.
pub(crate) struct Kept {
    pub(crate) readers: HashSet<i64>,
    pub(crate) of_interest: HashSet<i64>,
}

/// Who must lose nothing, by the tables as they stand.
pub(crate) fn kept(tx: &mut Tx, since_us: i64) -> Result<Kept, StoreError> {
    let ids = |rows: Vec<i64>| -> HashSet<i64> { rows.into_iter().collect() };
    let readers = ids(tx.query(
        "SELECT d.id FROM own.reader AS r CROSS JOIN dictionary.actor AS d
         WHERE r.last_us > $1 AND d.did = r.did",
        &[Param::Int(since_us)],
        |row| row.get(0),
    )?);
    let mut of_interest = ids(tx.query(
        "SELECT DISTINCT f.subject_actor
         FROM own.reader AS r CROSS JOIN dictionary.actor AS d CROSS JOIN follow AS f
         WHERE r.last_us > $1 AND d.did = r.did AND f.actor_id = d.id",
        &[Param::Int(since_us)],
        |row| row.get(0),
    )?);
    of_interest.extend(&readers);
    Ok(Kept { readers, of_interest })
}
