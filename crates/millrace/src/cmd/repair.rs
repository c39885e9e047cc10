//! `millrace repair`: mends what an audit finds. The running server does it; without one, this command.

use clap::Args;

use super::audit::DriftFound;
use super::upkeep::{self, by_check, grouped, list, options};
use crate::admin::audit::{Done, Task};
use crate::cli::{Global, WriteArgs};
use crate::config::{self, Config};
use crate::failure::Failure;
use crate::output;

/// Mend what an audit finds
///
/// What differs is computed again and written, a few rows at a time, until nothing differs. It may run
/// beside a server, and be run again. Records themselves are never made up: one that cannot be read goes,
/// and its account's repository is fetched again.
///
/// Examples:
///   millrace repair --dry-run
///   millrace repair --yes
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct RepairArgs {
    #[command(flatten)]
    write: WriteArgs,
    /// Only this table, or the check of this name; may be given several times
    #[arg(long = "table", value_name = "NAME")]
    tables: Vec<String>,
}

pub async fn run(global: &Global, args: RepairArgs) -> Result<(), Failure> {
    let config = config::load(global)?.value;
    if args.write.dry_run {
        return would(&config, args.tables).await;
    }
    output::confirm("mend what an audit finds", args.write.yes)?;
    let task = Task::Repair(options(args.tables, 100));
    let Done::Repair(report) = upkeep::run(&config, task).await? else {
        unreachable!("a repair ends as a repair")
    };
    list(&report.mended);
    match report.mended.total() {
        0 => output::note("nothing differs, nothing to mend"),
        total => {
            let checks = by_check(&report.mended);
            output::note(&format!("{} rows mended ({checks})", grouped(total)));
        }
    }
    match report.left.total() {
        0 => Ok(()),
        _ => Err(DriftFound::of(&report.left).into()),
    }
}

async fn would(config: &Config, tables: Vec<String>) -> Result<(), Failure> {
    let Done::Audit(report) = upkeep::run(config, Task::Audit(options(tables, 100))).await? else {
        unreachable!("an audit ends as an audit")
    };
    list(&report);
    match report.total() {
        0 => output::note("nothing differs, nothing to mend"),
        total => output::note(&format!("would mend {} rows", grouped(total))),
    }
    Ok(())
}
