//! `millrace doctor`: looks at everything a server needs, beside one or without.

use std::time::Duration;

use clap::Args;

use crate::admin::doctor::{self, Line};
use crate::cli::{Global, ReadArgs};
use crate::cmd::lines::print;
use crate::config;
use crate::failure::{Exit, Failure};
use crate::roles::{Role, Roles};

/// Look at everything a server needs, and say what is wrong
///
/// The configuration, the data folder and its disk, the ports, the tables and their schema, the log, the
/// running server, the directory of accounts, the sources and how far back we stand in them, the clock, and what
/// the world finds at the public address: who answers there, and as whom. Each line says ✔, ✖ with what to do
/// about it, or - where there was nothing to look at. Beside a running server or without one; nothing is changed.
///
/// Ends with 3 when a line says ✖.
///
/// Examples:
///   millrace doctor
///   millrace doctor --role appview --timeout-ms 2000
///   millrace doctor --json | jq -r '.lines[] | select(.state == "bad") | .name'
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct DoctorArgs {
    #[command(flatten)]
    read: ReadArgs,
    /// Roles of the process to look for; all of them by default
    #[arg(long, value_delimiter = ',', value_name = "ROLES")]
    role: Vec<Role>,
    /// A DID to try resolution with
    #[arg(long)]
    did: Option<String>,
    /// The longest one look may take
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..=600_000))]
    timeout_ms: u64,
}

pub async fn run(global: &Global, args: DoctorArgs) -> Result<Exit, Failure> {
    let lines = match config::load(global) {
        Ok(loaded) => {
            let limit = Duration::from_millis(args.timeout_ms);
            doctor::examine(loaded.value, Roles::of(&args.role), args.did, limit).await
        }
        Err(failure) => vec![
            unreadable(&failure),
            Line::skipped("everything else", "what to look at stands in the configuration"),
        ],
    };
    Ok(print(&lines, args.read))
}

/// A configuration that cannot be read, with every cause but what is said already.
fn unreadable(failure: &Failure) -> Line {
    let line = Line::failed("configuration", failure);
    let causes: Vec<String> = failure
        .render()
        .lines()
        .filter_map(|line| line.strip_prefix("caused by: ").map(str::to_owned))
        .collect();
    if causes.is_empty() { line } else { line.because(causes.join("\n")) }
}
