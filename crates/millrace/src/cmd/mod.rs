//! The subcommands, one file each: its arguments, and what it does.

pub mod alerts;
pub mod audit;
pub mod backfill;
pub mod backup;
pub mod cache;
pub mod completions;
pub mod config;
pub mod curated;
pub mod demo;
pub mod dlq;
pub mod doctor;
pub mod init;
pub mod keys;
pub mod label;
pub mod rebuild;
pub mod reference;
pub mod repair;
pub mod restore;
pub mod schema;
pub mod serve;
pub mod signed_in;
pub mod status;
pub mod takedown;
pub mod top;
pub mod upgrade_check;

mod lines;
mod live;
mod subject;
mod upkeep;

use crate::cli::{Cli, Command};
use crate::failure::{Exit, Failure};

/// Does what the command line asks.
///
/// # Errors
/// It could not be done.
pub async fn run(cli: Cli) -> Result<Exit, Failure> {
    let global = cli.global;
    let done = match cli.command {
        // What these find decides how they end.
        Command::Doctor(args) => return doctor::run(&global, args).await,
        Command::Status(args) => return status::run(&global, args).await,
        Command::UpgradeCheck(args) => return upgrade_check::run(&global, args).await,
        Command::Init(args) => init::run(&global, &args),
        Command::Keys(command) => keys::run(&global, command),
        Command::Demo(args) => demo::run(&global, args).await,
        Command::Serve(args) => serve::run(&global, &args).await,
        Command::Config(command) => config::run(&global, &command),
        Command::Dlq(command) => dlq::run(&global, command).await,
        Command::Schema(command) => schema::run(&global, command).await,
        Command::Alerts(command) => alerts::run(&global, &command).await,
        Command::Top(args) => top::run(&global, args).await,
        Command::Audit(args) => audit::run(&global, args).await,
        Command::Repair(args) => repair::run(&global, args).await,
        Command::Rebuild(args) => rebuild::run(&global, args).await,
        Command::Backfill(command) => backfill::run(&global, command).await,
        Command::Backup(args) => backup::run(&global, args).await,
        Command::Restore(args) => restore::run(&global, args).await,
        Command::Cache(command) => cache::run(&global, command).await,
        Command::Takedown(command) => takedown::run(&global, command).await,
        Command::Label(command) => label::run(&global, command).await,
        Command::Curated(command) => curated::run(&global, command).await,
        Command::Sessions(command) => signed_in::sessions(&global, command).await,
        Command::Tokens(command) => signed_in::tokens(&global, command).await,
        Command::Completions(args) => {
            completions::run(&args);
            Ok(())
        }
        Command::Reference { page } => reference::run(page).await,
    };
    done.map(|()| Exit::Fine)
}
