//! `cargo xtask crash`: programs on every store, killed at every listed point at least three times with a thousand
//! entries in flight, and the oracle's judgement; writes `docs/crashes.md`. `make test` kills them at a few points.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::long_run::LongRun;
use crate::shell;

const REPORT: &str = "docs/crashes.md";

/// How often, and on which network.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// Kills at each point
    #[arg(long, default_value_t = 3, value_name = "N")]
    times: u32,
    /// The network's seed
    #[arg(long, default_value_t = 7, value_name = "N")]
    seed: u64,
    /// Leave docs/crashes.md as it is
    #[arg(long)]
    no_report: bool,
}

/// Runs them, and tells whether nothing was lost.
///
/// # Errors
/// When the set-up fails. A loss is not an error: it is answered with `false`.
pub fn run(root: &Path, options: Options) -> Result<bool> {
    let Some(mut run) = LongRun::of(root, "crash", "kills::killed_at_listed_points")? else {
        return Ok(false);
    };
    run.cargo
        .env("MILLRACE_CRASH_TIMES", options.times.to_string())
        .env("MILLRACE_CRASH_SEED", options.seed.to_string());
    if !options.no_report {
        run.cargo.env("MILLRACE_CRASH_REPORT", root.join(REPORT));
    }
    shell::succeeds(&mut run.cargo)
}
