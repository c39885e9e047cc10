//! `cargo xtask test`: everything the tests need, then all of them, then one closing line.
//! The closing line counts what ran; the exit code is 0 only when nothing failed.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::features;
use crate::lexicons::Lexicons;
use crate::postgres::Cluster;
use crate::promises::Promises;
use crate::setup::{self, Tool};
use crate::shell;
use crate::summary::Tally;
use crate::web;

/// Runs the tests that `args` select, or all of them and the documentation's examples.
///
/// # Errors
/// When the set-up fails. Failing tests are not an error: they are counted and answered with `false`.
pub fn run(root: &Path, args: &[String]) -> Result<bool> {
    let started = Instant::now();
    setup::for_tests(root)?;
    let target = target_dir(root)?;
    let mut env: Vec<(&str, OsString)> = Vec::new();
    let cluster = match std::env::var_os("MILLRACE_TEST_POSTGRES_URL") {
        Some(_) => None,
        None => Some(Cluster::start(&target.join("test-postgres"))?),
    };
    if let Some(cluster) = &cluster {
        env.push(("MILLRACE_TEST_POSTGRES_URL", cluster.url().into()));
    }
    let lexicons = Lexicons::bring(root, &target)?;
    env.extend(lexicons.env());
    let mut tally = Tally::default();
    if args.is_empty() {
        tally += web::test(root)?;
    }
    if !needs_program(args) {
        tally += suites(root, args, &env)?;
    } else if with_dashboard(root)? {
        env.push(("MILLRACE_BIN", target.join("debug/millrace").into()));
        tally += suites(root, args, &env)?;
    } else {
        tally += Tally::default().with_exit(false);
    }
    drop(cluster);
    if args.is_empty() {
        tally += lexicons.judge()?;
    }
    println!("\nfinished in {} s", started.elapsed().as_secs());
    println!("{tally}");
    Ok(tally.failed == 0)
}

/// Builds the program that the tests run, with its dashboard.
fn with_dashboard(root: &Path) -> Result<bool> {
    web::build(root)?;
    shell::succeeds(&mut build_program(root))
}

/// How the program is built that the tests run.
fn build_program(root: &Path) -> Command {
    let mut cargo = shell::cargo();
    cargo.args(["build", "-p", "millrace"]).args(features::flags(&[])).current_dir(root);
    cargo
}

fn suites(root: &Path, args: &[String], env: &[(&str, OsString)]) -> Result<Tally> {
    let mut promises = Promises::default();
    let nextest = setup::find_or_install(root, Tool::Nextest);
    let mut tally = match nextest {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(["nextest", "run"]).args(selection(args)).args(features::flags(args));
            counted(command.current_dir(root), env, |line| {
                promises.observe(line);
                Tally::from_nextest(line)
            })?
        }
        None => {
            println!("cargo-nextest is not to be had here: `cargo test` instead");
            let mut command = shell::cargo();
            command.args(["test", "--no-fail-fast", "--tests"]).args(selection(args));
            command.args(features::flags(args));
            counted(command.current_dir(root), env, Tally::from_libtest)?
        }
    };
    if args.is_empty() {
        println!("\nexamples in the documentation");
        let mut command = shell::cargo();
        command.args(["test", "--workspace", "--doc", "--no-fail-fast", "--quiet"]);
        command.args(features::flags(args));
        tally += counted(command.current_dir(root), env, Tally::from_libtest)?;
    }
    print!("{}", promises.table());
    Ok(tally)
}

/// Whether the tests that start the program are among those chosen.
fn needs_program(args: &[String]) -> bool {
    !names_packages(args) || args.iter().any(|arg| arg == "millrace-tests")
}

fn names_packages(args: &[String]) -> bool {
    args.iter().any(|arg| matches!(arg.as_str(), "-p" | "--package" | "--workspace"))
}

/// The caller's choice of packages, else the workspace.
fn selection(args: &[String]) -> Vec<String> {
    let all = (!names_packages(args)).then(|| "--workspace".to_owned());
    all.into_iter().chain(args.iter().cloned()).collect()
}

/// Runs a test runner, passing its output on line by line while its summaries are added up.
fn counted(
    command: &mut Command,
    env: &[(&str, OsString)],
    mut summary: impl FnMut(&str) -> Option<Tally>,
) -> Result<Tally> {
    command.envs(env.iter().cloned()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut runner = command.spawn().context("cannot start the test runner")?;
    let (lines, inbox) = mpsc::sync_channel(LINES_WAITING_MAX);
    forward(runner.stdout.take(), lines.clone());
    forward(runner.stderr.take(), lines);
    let mut tally = Tally::default();
    for line in inbox {
        println!("{line}");
        if let Some(counted) = summary(&line) {
            tally += counted;
        }
    }
    Ok(tally.with_exit(runner.wait()?.success()))
}

const LINES_WAITING_MAX: usize = 1024;

fn forward(stream: Option<impl Read + Send + 'static>, lines: mpsc::SyncSender<String>) {
    let Some(stream) = stream else { return };
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            if lines.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                return;
            }
        }
    });
}

/// Where cargo builds.
pub(crate) fn target_dir(root: &Path) -> Result<PathBuf> {
    let mut cargo = shell::cargo();
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(root);
    let metadata: serde_json::Value = serde_json::from_str(&shell::output(&mut cargo)?)?;
    let dir =
        metadata["target_directory"].as_str().context("cargo metadata names a target directory")?;
    Ok(dir.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_workspace_unless_a_package_is_named() {
        let check = |args: &[&str], expected: &[&str], program: bool| {
            let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
            assert_eq!(selection(&args), expected);
            assert_eq!(needs_program(&args), program, "{args:?}");
        };
        check(&[], &["--workspace"], true);
        check(&["real_pds"], &["--workspace", "real_pds"], true);
        check(&["-p", "millrace-log"], &["-p", "millrace-log"], false);
        check(&["-p", "millrace-tests"], &["-p", "millrace-tests"], true);
    }
}
