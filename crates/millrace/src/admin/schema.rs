//! The schemas of all domains: which migrations there are, which are applied.

use millrace_atproto::datetime::format_ms_us;
use millrace_runtime::clock::SharedClock;
use millrace_store::migrate::{self, MigrationStatus};
use millrace_store::{Domain, Migration, StoreConfig, StoreError, dictionary};
use serde::{Deserialize, Serialize};

/// Every domain this program has, in the order they are opened, with its migrations.
pub const DOMAINS: &[(Domain, &[Migration])] = &[
    (Domain::Dictionary, dictionary::MIGRATIONS),
    (Domain::Own, millrace_dataplane::schema::OWN),
    (Domain::Session, millrace_appview::session::MIGRATIONS),
    (Domain::Ingest, millrace_ingest::MIGRATIONS),
    (Domain::Dataplane, millrace_dataplane::schema::DATAPLANE),
    (Domain::Feeds, millrace_feeds::schema::FEEDS),
];

/// The migrations of all domains.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Schema {
    pub migrations: Vec<SchemaMigration>,
}

/// One migration of one domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SchemaMigration {
    pub domain: String,
    /// `base`: tables every domain has; `domain`: its own.
    pub part: String,
    pub number: u32,
    pub name: String,
    /// The oldest number whose program still runs once this one is applied.
    #[serde(default)]
    pub compatible_back_to: u32,
    /// None while it is pending.
    pub applied_at: Option<String>,
}

impl SchemaMigration {
    fn of(domain: Domain, status: MigrationStatus) -> Self {
        Self {
            domain: domain.name().to_owned(),
            part: status.part.to_owned(),
            number: status.number,
            name: status.name,
            compatible_back_to: status.compatible_back_to,
            applied_at: status.applied_us.map(format_ms_us),
        }
    }
}

impl Schema {
    /// Those that are not applied.
    pub fn pending(mut self) -> Self {
        self.migrations.retain(|migration| migration.applied_at.is_none());
        self
    }
}

impl Schema {
    /// The pending ones after which a program that knows only what is applied would not run any more.
    pub fn breaking(&self) -> Vec<&SchemaMigration> {
        let known = |of: &SchemaMigration| {
            let applied = self.migrations.iter().filter(|it| {
                it.domain == of.domain && it.part == of.part && it.applied_at.is_some()
            });
            applied.map(|it| it.number).max()
        };
        let pending = self.migrations.iter().filter(|it| it.applied_at.is_none());
        pending.filter(|it| known(it).is_some_and(|known| it.compatible_back_to > known)).collect()
    }
}

/// Every migration, applied or not.
///
/// # Errors
/// A database cannot be read, or does not fit this program.
pub async fn status(config: &StoreConfig, clock: &SharedClock) -> Result<Schema, StoreError> {
    let mut migrations = Vec::new();
    for (domain, known) in DOMAINS {
        let found = migrate::status(config, *domain, known, clock).await?;
        migrations.extend(found.into_iter().map(|status| SchemaMigration::of(*domain, status)));
    }
    Ok(Schema { migrations })
}

/// Applies what is pending, domain by domain; what was applied.
///
/// # Errors
/// A migration failed; those of earlier domains stay applied.
pub async fn apply(config: &StoreConfig, clock: &SharedClock) -> Result<Schema, StoreError> {
    let mut migrations = Vec::new();
    for (domain, known) in DOMAINS {
        let done = migrate::apply(config, *domain, known, clock).await?;
        migrations.extend(done.into_iter().map(|status| SchemaMigration::of(*domain, status)));
    }
    Ok(Schema { migrations })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_away_keeps_an_older_program_from_running() {
        let migration = |number: u32, compatible_back_to: u32, applied: bool| SchemaMigration {
            domain: "ingest".to_owned(),
            part: "domain".to_owned(),
            number,
            name: number.to_string(),
            compatible_back_to,
            applied_at: applied.then(String::new),
        };
        let check = |migrations: &[SchemaMigration], expected: &[u32]| {
            let schema = Schema { migrations: migrations.to_vec() };
            let found: Vec<u32> = schema.breaking().iter().map(|it| it.number).collect();
            assert_eq!(found, expected);
        };
        check(&[migration(1, 1, true), migration(2, 1, false)], &[]);
        check(&[migration(1, 1, true), migration(2, 2, false), migration(3, 1, false)], &[2]);
        check(&[migration(1, 1, true), migration(2, 2, true)], &[]);
        // Nothing is there yet that an older program could need.
        check(&[migration(1, 1, false), migration(2, 2, false)], &[]);
    }
}
