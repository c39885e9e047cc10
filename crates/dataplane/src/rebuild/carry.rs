//! What the old tables know that no record says: which entries are parked, which facts wait to be told,
//! whose repository is wanted, who holds which lease. Taken over when nothing writes there any more, page
//! by page, under the numbers it has.

use foldhash::HashSet;
use millrace_store::{Param, Store, StoreError, Tx};

use super::copy::{self, NUMBERED, insert};
use super::tables::{Table, bookkeeping};

/// Parked entries of a page: each has up to 2 MiB.
const PAGE_PARKED: i64 = 50;
/// Facts of a page.
const PAGE_FACTS: i64 = 1_000;

/// Takes the bookkeeping of `old` over to `fresh`; `parked` are the entries parked in `old`.
pub(super) async fn over(
    old: &Store,
    fresh: &Store,
    parked: HashSet<(u32, i64)>,
) -> Result<(), StoreError> {
    let (last, leases) = old
        .read(|tx| {
            let last: Result<Vec<(&'static str, i64)>, StoreError> =
                NUMBERED.into_iter().map(|table| Ok((table, tx.last_identity(table)?))).collect();
            Ok::<_, StoreError>((last?, copy::rows(tx, bookkeeping("lease"))?))
        })
        .await?;
    let written: Result<(), StoreError> = fresh
        .write(move |tx| {
            tx.execute("DELETE FROM outbox", &[])?;
            tx.execute("DELETE FROM lease", &[])?;
            insert(tx, bookkeeping("lease"), &leases)?;
            keep_own_parked(tx, &parked, &last)
        })
        .await;
    written?;
    for table in NUMBERED {
        pages(old, fresh, bookkeeping(table)).await?;
    }
    wishes(old, fresh).await
}

/// Of the entries parked in the new tables those stay that are not parked in the old ones: they were
/// tried again there meanwhile, and will be here. They get numbers that nothing has.
fn keep_own_parked(
    tx: &mut Tx,
    parked: &HashSet<(u32, i64)>,
    last: &[(&'static str, i64)],
) -> Result<(), StoreError> {
    for (table, last) in last {
        tx.set_last_identity(table, *last)?;
    }
    let own: Vec<(i64, u32, i64)> =
        tx.query("SELECT id, partition, log_offset FROM parked ORDER BY id", &[], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let (taken, own): (Vec<_>, Vec<_>) =
        own.into_iter().partition(|(_, partition, offset)| parked.contains(&(*partition, *offset)));
    tx.execute_many(
        "DELETE FROM parked WHERE id IN (SELECT k.id FROM {rows:id BIGINT} AS k)",
        taken.iter().map(|it| [Param::Int(it.0)]),
    )?;
    let mut next = tx.last_identity("parked")?;
    let now_us = tx.now_us();
    for (id, ..) in own {
        next += 1;
        tx.execute(
            "UPDATE parked SET id = $2, next_us = CASE WHEN reason = 'behind' THEN NULL ELSE $3 END WHERE id = $1",
            &[Param::Int(id), Param::Int(next), Param::Int(now_us)],
        )?;
    }
    tx.set_last_identity("parked", next)
}

/// Copies a numbered table, page by page.
async fn pages(old: &Store, fresh: &Store, table: &'static Table) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let page = old.read(move |tx| page(tx, table, after)).await?;
        let Some(last) = page.last().map(|row| row.0) else { return Ok(()) };
        after = last;
        let rows: Vec<Vec<copy::Value>> = page.into_iter().map(|row| row.1).collect();
        let written: Result<(), StoreError> = fresh.write(move |tx| insert(tx, table, &rows)).await;
        written?;
    }
}

fn page(
    tx: &mut Tx,
    table: &Table,
    after: i64,
) -> Result<Vec<(i64, Vec<copy::Value>)>, StoreError> {
    let rows_max = if table.name == "parked" { PAGE_PARKED } else { PAGE_FACTS };
    let sql = format!("{} WHERE id > $1 ORDER BY id LIMIT $2", copy::select(table));
    tx.query(&sql, &[Param::Int(after), Param::Int(rows_max)], |row| {
        Ok((row.get(0)?, copy::read(table, row)?))
    })
}

/// Wishes that came meanwhile. One that was granted meanwhile is granted twice.
async fn wishes(old: &Store, fresh: &Store) -> Result<(), StoreError> {
    let wanted: Vec<(String, i64)> = old
        .read(|tx| {
            tx.query("SELECT did, wanted_at_us FROM resync_wanted", &[], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })
        .await?;
    fresh
        .write(move |tx| {
            tx.execute_many(
                "INSERT INTO resync_wanted (did, wanted_at_us) {values:TEXT KEY,BIGINT} ON CONFLICT (did) DO NOTHING",
                wanted.iter().map(|(did, at_us)| [Param::Text(did), Param::Int(*at_us)]),
            )
            .map(drop)
        })
        .await
}

/// Accounts asked for in one transaction.
const ACCOUNTS_MAX: i64 = 10_000;

/// Has the repository of every account that is there fetched again; of how many.
pub(super) async fn want_all(store: &Store) -> Result<u64, StoreError> {
    let highest: Option<i64> = store
        .read(|tx| tx.query_one("SELECT max(actor_id) FROM actor", &[], |row| row.get(0)))
        .await?;
    let (mut after, mut wanted) = (0, 0);
    while after < highest.unwrap_or(0) {
        let through = after + ACCOUNTS_MAX;
        let added: Result<u64, StoreError> = store
            .write(move |tx| {
                let now_us = tx.now_us();
                tx.execute(
                    "INSERT INTO resync_wanted (did, wanted_at_us)
                     SELECT d.did, CAST($3 AS BIGINT) FROM actor AS a CROSS JOIN dictionary.actor AS d
                     WHERE d.id = a.actor_id AND a.active = 1 AND a.actor_id > $1 AND a.actor_id <= $2
                     ON CONFLICT (did) DO NOTHING",
                    &[Param::Int(after), Param::Int(through), Param::Int(now_us)],
                )
            })
            .await;
        wanted += added?;
        after = through;
    }
    Ok(wanted)
}
