//! `millrace doctor`: looks at everything a server needs, beside one or without.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::admin::doctor::{self, Line, State};
use crate::cli::{Global, ReadArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::roles::{Role, Roles};

/// Look at everything a server needs, and say what is wrong
///
/// The configuration, the data folder and its disk, the ports, the tables and their schema, the log, the
/// running server, the directory of accounts, the sources and how far back we stand in them, the clock. Each
/// line says ✔, ✖ with what to do about it, or - where there was nothing to look at. Beside a running server
/// or without one; nothing is changed.
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
    let bad = lines.iter().filter(|line| line.state == State::Bad).count();
    if args.read.json {
        output::json(&json!({ "healthy": bad == 0, "lines": lines }));
    } else {
        output::text(&text(&lines, colours()));
        if bad > 0 {
            output::note(&format!("{bad} of {} are not well", lines.len()));
        }
    }
    Ok(if bad == 0 { Exit::Fine } else { Exit::Unhealthy })
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

/// Colours are for people, who may not want them.
fn colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !refused
}

fn text(lines: &[Line], colours: bool) -> String {
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
    let mut text = Vec::new();
    for line in lines {
        let (sign, colour) = match line.state {
            State::Ok => ("✔", "32"),
            State::Bad => ("✖", "31"),
            State::Skipped => ("-", "2"),
        };
        let sign = if colours { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign.to_owned() };
        text.push(format!("{sign} {:width$}  {}", line.name, line.found));
        for (what, said) in [("cause", &line.cause), ("hint", &line.hint)] {
            for said in said.iter().flat_map(|said| said.lines()) {
                text.push(format!("  {:width$}  {what}: {said}", ""));
            }
        }
    }
    text.join("\n")
}
