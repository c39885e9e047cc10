//! SQLite: a domain's pages, copied through SQLite's own backup interface from one read transaction. The
//! copy is a plain file in rollback mode, so that looking at it leaves nothing beside it.

use std::path::Path;
use std::sync::Arc;

use millrace_runtime::clock::SharedClock;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::{Control, CopiedDomain, Edit, Restore, describe, end_leases, open, stopped, sync};
use crate::engine::deadline::Deadline;
use crate::engine::{Connector, Mode};
use crate::{Domain, StoreConfig, StoreError, Tx};

/// Pages copied in one step, 8 MiB of them.
const STEP_PAGES: i32 = 2_048;

pub(super) fn copy(
    config: &StoreConfig,
    domains: &[Domain],
    dir: &Path,
    control: &Arc<Control>,
    clock: &SharedClock,
) -> Result<Vec<CopiedDomain>, StoreError> {
    let mut copied = Vec::new();
    for domain in domains.iter().copied() {
        let name = file_name(domain);
        let (from, to) = (config.dir().join(&name), dir.join(&name));
        if !from.exists() {
            continue;
        }
        copy_pages(domain, &from, &to, control)?;
        sync(domain, &to)?;
        let mut described = look(dir, domain, clock)?;
        described.files.push(name);
        copied.push(described);
    }
    Ok(copied)
}

fn file_name(domain: Domain) -> String {
    format!("{domain}.db")
}

fn copy_pages(domain: Domain, from: &Path, to: &Path, control: &Control) -> Result<(), StoreError> {
    let fault = |error: rusqlite::Error| engine_error(domain, &error);
    let source =
        Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(fault)?;
    // Held to the end: every step sees what the first one saw.
    source
        .execute_batch("PRAGMA busy_timeout = 5000; BEGIN; SELECT count(*) FROM sqlite_schema")
        .map_err(fault)?;
    let page_bytes: i64 =
        source.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(fault)?;
    let mut target = Connection::open(to).map_err(fault)?;
    target.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").map_err(fault)?;
    let backup = Backup::new(&source, &mut target).map_err(fault)?;
    let mut before = None;
    loop {
        let step = backup.step(STEP_PAGES).map_err(fault)?;
        let left = backup.progress();
        let pages = before.unwrap_or(left.pagecount) - left.remaining;
        before = Some(left.remaining);
        let bytes = u64::try_from(i64::from(pages.max(0)) * page_bytes).unwrap_or(0);
        control.step(bytes).map_err(|_| stopped(domain))?;
        match step {
            StepResult::Done => break,
            // Nobody else has the target, and the source is read from one snapshot.
            StepResult::Busy | StepResult::Locked => return Err(StoreError::Busy { domain }),
            _ => {}
        }
    }
    drop(backup);
    target.close().map_err(|(_, error)| fault(error))?;
    // Page 1 came with the rest and says WAL.
    let target = Connection::open(to).map_err(fault)?;
    target.execute_batch("PRAGMA journal_mode = DELETE").map_err(fault)?;
    target.close().map_err(|(_, error)| fault(error))
}

/// Reads the copy back: its structure, and what it says of itself.
fn look(dir: &Path, domain: Domain, clock: &SharedClock) -> Result<CopiedDomain, StoreError> {
    let connector = Connector::new(&StoreConfig::in_dir(dir), domain, &[])?;
    let deadline = Deadline::new();
    let connection = connector.connect(Mode::Read, &deadline)?;
    let mut tx = Tx::new(connection, domain, clock.clone(), deadline);
    tx.start(Mode::Read)?;
    let found = check(&mut tx, domain).and_then(|()| describe(&mut tx, domain));
    tx.rollback();
    found
}

/// The structure of every page.
pub(crate) fn check(tx: &mut Tx, domain: Domain) -> Result<(), StoreError> {
    let faults = tx.query("PRAGMA quick_check(1)", &[], |row| row.get::<String>(0))?;
    match faults.into_iter().find(|fault| fault != "ok") {
        None => Ok(()),
        Some(reason) => Err(StoreError::Corrupt { domain, reason }),
    }
}

/// The files lie in the target's folder already; they are checked, edited and left as a server leaves them.
pub(super) fn restore(
    restore: &Restore,
    mut edit: Edit,
    clock: &SharedClock,
) -> Result<(), StoreError> {
    for (domain, ..) in &restore.domains {
        let connector = Connector::new(&restore.target, *domain, &[])?;
        let mut tx = open(&connector, *domain, Mode::Write, clock)?;
        let edited = check(&mut tx, *domain)
            .and_then(|()| end_leases(&mut tx))
            .and_then(|()| edit(*domain, &mut tx))
            .and_then(|()| tx.commit().map(drop));
        if edited.is_err() {
            tx.rollback();
        }
        drop(tx);
        edited?;
        connector.finish()?;
        sync(*domain, &restore.target.dir().join(file_name(*domain)))?;
    }
    Ok(())
}

fn engine_error(domain: Domain, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode;
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull { domain },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { domain },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt { domain, reason }
        }
        _ => StoreError::Unavailable { domain, reason },
    }
}
