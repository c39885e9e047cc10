//! One target, searched: libFuzzer's flags, and what it says at the end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Bytes of an input.
const INPUT_BYTES_MAX: u64 = 16_384;
/// Memory of a search, and of one allocation, in MiB: a parser that takes more has no bound.
const MEMORY_MB_MAX: u64 = 1_024;
const ALLOCATION_MB_MAX: u64 = 256;
/// Seconds of one input; the slowest takes milliseconds.
const INPUT_SECONDS_MAX: u64 = 10;
/// Inputs of a target that are kept in the tree, and bytes of each.
const KEPT_INPUTS_MAX: usize = 120;
const KEPT_BYTES_MAX: u64 = 4_096;

/// Where a target's things are.
pub(super) struct Place {
    pub(super) binary: PathBuf,
    pub(super) owner: &'static str,
    pub(super) target: &'static str,
    pub(super) seeds: PathBuf,
    pub(super) kept: PathBuf,
    pub(super) found: PathBuf,
    pub(super) crashes: PathBuf,
}

/// What came of a target.
#[derive(Debug, Clone)]
pub struct Outcome {
    owner: &'static str,
    target: &'static str,
    executions: u64,
    seconds: u64,
    edges: u64,
    kept: usize,
    found: u64,
    crashes: Vec<PathBuf>,
    said: String,
}

/// Has a program write the seeds of all its targets.
pub(super) fn write_seeds(binary: &Path, seeds: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(seeds);
    fs::create_dir_all(seeds)?;
    let mut program = Command::new(binary);
    program.env("MILLRACE_FUZZ_SEEDS", seeds).args(["-runs=0"]);
    let done = program.output().context("the search cannot be started")?;
    anyhow::ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

impl Place {
    /// Searches for so long.
    pub(super) fn search(&self, seconds: u64) -> Result<Outcome> {
        for folder in [&self.found, &self.kept, &self.crashes] {
            fs::create_dir_all(folder)?;
        }
        let mut search = self.command();
        search.arg(format!("-max_total_time={seconds}")).args(["-print_final_stats=1"]);
        search.args([&self.found, &self.kept, &self.seeds]);
        let done = search.output().context("the search cannot be started")?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let mut crashes = files(&self.crashes)?;
        if !done.status.success() && crashes.is_empty() {
            crashes.push(PathBuf::from("(no input was written)"));
        }
        Ok(Outcome {
            owner: self.owner,
            target: self.target,
            executions: stat(&said, "number_of_executed_units"),
            seconds,
            edges: last_after(&said, "cov: "),
            kept: files(&self.kept)?.len(),
            found: stat(&said, "new_units_added"),
            crashes,
            said: tail(&said),
        })
    }

    fn command(&self) -> Command {
        let mut search = Command::new(&self.binary);
        search.env("MILLRACE_FUZZ_TARGET", self.target).env("RUST_BACKTRACE", "0");
        search.args([
            format!("-max_len={INPUT_BYTES_MAX}"),
            format!("-rss_limit_mb={MEMORY_MB_MAX}"),
            format!("-malloc_limit_mb={ALLOCATION_MB_MAX}"),
            format!("-timeout={INPUT_SECONDS_MAX}"),
            format!("-artifact_prefix={}/", self.crashes.display()),
        ]);
        search
    }

    /// The smallest inputs that reach all that was reached, into the tree; those that are there stay.
    pub(super) fn keep(&self) -> Result<()> {
        let merged = self.found.with_extension("merged");
        let _ = fs::remove_dir_all(&merged);
        fs::create_dir_all(&merged)?;
        let mut merge = self.command();
        merge.args(["-merge=1"]).args([&merged, &self.kept, &self.seeds, &self.found]);
        let done = merge.output().context("the search cannot be started")?;
        anyhow::ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let mut inputs = Vec::new();
        for file in files(&merged)? {
            inputs.push((fs::metadata(&file)?.len(), file));
        }
        inputs.sort();
        let there = files(&self.kept)?.len();
        let room = KEPT_INPUTS_MAX.saturating_sub(there);
        for (_, file) in inputs.iter().filter(|(bytes, _)| *bytes <= KEPT_BYTES_MAX).take(room) {
            let name = file.file_name().context("an input has a name")?;
            fs::copy(file, self.kept.join(name))?;
        }
        Ok(fs::remove_dir_all(&merged)?)
    }
}

impl Outcome {
    /// Nothing broke.
    #[must_use]
    pub fn is_fine(&self) -> bool {
        self.crashes.is_empty()
    }

    /// How many inputs were tried.
    #[must_use]
    pub fn executions(&self) -> u64 {
        self.executions
    }

    pub(super) fn line(&self) -> String {
        let Self { target, executions, edges, found, .. } = self;
        let mut line =
            format!("{target}: {executions} executions, {edges} edges, {found} new inputs");
        for crash in &self.crashes {
            line.push_str(&format!("\n  BROKEN by {}\n{}", crash.display(), self.said));
        }
        line
    }

    pub(super) fn row(&self) -> String {
        let Self { target, owner, executions, seconds, edges, kept, found, .. } = self;
        let a_second = executions / (*seconds).max(1);
        let crashes = self.crashes.len();
        format!(
            "| {target} | {owner} | {executions} | {a_second} | {seconds} | {edges} | {kept} | {found} | {crashes} |"
        )
    }
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for file in fs::read_dir(folder)? {
        files.push(file?.path());
    }
    files.sort();
    Ok(files)
}

/// `stat::<name>: <number>`
fn stat(said: &str, name: &str) -> u64 {
    let line = said.lines().find_map(|line| line.strip_prefix(&format!("stat::{name}:")));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

/// The number behind the last `word`.
fn last_after(said: &str, word: &str) -> u64 {
    let rest = said.rsplit_once(word).map_or("", |(_, rest)| rest);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn tail(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with('#')).collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let said = "#2 INITED cov: 8 ft: 9\n#90 DONE   cov: 431 ft: 1\n\
                    stat::number_of_executed_units: 174005\nstat::new_units_added:          1235\n";
        assert_eq!(stat(said, "number_of_executed_units"), 174_005);
        assert_eq!(stat(said, "new_units_added"), 1_235);
        assert_eq!(last_after(said, "cov: "), 431);
        assert_eq!(stat(said, "peak_rss_mb"), 0);
    }
}
