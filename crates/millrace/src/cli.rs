//! The command line: global flags, and one variant for each subcommand, whose own arguments lie beside
//! what it does in `cmd/`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::cmd::alerts::AlertsCommand;
use crate::cmd::audit::AuditArgs;
use crate::cmd::backfill::BackfillCommand;
use crate::cmd::backup::BackupArgs;
use crate::cmd::cache::CacheCommand;
use crate::cmd::completions::CompletionsArgs;
use crate::cmd::config::ConfigCommand;
use crate::cmd::curated::CuratedCommand;
use crate::cmd::demo::DemoArgs;
use crate::cmd::dlq::DlqCommand;
use crate::cmd::doctor::DoctorArgs;
use crate::cmd::init::InitArgs;
use crate::cmd::keys::KeysCommand;
use crate::cmd::label::LabelCommand;
use crate::cmd::rebuild::RebuildArgs;
use crate::cmd::reference::Page;
use crate::cmd::repair::RepairArgs;
use crate::cmd::restore::RestoreArgs;
use crate::cmd::schema::SchemaCommand;
use crate::cmd::serve::ServeArgs;
use crate::cmd::signed_in::{SessionsCommand, TokensCommand};
use crate::cmd::status::StatusArgs;
use crate::cmd::takedown::TakedownCommand;
use crate::cmd::top::TopArgs;
use crate::cmd::upgrade_check::UpgradeCheckArgs;

/// Turns the AT Protocol's stream of events into profiles, threads, feeds and notifications.
#[derive(Debug, Parser)]
#[command(name = "millrace", version, propagate_version = true, subcommand_required = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every subcommand takes.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// Configuration file [default: millrace.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "MILLRACE_CONFIG")]
    pub config: Option<PathBuf>,

    /// Overlay of the configuration file: NAME reads millrace.NAME.toml over millrace.toml
    #[arg(long = "env", global = true, value_name = "NAME", env = "MILLRACE_ENV")]
    pub overlay: Option<String>,

    /// Data folder
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Form of log lines
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// As `telemetry.format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// The setting's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run everything on a made-up network: no internet, no set-up
    Demo(DemoArgs),
    /// Follow the network and answer questions
    Serve(ServeArgs),
    Init(InitArgs),
    Doctor(DoctorArgs),
    Status(StatusArgs),
    Top(TopArgs),
    /// Explain, check and show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Entries that could not be applied: look at them, try again, give up
    #[command(subcommand)]
    Dlq(DlqCommand),
    /// The tables' schema: look at it, see what is pending, apply it
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Alerts to the operator: whether they arrive
    #[command(subcommand)]
    Alerts(AlertsCommand),
    /// Accounts that are wanted whole: have them fetched, see how it goes
    #[command(subcommand)]
    Backfill(BackfillCommand),
    /// The server's secrets: list them, put new ones in their place
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Browsers that are signed in: list them, sign them out
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Programs that act for accounts: list their tokens, end them
    #[command(subcommand)]
    Tokens(TokensCommand),
    UpgradeCheck(UpgradeCheckArgs),
    Audit(AuditArgs),
    Repair(RepairArgs),
    Rebuild(RebuildArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    /// What running servers keep in memory: look at it, have it forgotten
    #[command(subcommand)]
    Cache(CacheCommand),
    /// What is not shown here: list it, take down, lift
    #[command(subcommand)]
    Takedown(TakedownCommand),
    /// What is said here of accounts and records: list it, say it, take it back
    #[command(subcommand)]
    Label(LabelCommand),
    /// Whom and what this place has chosen: trusted verifiers, suggestions
    #[command(subcommand)]
    Curated(CuratedCommand),
    Completions(CompletionsArgs),
    /// Print a page of the documentation
    #[command(hide = true)]
    Reference {
        page: Page,
    },
}

/// Of commands that only read.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ReadArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Of commands that write.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct WriteArgs {
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
