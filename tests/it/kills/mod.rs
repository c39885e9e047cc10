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

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use millrace_runtime::clock::SystemClock;
use millrace_runtime::rng::Rng;
use millrace_sim::oracle::Own;
use millrace_sim::{FaultConfig, Mix, Network, SimConfig};
use tokio::time::Instant;

use crate::millrace::Split;
use crate::oracle::program::{self, Program};
use crate::oracle::seed::Run;
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
    let mut run = start(seed, &plan).await?;
    let kills = kill_all(&mut run, &plan).await?;
    for program in &mut run.programs {
        program.millrace.set_environment(campaign::settings());
        program.millrace.launch().await?;
        campaign::catch_up(program, &run.network).await?;
    }
    run.settle().await?;
    let viewers = run.viewers();
    let judged = run.judge(&Own::default(), &viewers).await?;
    println!("after {} kills: {}", kills.len(), judged.summary());
    crate::oracle::report(&judged.differences);
    let mut drift = Vec::new();
    for program in &run.programs {
        drift.extend(campaign::audit(program).await?);
    }
    let told = report::Told {
        kills: &kills,
        judged: &judged,
        drift: &drift,
        seed,
        plan: &plan,
        took: began.elapsed(),
        now_us: run.clock.now_us(),
    };
    println!("{}", told.table());
    if let Some(path) = std::env::var_os(REPORT_VARIABLE) {
        std::fs::write(path, told.page())?;
    }
    for program in run.programs {
        program.end(judged.differences.is_empty()).await?;
    }
    ensure!(judged.differences.is_empty(), "{} differences", judged.differences.len());
    ensure!(drift.is_empty(), "counted again, this differs: {drift:#?}");
    report::enough(&kills, &plan)
}

/// A network, and on each store a program that does not run yet; on SQLite also one of two processes.
async fn start(seed: u64, plan: &Plan) -> Result<Run> {
    let config = SimConfig {
        seed,
        accounts: ACCOUNTS,
        mix: Mix::Rich,
        // What is ahead of every program when it starts.
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
    let mut shapes: Vec<(&'static str, Split)> =
        program::stores().into_iter().map(|store| (store, Split::Local)).collect();
    if plan.outside > 0 {
        shapes.push(("sqlite", Split::Remote));
    }
    let preparing = shapes
        .into_iter()
        .map(|(store, split)| Program::prepared(store, split, &network, rng.fork()));
    let programs = try_join_all(preparing).await?;
    Run::with_pages(network, clock, rng, programs, &PAGE_LIMITS)
}

async fn kill_all(run: &mut Run, plan: &Plan) -> Result<Vec<Kill>> {
    let network = &run.network;
    let campaigns = run.programs.iter_mut().zip(&run.askers);
    let campaigns = campaigns.map(|(program, asker)| campaign::run(program, asker, network, plan));
    Ok(try_join_all(campaigns).await?.into_iter().flatten().collect())
}

fn number(variable: &str) -> Result<Option<u64>> {
    match std::env::var(variable) {
        Ok(text) => Ok(Some(text.parse()?)),
        Err(_) => Ok(None),
    }
}
