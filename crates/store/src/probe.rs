//! Looking at a database without opening it for work: is it there, is it whole, how large is it, is the
//! server fit? Each look has its own connection, writes nothing and ends in its time.

use std::time::Duration;

use millrace_runtime::clock::SharedClock;

use crate::backup::check_pages;
use crate::engine::deadline::Deadline;
use crate::engine::{Connector, Mode};
use crate::migrate::on_thread;
use crate::{Domain, StoreConfig, StoreError, Tx};

/// The oldest PostgreSQL that will do.
pub const POSTGRES_VERSION_MIN: i64 = 140_000;

/// What a look at a domain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// There is no such file, or schema.
    Absent,
    /// It answers.
    Fine {
        bytes: u64,
        /// Whether its structure was looked at to the end; there was no time for it otherwise.
        checked: bool,
    },
}

/// A PostgreSQL server as far as Millrace cares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresFacts {
    pub version: String,
    /// As `server_version_num`: 150004 is 15.4.
    pub version_number: i64,
    pub max_connections: i64,
    /// Connections open now, of everybody.
    pub connections: i64,
    /// Those of them that a Millrace has open.
    pub connections_ours: i64,
    pub encoding: String,
    /// `on`, unless a commit may be lost although it was answered.
    pub synchronous_commit: String,
    pub read_only: bool,
}

/// Looks at a domain; on SQLite at the structure of its file too, for at most `limit`.
///
/// # Errors
/// It cannot be opened or read, or is damaged.
pub async fn look(
    config: &StoreConfig,
    domain: Domain,
    limit: Duration,
    clock: &SharedClock,
) -> Result<Found, StoreError> {
    on_thread(config, domain, clock, move |connector, clock| {
        if !connector.exists()? {
            return Ok(Found::Absent);
        }
        let bytes = bytes_in(connector, domain, clock)?;
        if connector.is_shared() {
            return Ok(Found::Fine { bytes, checked: true });
        }
        let (mut tx, deadline) = open(connector, domain, clock)?;
        deadline.start(limit);
        let checked = check_pages(&mut tx, domain);
        deadline.clear();
        tx.rollback();
        match checked {
            Ok(()) => Ok(Found::Fine { bytes, checked: true }),
            Err(StoreError::Timeout { .. }) => Ok(Found::Fine { bytes, checked: false }),
            Err(error) => Err(error),
        }
    })
    .await
}

/// Bytes a domain takes; none when it is not there.
///
/// # Errors
/// It cannot be looked at.
pub async fn bytes(
    config: &StoreConfig,
    domain: Domain,
    clock: &SharedClock,
) -> Result<u64, StoreError> {
    on_thread(config, domain, clock, move |connector, clock| bytes_in(connector, domain, clock))
        .await
}

/// Asks the tables of a domain as they are, whoever works on them; `None` when it is not there.
///
/// # Errors
/// They cannot be read.
pub async fn read<T: Send + 'static>(
    config: &StoreConfig,
    domain: Domain,
    clock: &SharedClock,
    ask: impl FnOnce(&mut Tx) -> Result<T, StoreError> + Send + 'static,
) -> Result<Option<T>, StoreError> {
    on_thread(config, domain, clock, move |connector, clock| {
        if !connector.exists()? {
            return Ok(None);
        }
        let (mut tx, _) = open(connector, domain, clock)?;
        let answer = ask(&mut tx);
        tx.rollback();
        answer.map(Some)
    })
    .await
}

/// A DID that was seen not long ago, to try a resolver with.
///
/// # Errors
/// The dictionary cannot be read.
pub async fn some_did(
    config: &StoreConfig,
    clock: &SharedClock,
) -> Result<Option<String>, StoreError> {
    let found = read(config, Domain::Dictionary, clock, |tx| {
        tx.query_opt("SELECT did FROM actor ORDER BY id LIMIT 1", &[], |row| row.get(0))
    });
    Ok(found.await?.flatten())
}

/// What the PostgreSQL server says of itself.
///
/// # Errors
/// It cannot be reached or asked.
pub async fn postgres(
    config: &StoreConfig,
    clock: &SharedClock,
) -> Result<PostgresFacts, StoreError> {
    let domain = Domain::Dictionary;
    on_thread(config, domain, clock, move |connector, clock| {
        let (mut tx, _) = open(connector, domain, clock)?;
        let facts = tx.query_one(
            "SELECT current_setting('server_version'),
                    CAST(current_setting('server_version_num') AS BIGINT),
                    CAST(current_setting('max_connections') AS BIGINT),
                    (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'),
                    (SELECT count(*) FROM pg_catalog.pg_stat_activity
                     WHERE application_name LIKE 'millrace-%' AND pid <> pg_backend_pid()
                       AND datname = current_database()),
                    current_setting('server_encoding'),
                    current_setting('synchronous_commit'),
                    CAST(pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS INT)",
            &[],
            |row| {
                Ok(PostgresFacts {
                    version: row.get(0)?,
                    version_number: row.get(1)?,
                    max_connections: row.get(2)?,
                    connections: row.get(3)?,
                    connections_ours: row.get(4)?,
                    encoding: row.get(5)?,
                    synchronous_commit: row.get(6)?,
                    read_only: row.get::<i64>(7)? != 0,
                })
            },
        );
        tx.rollback();
        facts
    })
    .await
}

fn bytes_in(connector: &Connector, domain: Domain, clock: &SharedClock) -> Result<u64, StoreError> {
    if let Some(bytes) = connector.file_bytes() {
        return Ok(bytes);
    }
    let (mut tx, _) = open(connector, domain, clock)?;
    let bytes = tx.query_one(
        "SELECT CAST(coalesce(sum(pg_total_relation_size(c.oid)), 0) AS BIGINT)
         FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = $1
         WHERE c.relkind = 'r'",
        &[domain.name().into()],
        |row| row.get::<i64>(0),
    );
    tx.rollback();
    Ok(u64::try_from(bytes?).unwrap_or(0))
}

fn open(
    connector: &Connector,
    domain: Domain,
    clock: &SharedClock,
) -> Result<(Tx, Deadline), StoreError> {
    let deadline = Deadline::new();
    let connection = connector.connect(Mode::Read, &deadline)?;
    let mut tx = Tx::new(connection, domain, clock.clone(), deadline.clone());
    tx.start(Mode::Read)?;
    Ok((tx, deadline))
}
