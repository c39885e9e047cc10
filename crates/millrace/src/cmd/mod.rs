//! The subcommands, one file each: its arguments, and what it does.

pub mod alerts;
pub mod config;
pub mod demo;
pub mod dlq;
pub mod reference;
pub mod schema;
pub mod serve;

use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Does what the command line asks.
///
/// # Errors
/// It could not be done.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let global = cli.global;
    match cli.command {
        Command::Demo(args) => demo::run(&global, args).await,
        Command::Serve(args) => serve::run(&global, &args).await,
        Command::Config(command) => config::run(&global, &command),
        Command::Dlq(command) => dlq::run(&global, command).await,
        Command::Schema(command) => schema::run(&global, command).await,
        Command::Alerts(command) => alerts::run(&global, &command).await,
        Command::Reference { page } => {
            reference::run(page);
            Ok(())
        }
    }
}
