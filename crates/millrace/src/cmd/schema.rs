//! `millrace schema`: the migrations of every domain. Asks the running server; without one, the databases.

use clap::Subcommand;

use crate::admin::schema::Schema;
use crate::admin::target::Target;
use crate::cli::{Global, ReadArgs, WriteArgs};
use crate::config;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Every migration, and when it was applied
    Status {
        #[command(flatten)]
        read: ReadArgs,
    },
    /// The migrations that `apply` would apply
    Plan {
        #[command(flatten)]
        read: ReadArgs,
    },
    /// Apply what is pending; a server does so itself when it starts, unless RUN_MIGRATIONS=0
    Apply {
        #[command(flatten)]
        write: WriteArgs,
    },
}

pub async fn run(global: &Global, command: SchemaCommand) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    // The databases of a first start need a folder.
    if matches!(command, SchemaCommand::Apply { .. }) {
        crate::folder::create(&config.data_dir)?;
    }
    let target = Target::open_or_absent(&config)?;
    let schema = target.schema().await?;
    match command {
        SchemaCommand::Status { read } => print(&schema, read),
        SchemaCommand::Plan { read } => print(&schema.pending(), read),
        SchemaCommand::Apply { write } => apply(&target, &schema.pending(), write).await?,
    }
    Ok(())
}

async fn apply(target: &Target, pending: &Schema, write: WriteArgs) -> Result<(), Failure> {
    let count = pending.migrations.len();
    if count == 0 {
        output::note("nothing is pending");
        return Ok(());
    }
    if write.dry_run {
        print(pending, ReadArgs::default());
        return Ok(());
    }
    output::confirm(&format!("apply {count} migrations"), write.yes)?;
    print(&target.apply_schema().await?, ReadArgs::default());
    Ok(())
}

fn print(schema: &Schema, read: ReadArgs) {
    if read.json {
        return output::json(schema);
    }
    let rows: Vec<[String; 5]> = schema
        .migrations
        .iter()
        .map(|migration| {
            [
                migration.domain.clone(),
                migration.part.clone(),
                migration.number.to_string(),
                migration.applied_at.clone().unwrap_or_else(|| "pending".to_owned()),
                migration.name.clone(),
            ]
        })
        .collect();
    output::table(["DOMAIN", "PART", "NUMBER", "APPLIED", "NAME"], &rows);
    if rows.is_empty() {
        output::note("nothing is pending");
    }
}
