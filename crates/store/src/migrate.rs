//! Schemas: numbered migrations, forward only, applied once each.
//!
//! A domain has two lists: the store's own tables (`base.rs`) and the domain's. Each applied
//! migration is kept with the checksum of its text; a different text under the same number is
//! refused, and so is a schema newer than the program, unless every newer migration says that
//! programs this old still run on it ([`Migration::compatible_back_to`]: expand first, contract a
//! release later).
//!
//! All that is pending is applied in one transaction under the engine's lock, so two processes may
//! start at once. A role that does not migrate waits ([`wait`]).

mod assess;

use std::time::Duration;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::supervise::spawn_thread;
use tokio::sync::oneshot;

use crate::backup::CopiedMigration;
use crate::engine::deadline::Deadline;
use crate::engine::{Connector, Mode};
use crate::{Domain, StoreConfig, StoreError, Tx, base};
use assess::{Applied, Part, assess};

/// One step of a domain's schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// 1, 2, 3 … without gaps.
    pub number: u32,
    /// A few words for `millrace schema status`.
    pub name: &'static str,
    /// Statements, with the tokens of the store; never changed once released.
    pub sql: &'static str,
    /// The oldest schema number whose program still runs on this schema: one less than `number` for
    /// a step that only adds, `number` itself for one that takes away.
    pub compatible_back_to: u32,
}

/// One line of `millrace schema status`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Whose tables: `base` (those every domain has) or `domain`.
    pub part: &'static str,
    pub number: u32,
    pub name: String,
    /// As [`Migration::compatible_back_to`].
    pub compatible_back_to: u32,
    /// When it was applied; `None` while it is pending.
    pub applied_us: Option<i64>,
}

/// How often a waiting process looks whether the schema is there.
const WAIT_STEP: Duration = Duration::from_millis(100);

/// Every migration of `domain`, applied or not, known here or newer.
pub async fn status(
    config: &StoreConfig,
    domain: Domain,
    migrations: &'static [Migration],
    clock: &SharedClock,
) -> Result<Vec<MigrationStatus>, StoreError> {
    on_thread(config, domain, clock, move |connector, clock| {
        let applied = look(connector, domain, clock)?;
        let mut lines: Vec<MigrationStatus> = applied.iter().map(Applied::status).collect();
        for part in Part::ALL {
            let pending = assess(domain, part, part.migrations(migrations), &applied)?;
            lines.extend(pending.iter().map(|it| part.pending(it)));
        }
        lines.sort_by_key(|line| (line.part != Part::Base.name(), line.number));
        Ok(lines)
    })
    .await
}

/// What [`apply`] would do now.
pub async fn plan(
    config: &StoreConfig,
    domain: Domain,
    migrations: &'static [Migration],
    clock: &SharedClock,
) -> Result<Vec<MigrationStatus>, StoreError> {
    let mut lines = status(config, domain, migrations, clock).await?;
    lines.retain(|line| line.applied_us.is_none());
    Ok(lines)
}

/// Applies what is pending, all of it or nothing; returns what was applied.
pub async fn apply(
    config: &StoreConfig,
    domain: Domain,
    migrations: &'static [Migration],
    clock: &SharedClock,
) -> Result<Vec<MigrationStatus>, StoreError> {
    on_thread(config, domain, clock, move |connector, clock| {
        // Most starts find nothing to do and take no lock.
        if pending(connector, domain, migrations, clock)? == 0 {
            return Ok(Vec::new());
        }
        let mut tx = open(connector, domain, clock)?;
        tx.start(Mode::Write)?;
        let done = apply_in(&mut tx, domain, migrations).and_then(|done| {
            millrace_runtime::crash::point("store.migrate.before_commit");
            tx.commit()?;
            millrace_runtime::crash::point("store.migrate.after_commit");
            Ok(done)
        });
        if done.is_err() {
            tx.rollback();
        }
        done
    })
    .await
}

/// Waits until another process has applied everything this program needs.
///
/// # Errors
/// [`StoreError::SchemaNotReady`] after [`StoreConfig::schema_wait_ms`].
pub async fn wait(
    config: &StoreConfig,
    domain: Domain,
    migrations: &'static [Migration],
    clock: &SharedClock,
) -> Result<(), StoreError> {
    let limit = Duration::from_millis(config.schema_wait_ms);
    let ready = async {
        loop {
            let left = on_thread(config, domain, clock, move |connector, clock| {
                pending(connector, domain, migrations, clock)
            })
            .await;
            match left {
                Ok(0) => return Ok(()),
                Ok(_) | Err(StoreError::Unavailable { .. } | StoreError::Busy { .. }) => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(WAIT_STEP).await;
        }
    };
    tokio::time::timeout(limit, ready).await.unwrap_or_else(|_| {
        Err(StoreError::SchemaNotReady {
            domain,
            wanted: migrations.last().map_or(0, |it| it.number),
            waited_ms: config.schema_wait_ms,
        })
    })
}

/// What has been applied, for a copy of the tables to be judged by later.
pub(crate) fn copied(tx: &mut Tx) -> Result<Vec<CopiedMigration>, StoreError> {
    Ok(assess::applied(tx)?.iter().map(Applied::copied).collect())
}

/// Whether this program may work on tables with these migrations.
pub(crate) fn check_copied(
    domain: Domain,
    migrations: &'static [Migration],
    copied: &[CopiedMigration],
) -> Result<(), StoreError> {
    let applied: Vec<Applied> = copied.iter().map(Applied::of_copied).collect();
    for part in Part::ALL {
        assess(domain, part, part.migrations(migrations), &applied)?;
    }
    Ok(())
}

fn pending(
    connector: &Connector,
    domain: Domain,
    migrations: &'static [Migration],
    clock: &SharedClock,
) -> Result<usize, StoreError> {
    let applied = look(connector, domain, clock)?;
    let mut pending = 0;
    for part in Part::ALL {
        pending += assess(domain, part, part.migrations(migrations), &applied)?.len();
    }
    Ok(pending)
}

/// What has been applied; creates nothing.
fn look(
    connector: &Connector,
    domain: Domain,
    clock: &SharedClock,
) -> Result<Vec<Applied>, StoreError> {
    if !connector.exists()? {
        return Ok(Vec::new());
    }
    let mut tx = open(connector, domain, clock)?;
    tx.start(Mode::Read)?;
    let applied = if tx.connection.has_table("schema_migration")? {
        assess::applied(&mut tx)
    } else {
        Ok(Vec::new())
    };
    tx.rollback();
    applied
}

pub(crate) fn apply_in(
    tx: &mut Tx,
    domain: Domain,
    migrations: &'static [Migration],
) -> Result<Vec<MigrationStatus>, StoreError> {
    tx.connection.lock_schema()?;
    tx.script(base::SCHEMA_MIGRATION)?;
    let applied = assess::applied(tx)?;
    let mut done = Vec::new();
    for part in Part::ALL {
        for migration in assess(domain, part, part.migrations(migrations), &applied)? {
            tx.script(migration.sql).map_err(|error| failed(domain, migration, &error))?;
            let line = MigrationStatus { applied_us: Some(tx.now_us()), ..part.pending(migration) };
            assess::record(tx, part, migration)?;
            tracing::info!(store.domain = %domain, part = line.part, number = line.number, name = %line.name, "migrated");
            done.push(line);
        }
    }
    tx.connection.finish_schema()?;
    Ok(done)
}

fn failed(domain: Domain, migration: &Migration, error: &StoreError) -> StoreError {
    match error {
        StoreError::Sql { reason, .. } | StoreError::Constraint { reason } => {
            StoreError::Migration {
                domain,
                number: migration.number,
                name: migration.name.to_owned(),
                reason: reason.clone(),
            }
        }
        other => other.clone(),
    }
}

fn open(connector: &Connector, domain: Domain, clock: &SharedClock) -> Result<Tx, StoreError> {
    let connection = connector.connect_to_migrate()?;
    Ok(Tx::new(connection, domain, clock.clone(), Deadline::new()))
}

/// Runs blocking work on a thread of its own: PostgreSQL's client must not run on an async thread.
pub(crate) async fn on_thread<T: Send + 'static>(
    config: &StoreConfig,
    domain: Domain,
    clock: &SharedClock,
    work: impl FnOnce(&Connector, &SharedClock) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    config.check()?;
    let connector = Connector::new(config, domain, &[])?;
    let clock = clock.clone();
    let (reply, answer) = oneshot::channel();
    spawn_thread(format!("{domain}-schema"), move || {
        let _ = reply.send(work(&connector, &clock));
    })
    .map_err(|error| StoreError::Unavailable { domain, reason: error.to_string() })?;
    answer
        .await
        .unwrap_or_else(|_| Err(StoreError::Panicked { message: "migrating panicked".into() }))
}
