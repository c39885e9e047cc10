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
    (Domain::Ingest, millrace_ingest::MIGRATIONS),
    (Domain::Dataplane, millrace_dataplane::schema::DATAPLANE),
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
