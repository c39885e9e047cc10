//! `cargo xtask soak`: many seeds of the oracle, on every store, with faults and kills. `make test` runs a few of
//! them; this runs as many as one has the time for, and ends with their sum.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::postgres::Cluster;
use crate::{setup, shell, test};

/// Which seeds.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// The first seed
    #[arg(long, default_value_t = 1, value_name = "N")]
    from: u64,
    /// How many
    #[arg(long, default_value_t = 100, value_name = "N")]
    seeds: u64,
    /// Keep the data folder of a program whose answers were wrong, and say where it is
    #[arg(long)]
    keep: bool,
}

/// Runs them all, the wrong ones too, and tells whether every answer was right.
///
/// # Errors
/// When the set-up fails. A wrong answer is not an error: it is answered with `false`.
pub fn run(root: &Path, options: Options) -> Result<bool> {
    setup::for_soak()?;
    let target = test::target_dir(root)?;
    if !shell::succeeds(&mut test::build_program(root))? {
        return Ok(false);
    }
    let cluster = match std::env::var_os("MILLRACE_TEST_POSTGRES_URL") {
        Some(_) => None,
        None => Some(Cluster::start(&target.join("soak-postgres"))?),
    };
    let mut cargo = shell::cargo();
    cargo
        .args(["test", "--quiet", "-p", "millrace-tests", "--test", "it"])
        .args(["--", "oracle::", "--nocapture"])
        .env("MILLRACE_BIN", target.join("debug/millrace"))
        .env("MILLRACE_ORACLE_FROM", options.from.to_string())
        .env("MILLRACE_ORACLE_SEEDS", options.seeds.to_string())
        .env("MILLRACE_ORACLE_GO_ON", "1")
        .current_dir(root);
    if let Some(cluster) = &cluster {
        cargo.env("MILLRACE_TEST_POSTGRES_URL", cluster.url());
    }
    if options.keep {
        cargo.env("MILLRACE_ORACLE_KEEP", "1");
    }
    shell::succeeds(&mut cargo)
}
