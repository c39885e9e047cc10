//! `cargo xtask crash`: programs on every store, killed at every listed point at least three times with a thousand
//! entries in flight, and the oracle's judgement; writes `docs/crashes.md`. `make test` kills them at a few points.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use crate::postgres::Cluster;
use crate::{setup, shell, test};

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
    setup::for_soak()?;
    let target = test::target_dir(root)?;
    let given = std::env::var_os("MILLRACE_BIN").map(PathBuf::from);
    if given.is_none() && !shell::succeeds(&mut test::build_program(root))? {
        return Ok(false);
    }
    let cluster = match std::env::var_os("MILLRACE_TEST_POSTGRES_URL") {
        Some(_) => None,
        None => Some(Cluster::start(&target.join("crash-postgres"))?),
    };
    let mut cargo = shell::cargo();
    cargo
        .args(["test", "--quiet", "-p", "millrace-tests", "--test", "it"])
        .args(["--", "kills::killed_at_listed_points", "--nocapture"])
        .env("MILLRACE_CRASH_TIMES", options.times.to_string())
        .env("MILLRACE_CRASH_SEED", options.seed.to_string())
        .env("MILLRACE_BIN", given.unwrap_or_else(|| target.join("debug/millrace")))
        .current_dir(root);
    if !options.no_report {
        cargo.env("MILLRACE_CRASH_REPORT", root.join(REPORT));
    }
    if let Some(cluster) = &cluster {
        cargo.env("MILLRACE_TEST_POSTGRES_URL", cluster.url());
    }
    shell::succeeds(&mut cargo)
}
