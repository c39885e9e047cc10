//! `cargo xtask soak`: every fuzz target for a while, and many seeds of the oracle on every store, with faults
//! and kills. `make test` runs the kept inputs and a few seeds; this searches as long as one has the time for,
//! ends with the sum, and writes it into `docs/soak.md`.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::fuzz;
use crate::long_run::LongRun;
use crate::setup::{self, Tool};

/// Which seeds, and how long the searches take.
#[derive(Args, Clone, Copy, Debug)]
pub struct Options {
    /// The first seed
    #[arg(long, default_value_t = 1, value_name = "N")]
    from: u64,
    /// How many; 0 for none
    #[arg(long, default_value_t = 500, value_name = "N")]
    seeds: u64,
    /// How many networks side by side: a network mostly waits for its programs to start and to settle
    #[arg(long, default_value_t = 3, value_name = "N")]
    at_once: u64,
    /// Seconds of search for each fuzz target; 0 for none
    #[arg(long, default_value_t = 60, value_name = "N")]
    fuzz_seconds: u64,
    /// Invented requests for each operation of the REST API; 0 for none
    #[arg(long, default_value_t = 300, value_name = "N")]
    rest_examples: u64,
    /// Keep the data folder of a program whose answers were wrong, and say where it is
    #[arg(long)]
    keep: bool,
    /// Write what came of it into docs/soak.md
    #[arg(long)]
    report: bool,
}

/// What the oracle said in the end, and whether every answer was right.
struct Judged {
    sum: String,
    wrong: Vec<String>,
    fine: bool,
}

/// Runs them all, the wrong ones too, and tells whether nothing broke and every answer was right.
///
/// # Errors
/// When the set-up fails. A wrong answer is not an error: it is answered with `false`.
pub fn run(root: &Path, options: Options) -> Result<bool> {
    let searched = match options.fuzz_seconds {
        0 => Vec::new(),
        seconds => fuzz::for_seconds(root, seconds)?,
    };
    let judged = match options.seeds {
        0 => None,
        _ => Some(judge(root, options)?),
    };
    let described = match options.rest_examples {
        0 => true,
        examples => as_described(root, examples)?,
    };
    let fine = described
        && searched.iter().all(fuzz::Outcome::is_fine)
        && judged.as_ref().is_none_or(|judged| judged.fine);
    if !searched.is_empty() {
        print!("{}", fuzz::table(&searched));
    }
    if options.report {
        fs::write(root.join("docs/soak.md"), report(&searched, judged.as_ref()))?;
        println!("wrote docs/soak.md");
    }
    Ok(fine)
}

/// Whether the REST API answers as it is described, asked by schemathesis.
fn as_described(root: &Path, examples: u64) -> Result<bool> {
    let program = setup::find_or_install(root, Tool::Schemathesis);
    let program = program.context("schemathesis cannot be installed")?;
    setup::for_tests(root)?;
    let Some(mut run) = LongRun::of(root, "soak", "fuzzed::")? else { return Ok(false) };
    run.cargo
        .env("MILLRACE_SCHEMATHESIS", program)
        .env("MILLRACE_SCHEMATHESIS_EXAMPLES", examples.to_string());
    crate::shell::succeeds(&mut run.cargo)
}

fn judge(root: &Path, options: Options) -> Result<Judged> {
    let Some(mut run) = LongRun::of(root, "soak", "oracle::")? else {
        let sum = "the program does not build".to_owned();
        return Ok(Judged { sum, wrong: Vec::new(), fine: false });
    };
    run.cargo
        .env("MILLRACE_ORACLE_FROM", options.from.to_string())
        .env("MILLRACE_ORACLE_SEEDS", options.seeds.to_string())
        .env("MILLRACE_ORACLE_AT_ONCE", options.at_once.to_string())
        .env("MILLRACE_ORACLE_GO_ON", "1");
    if options.keep {
        run.cargo.env("MILLRACE_ORACLE_KEEP", "1");
    }
    listened(&mut run.cargo)
}

/// Runs the oracle, passing on what it says and remembering the end.
fn listened(cargo: &mut Command) -> Result<Judged> {
    let mut oracle = cargo.stdout(Stdio::piped()).spawn().context("cargo cannot be started")?;
    let said = BufReader::new(oracle.stdout.take().context("its output is piped")?);
    let mut judged = Judged { sum: String::new(), wrong: Vec::new(), fine: false };
    for line in said.lines().map_while(Result::ok) {
        println!("{line}");
        if line.starts_with("oracle: ") {
            judged.sum.clone_from(&line);
        } else if line.starts_with("── ") {
            judged.wrong.push(line);
        }
    }
    judged.fine = oracle.wait()?.success();
    Ok(judged)
}

fn report(searched: &[fuzz::Outcome], judged: Option<&Judged>) -> String {
    let mut page = String::from(
        "<!-- Made by `make soak ARGS=--report`. -->\n\n# Soak\n\n\
         What a long run found: inputs that break a parser, and made-up networks whose views are wrong.\n\n",
    );
    // A String takes every write.
    let _ = writeln!(page, "Machine: {}\n", machine());
    if let Some(judged) = judged {
        let _ = writeln!(page, "## Networks\n\n{}\n", judged.sum);
        for wrong in &judged.wrong {
            let _ = writeln!(page, "- {wrong}");
        }
    }
    if !searched.is_empty() {
        let executions: u64 = searched.iter().map(fuzz::Outcome::executions).sum();
        let _ = writeln!(
            page,
            "## Parsers\n\n{} targets, {executions} executions, guided by coverage.\n\n{}",
            searched.len(),
            fuzz::table(searched)
        );
    }
    page
}

/// Processor and memory, as far as the machine tells.
fn machine() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches([' ', '\t', ':']).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let (model, memory) =
        (field("/proc/cpuinfo", "model name"), field("/proc/meminfo", "MemTotal"));
    format!("{cores} × {model}, {memory}")
}
