//! `cargo xtask`: the commands behind the Makefile.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use xtask::{bench, conformance, crash, fuzz, generated, lint, setup, shell, soak, test, tidy};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set-up, tests and checks of the Millrace tree")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what the tests and the checks need (Debian packages, npm packages, tools under .tools)
    Setup,
    /// Set up, run every test, and end with one line: `N passed, N failed`
    Test {
        /// Passed on to `cargo nextest run`: a part of a test's name, `-p <package>`, `-E <filter>`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Compare Millrace's answers with the reference AppView's, and end with one line: `conformance: N of M equal (P %)`
    Conformance(conformance::Options),
    /// Search for inputs that break a parser, guided by coverage: each target for so many seconds
    Fuzz(fuzz::Options),
    /// Search with every fuzz target, and run many seeds of the oracle on every store, with faults and kills
    Soak(soak::Options),
    /// Kill programs on every store at every listed point, and let the oracle judge; writes docs/crashes.md
    Crash(crash::Options),
    /// Measure the program beside the verify limit and the reference AppView; writes docs/benchmarks.md
    Bench(bench::Options),
    /// Write the files that the program prints about itself (examples and reference pages)
    Generate,
    /// Build the dashboard, so that `cargo build` takes it into the program
    Web(xtask::web::Options),
    /// fmt, clippy, deny, typos, tidy, the dashboard's types and the freshness of generated files
    Lint,
    /// Check the tree's own rules: who may depend on whom, file headers, topic names, leftovers
    Tidy,
}

fn main() -> anyhow::Result<ExitCode> {
    let root = shell::workspace_root()?;
    let fine = match Cli::parse().command {
        Command::Setup => setup::everything(&root).map(|()| true),
        Command::Test { args } => test::run(&root, &args),
        Command::Conformance(options) => conformance::run(&root, &options),
        Command::Fuzz(options) => fuzz::run(&root, &options),
        Command::Soak(options) => soak::run(&root, options),
        Command::Crash(options) => crash::run(&root, options),
        Command::Bench(options) => bench::run(&root, &options),
        Command::Generate => generated::write(&root).map(|()| true),
        Command::Web(options) => xtask::web::run(&root, &options),
        Command::Lint => Ok(lint::run(&root)),
        Command::Tidy => tidy::run(&root),
    }?;
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
