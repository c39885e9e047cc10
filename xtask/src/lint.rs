//! `cargo xtask lint`: every check that is not a test. All steps run, also after one has failed,
//! so that one run shows all there is to mend.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::setup::{self, Tool};
use crate::{features, generated, shell, tidy, web};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    Clean,
    Failed,
    Skipped,
}

type Step = fn(&Path) -> Result<Outcome>;

/// Runs all checks and tells whether the tree is clean.
#[must_use]
pub fn run(root: &Path) -> bool {
    let steps: [(&str, Step); 7] = [
        ("fmt", fmt),
        ("clippy", clippy),
        ("deny", deny),
        ("typos", typos),
        ("tidy", tree),
        ("generated", fresh),
        ("web", types),
    ];
    let mut report = Vec::new();
    for (name, step) in steps {
        println!("── {name}");
        let started = Instant::now();
        let outcome = step(root).unwrap_or_else(|e| {
            eprintln!("error: {e:#}");
            Outcome::Failed
        });
        report.push((name, outcome, started.elapsed().as_secs()));
    }
    println!();
    for (name, outcome, seconds) in &report {
        let word = match outcome {
            Outcome::Clean => "clean",
            Outcome::Failed => "FAILED",
            Outcome::Skipped => "skipped",
        };
        println!("{name:8} {word} ({seconds} s)");
    }
    !report.iter().any(|(_, outcome, _)| *outcome == Outcome::Failed)
}

fn fmt(root: &Path) -> Result<Outcome> {
    step(shell::cargo().args(["fmt", "--all", "--check"]).current_dir(root))
}

/// With every engine; and the log as it is built while developing, without Kafka.
fn clippy(root: &Path) -> Result<Outcome> {
    let run = |args: &[String]| {
        let mut command = shell::cargo();
        command.args(["clippy", "--all-targets", "--locked", "--quiet"]).args(args);
        step(command.args(["--", "-D", "warnings"]).current_dir(root))
    };
    let whole = run(&[vec!["--workspace".to_owned()], features::flags(&[])].concat())?;
    let small = run(&["-p".to_owned(), "millrace-log".to_owned()])?;
    Ok(if small == Outcome::Clean { whole } else { small })
}

/// Licences, bans and sources. Advisories need a database from outside and are left to a public CI.
fn deny(root: &Path) -> Result<Outcome> {
    let Some(program) = setup::find_or_install(root, Tool::Deny) else {
        return Ok(Outcome::Failed);
    };
    let mut command = Command::new(program);
    command.args([
        "--log-level",
        "warn",
        "check",
        "--hide-inclusion-graph",
        "bans",
        "licenses",
        "sources",
    ]);
    step(command.current_dir(root))
}

fn typos(root: &Path) -> Result<Outcome> {
    let Some(program) = setup::find_or_install(root, Tool::Typos) else {
        println!("skipped: typos is not to be had here");
        return Ok(Outcome::Skipped);
    };
    step(Command::new(program).current_dir(root))
}

fn tree(root: &Path) -> Result<Outcome> {
    Ok(if tidy::run(root)? { Outcome::Clean } else { Outcome::Failed })
}

fn fresh(root: &Path) -> Result<Outcome> {
    let stale = generated::stale(root)?;
    for path in &stale {
        eprintln!("error: {path} is out of date: run `cargo xtask generate`");
    }
    Ok(if stale.is_empty() { Outcome::Clean } else { Outcome::Failed })
}

fn types(root: &Path) -> Result<Outcome> {
    Ok(if web::check(root)? { Outcome::Clean } else { Outcome::Failed })
}

fn step(command: &mut Command) -> Result<Outcome> {
    Ok(if shell::succeeds(command)? { Outcome::Clean } else { Outcome::Failed })
}
