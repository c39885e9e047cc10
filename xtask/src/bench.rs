//! `cargo xtask bench`: brings what the measurement needs (the program built for release, PostgreSQL, the reference
//! AppView from npm) and starts it; what is measured stands in `bench/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::postgres::Cluster;
use crate::{conformance, setup, shell, test};

/// Passed on to `millrace-bench`, which knows them all: `--help` tells.
#[derive(Args, Clone, Debug)]
#[command(disable_help_flag = true)]
pub struct Options {
    /// Such as `--quick`, `--only reads`, `--rounds 5`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

/// Runs it, and tells whether it ended well. A floor that is missed is no failure of the run.
///
/// # Errors
/// When the set-up or the build fails.
pub fn run(root: &Path, options: &Options) -> Result<bool> {
    setup::for_bench(root)?;
    let target = test::target_dir(root)?;
    let programs = build(root, &target)?;
    let dir = target.join("bench");
    std::fs::create_dir_all(&dir)?;
    let cluster = Cluster::start(&dir.join("postgres"))?;
    let mut command = Command::new(&programs.bench);
    command
        .args(&options.args)
        .env("BENCH_ROOT", root)
        .env("BENCH_DIR", &dir)
        .env("BENCH_NODE", conformance::node(root))
        .env("BENCH_POSTGRES_URL", cluster.url())
        .env("MILLRACE_BIN", &programs.millrace);
    if let Some(pid) = cluster.pid() {
        command.env("BENCH_POSTGRES_PID", pid.to_string());
    }
    shell::succeeds(&mut command)
}

struct Programs {
    bench: PathBuf,
    millrace: PathBuf,
}

/// The program to measure is built now, so that it is never an old one; `MILLRACE_BIN` names another.
fn build(root: &Path, target: &Path) -> Result<Programs> {
    let given = std::env::var_os("MILLRACE_BIN").map(PathBuf::from);
    let mut packages = vec!["-p", "millrace-bench"];
    if given.is_none() {
        packages.extend(["-p", "millrace"]);
    }
    // Another profile of the workspace is quicker to build, while something is tried out.
    let profile = std::env::var("BENCH_PROFILE").unwrap_or_else(|_| "release".to_owned());
    let mut cargo = shell::cargo();
    cargo.args(["build", "--profile", &profile]).args(packages).current_dir(root);
    if !shell::succeeds(&mut cargo)? {
        bail!("what is to be measured does not build");
    }
    let built = target.join(&profile);
    Ok(Programs {
        bench: built.join("millrace-bench"),
        millrace: given.unwrap_or_else(|| built.join("millrace")),
    })
}
