//! The whole program on a made-up network that lies, loses, repeats and moves, killed while it reads it:
//! in the end every view says what the repositories do. The judge is the model in `millrace_sim::oracle`.
//!
//! A seed makes one network, which a program on each store follows at once. It goes through phases: people
//! act, programs are killed and started again, the network falls quiet, and everything written so far
//! becomes visible. Then everybody asks everything. `MILLRACE_ORACLE_FROM` and `MILLRACE_ORACLE_SEEDS` say
//! which seeds, `MILLRACE_ORACLE_AT_ONCE` how many of them side by side; `cargo xtask soak` sets them.

#![expect(clippy::print_stdout, reason = "what a seed came to is what one runs it for")]

pub mod asking;
pub mod judging;
pub mod program;
pub mod seed;
pub mod settling;
mod telling;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use judging::Wrong;

/// Seeds that are run unless somebody asks for more.
const SEEDS: u64 = 4;

/// What was compared, over seeds and stores.
#[derive(Debug, Default)]
struct Compared {
    answers: usize,
    differences: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_view_says_what_the_repositories_do() -> Result<()> {
    let from = setting("MILLRACE_ORACLE_FROM", 1)?;
    let seeds = setting("MILLRACE_ORACLE_SEEDS", SEEDS)?;
    let at_once = setting("MILLRACE_ORACLE_AT_ONCE", 1)?;
    let stores = program::stores();
    // All seeds are run even if the first is wrong.
    let goes_on = std::env::var_os("MILLRACE_ORACLE_GO_ON").is_some();
    let mut compared = Compared::default();
    let runs = stream::iter(from..from.saturating_add(seeds)).map(|seed| timed(seed, &stores));
    let mut runs = pin!(runs.buffer_unordered(usize::try_from(at_once)?.max(1)));
    while let Some((seed, took, run)) = runs.next().await {
        let judged = match run {
            Err(error) if goes_on => {
                println!("── seed {seed}: {error:#}");
                compared.differences += 1;
                continue;
            }
            run => run.with_context(|| format!("seed {seed}: {}", again(seed)))?,
        };
        compared.answers += judged.answers;
        compared.differences += judged.differences.len();
        println!("seed {seed}: {} in {}", judged.summary(), seconds(took));
        report(&judged.differences);
        if !judged.differences.is_empty() && !goes_on {
            bail!("{} differences; {}", judged.differences.len(), again(seed));
        }
    }
    let Compared { answers, differences } = compared;
    println!(
        "oracle: {seeds} seeds × {{{}}}, {answers} answers compared, {differences} differences",
        stores.join(", ")
    );
    match differences {
        0 => Ok(()),
        _ => bail!("{differences} differences"),
    }
}

/// Runs a seed, and says how long it took.
async fn timed(seed: u64, stores: &[&'static str]) -> (u64, Duration, Result<seed::Judged>) {
    let began = Instant::now();
    let judged = seed::run(seed, stores).await;
    (seed, began.elapsed(), judged)
}

/// Characters of one report that are worth reading.
const SHOWN_CHARS_MAX: usize = 2_000;

/// One wrong answer of each kind, and how many there are.
pub fn report(differences: &[Wrong]) {
    let mut kinds: BTreeMap<&str, Vec<&Wrong>> = BTreeMap::new();
    for wrong in differences {
        kinds.entry(&wrong.kind).or_default().push(wrong);
    }
    for (kind, wrong) in kinds {
        let shown: String = wrong[0].report.chars().take(SHOWN_CHARS_MAX).collect();
        println!("── {} × {kind}\n{shown}\n", wrong.len());
    }
}

fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name}={text} is no number")),
        Err(_) => Ok(default),
    }
}

fn again(seed: u64) -> String {
    format!("again with `cargo xtask soak --from {seed} --seeds 1`")
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}
