//! PostgreSQL: the rows of every table, by COPY. One snapshot covers all domains when they are copied, one
//! transaction when they are put back; schemas that are replaced keep their rows under another name.

use std::fs::File;
use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use millrace_runtime::clock::SharedClock;
use postgres::Client;

use super::rows::Counter;
use super::{
    Control, CopiedDomain, CopiedTable, Edit, Restore, describe, end_leases, file_error, open,
    stopped, sync,
};
use crate::engine::{Connector, Mode};
use crate::{Domain, Migration, StoreConfig, StoreError, Tx, migrate};

/// Bytes moved in one step.
const STEP_BYTES: usize = 256 << 10;
/// Is written anew by the migrations themselves.
const SCHEMA_TABLE: &str = "schema_migration";

pub(super) fn copy(
    config: &StoreConfig,
    domains: &[Domain],
    dir: &Path,
    control: &Arc<Control>,
    clock: &SharedClock,
) -> Result<Vec<CopiedDomain>, StoreError> {
    let Some(first) = domains.first() else { return Ok(Vec::new()) };
    let connector = Connector::new(config, *first, &[])?;
    let mut tx = open(&connector, *first, Mode::Read, clock)?;
    let mut copied = Vec::new();
    for domain in domains {
        if tx.turn_to(*domain)? {
            copied.push(copy_domain(&mut tx, *domain, dir, control)?);
        }
    }
    tx.rollback();
    Ok(copied)
}

fn copy_domain(
    tx: &mut Tx,
    domain: Domain,
    dir: &Path,
    control: &Control,
) -> Result<CopiedDomain, StoreError> {
    let mut copied = describe(tx, domain)?;
    for table in tables(tx)? {
        let file = format!("{domain}.{table}.copy");
        let mut described =
            CopiedTable { columns: columns(tx, &table)?, table, file, rows: 0, numbered: vec![] };
        described.numbered = numbered(tx, domain, &described.table)?;
        described.rows = copy_table(tx, domain, &described, dir, control)?;
        copied.files.push(described.file.clone());
        copied.tables.push(described);
    }
    Ok(copied)
}

fn tables(tx: &mut Tx) -> Result<Vec<String>, StoreError> {
    let mut tables: Vec<String> = tx.query(
        "SELECT CAST(tablename AS TEXT) FROM pg_catalog.pg_tables
         WHERE schemaname = current_schema() ORDER BY 1",
        &[],
        |row| row.get(0),
    )?;
    tables.retain(|table| table != SCHEMA_TABLE);
    Ok(tables)
}

fn columns(tx: &mut Tx, table: &str) -> Result<Vec<String>, StoreError> {
    tx.query(
        "SELECT CAST(a.attname AS TEXT) FROM pg_catalog.pg_attribute a
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
         WHERE c.relname = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
         ORDER BY a.attnum",
        &[table.into()],
        |row| row.get(0),
    )
}

/// Columns that number their rows, and the last number given.
fn numbered(tx: &mut Tx, domain: Domain, table: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let columns: Vec<String> = tx.query(
        "SELECT CAST(a.attname AS TEXT) FROM pg_catalog.pg_attribute a
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
         WHERE c.relname = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity <> ''
         ORDER BY a.attnum",
        &[table.into()],
        |row| row.get(0),
    )?;
    let mut numbered = Vec::new();
    for column in columns {
        let last: Option<i64> = tx.query_one(
            "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence($1, $2) AS regclass))",
            &[(&qualified(domain, table)).into(), (&column).into()],
            |row| row.get(0),
        )?;
        numbered.push((column, last.unwrap_or(0)));
    }
    Ok(numbered)
}

fn copy_table(
    tx: &mut Tx,
    domain: Domain,
    table: &CopiedTable,
    dir: &Path,
    control: &Control,
) -> Result<u64, StoreError> {
    let path = dir.join(&table.file);
    let broken = |error: &std::io::Error| file_error(domain, &path, error);
    let sql = format!("COPY {} TO STDOUT (FORMAT binary)", with_columns(domain, table));
    let mut file = BufWriter::new(File::create_new(&path).map_err(|error| broken(&error))?);
    let (client, fault) = client(tx, domain)?;
    let mut rows = client.copy_out(&sql).map_err(fault)?;
    let mut counter = Counter::new();
    let mut piece = vec![0; STEP_BYTES];
    loop {
        let read = rows.read(&mut piece).map_err(|error| interrupted(domain, &error))?;
        if read == 0 {
            break;
        }
        counter.take(&piece[..read]);
        file.write_all(&piece[..read]).map_err(|error| broken(&error))?;
        control.step(read as u64).map_err(|_| stopped(domain))?;
    }
    drop(rows);
    file.flush().map_err(|error| broken(&error))?;
    drop(file);
    sync(domain, &path)?;
    let rows = whole(domain, &path, counter)?;
    match count_file(domain, &path)? {
        read_back if read_back == rows => Ok(rows),
        other => {
            let reason = format!("{}: {rows} rows written, {other} read back", path.display());
            Err(StoreError::Corrupt { domain, reason })
        }
    }
}

/// Reads a file of rows to its end.
fn count_file(domain: Domain, path: &Path) -> Result<u64, StoreError> {
    let mut counter = Counter::new();
    read_pieces(domain, path, |piece| {
        counter.take(piece);
        Ok(())
    })?;
    whole(domain, path, counter)
}

fn whole(domain: Domain, path: &Path, counter: Counter) -> Result<u64, StoreError> {
    counter.finish().map_err(|fault| StoreError::Corrupt {
        domain,
        reason: format!("{}: {fault}", path.display()),
    })
}

fn read_pieces(
    domain: Domain,
    path: &Path,
    mut each: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let broken = |error: std::io::Error| file_error(domain, path, &error);
    let mut file = File::open(path).map_err(broken)?;
    let mut piece = vec![0; STEP_BYTES];
    loop {
        match file.read(&mut piece).map_err(broken)? {
            0 => return Ok(()),
            read => each(&piece[..read])?,
        }
    }
}

pub(super) fn restore(
    restore: &Restore,
    mut edit: Edit,
    clock: &SharedClock,
) -> Result<(), StoreError> {
    let Some((first, ..)) = restore.domains.first() else { return Ok(()) };
    let connector = Connector::new(&restore.target, *first, &[])?;
    let mut tx = open(&connector, *first, Mode::Write, clock)?;
    let done = in_one(&mut tx, restore, &mut edit).and_then(|()| tx.commit().map(drop));
    if done.is_err() {
        tx.rollback();
    }
    done
}

fn in_one(tx: &mut Tx, restore: &Restore, edit: &mut Edit) -> Result<(), StoreError> {
    let restored = restore.domains.iter().map(|(domain, ..)| *domain);
    for domain in restored.chain(restore.absent.iter().copied()) {
        if tx.turn_to(domain)? {
            tx.script(&format!("ALTER SCHEMA {domain} RENAME TO {domain}_{}", restore.aside))?;
        }
    }
    for (domain, migrations, copied) in &restore.domains {
        restore_domain(tx, *domain, migrations, copied, &restore.dir)?;
        end_leases(tx)?;
        edit(*domain, tx)?;
    }
    Ok(())
}

fn restore_domain(
    tx: &mut Tx,
    domain: Domain,
    migrations: &'static [Migration],
    copied: &CopiedDomain,
    dir: &Path,
) -> Result<(), StoreError> {
    // The schema that the rows had; what is newer is applied to them as to any others.
    let had = copied.schema.iter().filter(|step| step.part == "domain").count();
    tx.turn_to(domain)?;
    migrate::apply_in(tx, domain, migrations.get(..had).unwrap_or(migrations))?;
    for table in &copied.tables {
        // A migration may have put rows there.
        tx.script(&format!("DELETE FROM {}", qualified(domain, &table.table)))?;
        fill(tx, domain, table, dir)?;
        for (column, last) in table.numbered.iter().filter(|(_, last)| *last > 0) {
            tx.query_one(
                "SELECT setval(CAST(pg_get_serial_sequence($1, $2) AS regclass), $3)",
                &[(&qualified(domain, &table.table)).into(), column.into(), (*last).into()],
                |row| row.get::<i64>(0),
            )?;
        }
    }
    Ok(())
}

fn fill(tx: &mut Tx, domain: Domain, table: &CopiedTable, dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(&table.file);
    let sql = format!("COPY {} FROM STDIN (FORMAT binary)", with_columns(domain, table));
    let (client, fault) = client(tx, domain)?;
    let mut rows = client.copy_in(&sql).map_err(&fault)?;
    read_pieces(domain, &path, |piece| {
        rows.write_all(piece).map_err(|error| interrupted(domain, &error))
    })?;
    let filled = rows.finish().map_err(&fault)?;
    if filled == table.rows {
        return Ok(());
    }
    let reason = format!("{}: {filled} rows, the manifest says {}", path.display(), table.rows);
    Err(StoreError::Corrupt { domain, reason })
}

type Fault = Box<dyn Fn(postgres::Error) -> StoreError>;

fn client(tx: &mut Tx, domain: Domain) -> Result<(&mut Client, Fault), StoreError> {
    let fault = move |error: postgres::Error| match error.code() {
        Some(state) if *state == postgres::error::SqlState::DISK_FULL => {
            StoreError::DiskFull { domain }
        }
        _ => StoreError::Unavailable { domain, reason: told(&error) },
    };
    Ok((tx.postgres_client()?, Box::new(fault)))
}

/// The server's own words are in the cause.
fn told(error: &postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

fn interrupted(domain: Domain, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable { domain, reason: format!("COPY was interrupted: {error}") }
}

fn qualified(domain: Domain, table: &str) -> String {
    format!("{domain}.{}", quoted(table))
}

fn with_columns(domain: Domain, table: &CopiedTable) -> String {
    let columns: Vec<String> = table.columns.iter().map(|column| quoted(column)).collect();
    format!("{} ({})", qualified(domain, &table.table), columns.join(", "))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
