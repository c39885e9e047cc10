//! Power loss at every listed point: a program on each store follows a made-up network that writes faster than it
//! can read, is killed at a point of `millrace_runtime::crash`, started again, killed at the next. In the end the
//! oracle asks everything, and the program counts everything again.
//!
//! `make test` kills at each point it chooses once; `make crash` (`cargo xtask crash`) at every point at least three
//! times, with at least a thousand entries in flight, and writes `docs/crashes.md`. The three variables below say so.

#![expect(clippy::print_stdout, reason = "the table is what one runs it for")]

pub mod campaign;
mod points;
mod report;

use anyhow::{Context as _, Result, ensure};
use millrace_runtime::clock::{Clock as _, SystemClock};
use millrace_runtime::rng::Rng;
use millrace_sim::oracle::Own;
use millrace_sim::{FaultConfig, Mix, Network, SimConfig};
use tokio::time::Instant;

use crate::millrace::Split;
use crate::oracle::program::{self, Program};
use crate::oracle::seed::{Judged, Run};
use campaign::{Kill, Plan};

/// How often it is killed at each point; without it, once at a few.
const TIMES_VARIABLE: &str = "MILLRACE_CRASH_TIMES";
/// The report's file.
const REPORT_VARIABLE: &str = "MILLRACE_CRASH_REPORT";
/// Another network.
const SEED_VARIABLE: &str = "MILLRACE_CRASH_SEED";

const ACCOUNTS: u32 = 48;
/// What is asked for at once: methods of one page show everybody.
const PAGE_LIMITS: [u32; 1] = [100];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_at_listed_points_it_loses_nothing() -> Result<()> {
    let seed = number(SEED_VARIABLE)?.unwrap_or(7);
    let plan = match number(TIMES_VARIABLE)? {
        Some(times) => Plan::whole(u32::try_from(times)?),
        None => Plan::short(),
    };
    let began = Instant::now();
    let (mut kills, mut drift, mut judged) = (Vec::new(), Vec::new(), None);
    for (store, split) in shapes(&plan) {
        let ended = one(seed, &plan, store, split).await?;
        kills.extend(ended.kills);
        drift.extend(ended.drift);
        judged = match judged.take() {
            None => Some(ended.judged),
            Some(before) => Some(Judged::with(before, ended.judged)),
        };
    }
    let judged = judged.context("no program was killed")?;
    let now_us = SystemClock.now_us();
    let (kills, drift, judged, took) = (&kills, &drift, &judged, began.elapsed());
    let told = report::Told { kills, judged, drift, seed, plan: &plan, took, now_us };
    println!("{}", told.table());
    if let Some(path) = std::env::var_os(REPORT_VARIABLE) {
        std::fs::write(path, told.page())?;
    }
    ensure!(judged.differences.is_empty(), "{} differences", judged.differences.len());
    ensure!(drift.is_empty(), "counted again, this differs: {drift:#?}");
    report::enough(kills, &plan)
}

/// On each store a program; on SQLite also one of two processes.
fn shapes(plan: &Plan) -> Vec<(&'static str, Split)> {
    let mut shapes: Vec<(&'static str, Split)> =
        program::stores().into_iter().map(|store| (store, Split::Local)).collect();
    if plan.outside > 0 {
        shapes.push(("sqlite", Split::Remote));
    }
    shapes
}

/// What came of one program.
struct Ended {
    kills: Vec<Kill>,
    drift: Vec<String>,
    judged: Judged,
}

/// One program, on a network of its own: what is written ahead of it is ahead of nobody else.
async fn one(seed: u64, plan: &Plan, store: &'static str, split: Split) -> Result<Ended> {
    let mut run = start(seed, plan, store, split).await?;
    let (program, asker) = (&mut run.programs[0], &run.askers[0]);
    let kills = campaign::run(program, asker, &run.network, plan).await?;
    program.millrace.set_environment(campaign::settings());
    program.millrace.launch().await?;
    campaign::catch_up(program, &run.network).await?;
    run.settle().await?;
    let viewers = run.viewers();
    let judged = run.judge(&Own::default(), &viewers).await?;
    println!("{store}: after {} kills: {}", kills.len(), judged.summary());
    crate::oracle::report(&judged.differences);
    let drift = campaign::audit(&run.programs[0]).await?.into_iter().collect();
    for program in run.programs {
        program.end(judged.differences.is_empty()).await?;
    }
    Ok(Ended { kills, drift, judged })
}

/// A network, and a program that does not run yet.
async fn start(seed: u64, plan: &Plan, store: &'static str, split: Split) -> Result<Run> {
    let config = SimConfig {
        seed,
        accounts: ACCOUNTS,
        mix: Mix::Rich,
        // What is ahead of the program when it starts.
        history_writes: u32::try_from(plan.backlog())?,
        writes_per_s: 0.0,
        account_events_per_mille: 10,
        faults: FaultConfig {
            duplicated: 0.01,
            reordered: 0.01,
            dropped: 0.002,
            // Nothing that breaks connections: a flood comes without a pause.
            ..FaultConfig::default()
        },
        ..SimConfig::default()
    };
    let (clock, rng) = (SystemClock::shared(), Rng::seeded(seed));
    let network = Network::start(&config, clock.clone()).await?;
    let program = Program::prepared(store, split, &network, rng.fork()).await?;
    Run::with_pages(network, clock, rng, vec![program], &PAGE_LIMITS)
}

fn number(variable: &str) -> Result<Option<u64>> {
    match std::env::var(variable) {
        Ok(text) => Ok(Some(text.parse()?)),
        Err(_) => Ok(None),
    }
}
