//! `cargo xtask fuzz`: every fuzz target for a bounded time, guided by coverage, on the stable compiler.
//!
//! The programs (`crates/*/fuzz`) are built outside the workspace with LLVM's coverage counters, which the
//! stable compiler inserts when it is asked for the pass by name, and linked with libFuzzer. A target
//! starts from its seeds, from what is kept in `crates/<crate>/fuzz/corpus`, and from what earlier runs
//! found (`target/fuzz/corpus`). `--keep` adds to what is kept: the smallest inputs that reach all of it.

mod run;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::shell;

pub use run::Outcome;

/// Which targets, and for how long.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Seconds for each target
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u64,
    /// Only targets whose name holds this
    #[arg(long, value_name = "WORD")]
    target: Option<String>,
    /// Keep the smallest inputs that reach everything that was reached
    #[arg(long)]
    keep: bool,
}

/// A program, and the targets in it by the crate that has their corpus.
struct Program {
    name: &'static str,
    targets: &'static [(&'static str, &'static [&'static str])],
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "atproto",
        targets: &[(
            "atproto",
            &[
                "car",
                "cbor",
                "did_doc",
                "entry",
                "frame",
                "jetstream",
                "jwt",
                "label_frame",
                "mst_edit",
                "mst_load",
                "record_cbor",
                "record_json",
                "repo",
                "syntax",
            ],
        )],
    },
    Program {
        name: "appview",
        targets: &[
            ("ingest", &["inflate"]),
            ("dataplane", &["cursor", "grpc", "internal", "search"]),
            ("appview", &["labelers", "params"]),
        ],
    },
];

/// What the compiler is told: count edges, keep a table of them, and report what is compared.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=16",
    "--cfg=fuzzing",
];

/// Runs them and prints what came of each; false where an input broke a property.
///
/// # Errors
/// When the programs cannot be built or run.
pub fn run(root: &Path, options: &Options) -> Result<bool> {
    let outcomes = search(root, options)?;
    print!("{}", table(&outcomes));
    Ok(outcomes.iter().all(Outcome::is_fine))
}

/// What came of every target.
///
/// # Errors
/// As [`run`].
pub fn for_seconds(root: &Path, seconds: u64) -> Result<Vec<Outcome>> {
    search(root, &Options { seconds, target: None, keep: false })
}

fn search(root: &Path, options: &Options) -> Result<Vec<Outcome>> {
    let work = crate::test::target_dir(root)?.join("fuzz");
    let mut outcomes = Vec::new();
    for program in PROGRAMS {
        if !program.all().any(|(_, target)| options.takes(target)) {
            continue;
        }
        let binary = build(root, &work, program)?;
        let seeds = work.join("seeds").join(program.name);
        run::write_seeds(&binary, &seeds)?;
        check_names(program, &seeds)?;
        for (owner, target) in program.all().filter(|(_, target)| options.takes(target)) {
            let place = run::Place {
                binary: binary.clone(),
                owner,
                target,
                seeds: seeds.join(target),
                kept: root.join("crates").join(owner).join("fuzz/corpus").join(target),
                found: work.join("corpus").join(target),
                crashes: work.join("crashes").join(target),
            };
            let outcome = place.search(options.seconds)?;
            println!("{}", outcome.line());
            if options.keep && outcome.is_fine() {
                place.keep()?;
            }
            outcomes.push(outcome);
        }
    }
    Ok(outcomes)
}

impl Options {
    fn takes(&self, target: &str) -> bool {
        self.target.as_ref().is_none_or(|word| target.contains(word.as_str()))
    }
}

impl Program {
    fn all(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.targets.iter().flat_map(|(owner, targets)| targets.iter().map(|name| (*owner, *name)))
    }
}

fn build(root: &Path, work: &Path, program: &Program) -> Result<PathBuf> {
    let package = root.join("crates").join(program.name).join("fuzz");
    // The same versions as the workspace's; what only the search needs is added by cargo.
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock"))?;
    let host = host()?;
    let mut cargo = shell::cargo();
    cargo.args(["build", "--release", "--target", &host]).current_dir(&package);
    // Not for build scripts, which a named target keeps apart.
    cargo.env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}")).env("CARGO_TARGET_DIR", work);
    println!("building the searches of {}", program.name);
    shell::must(&mut cargo)?;
    Ok(work.join(host).join("release").join(program.name))
}

fn host() -> Result<String> {
    let said = shell::output(std::process::Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names its host")?.to_owned())
}

/// The list above is the program's own.
fn check_names(program: &Program, seeds: &Path) -> Result<()> {
    let mut written: Vec<String> = Vec::new();
    for folder in fs::read_dir(seeds)? {
        written.push(folder?.file_name().to_string_lossy().into_owned());
    }
    written.sort();
    let mut named: Vec<&str> = program.all().map(|(_, target)| target).collect();
    named.sort_unstable();
    ensure!(written == named, "{} has the targets {written:?}, not {named:?}", program.name);
    Ok(())
}

/// What came of the targets, for people and for the report.
#[must_use]
pub fn table(outcomes: &[Outcome]) -> String {
    let mut text = String::from(
        "| target | crate | executions | a second | seconds | edges | inputs kept | found now | crashes |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for outcome in outcomes {
        // A String takes every write.
        let _ = writeln!(text, "{}", outcome.row());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_target_has_a_name_of_its_own_and_a_corpus() -> Result<()> {
        let root = shell::workspace_root()?;
        let all: Vec<_> = PROGRAMS.iter().flat_map(Program::all).collect();
        let names: BTreeSet<&str> = all.iter().map(|(_, target)| *target).collect();
        assert_eq!(names.len(), all.len());
        for (owner, target) in all {
            let corpus = root.join("crates").join(owner).join("fuzz/corpus").join(target);
            assert!(fs::read_dir(&corpus)?.next().is_some(), "{}", corpus.display());
        }
        Ok(())
    }
}
