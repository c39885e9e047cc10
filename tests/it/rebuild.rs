//! The data-plane's tables made anew under a running program on a made-up network: killed at each step of
//! it, the program starts and serves, nothing differs, and the rebuild can be run again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::rng::Rng;
use millrace_sim::{Mix, Network, SimConfig};
use tokio::time::{Instant, sleep};

use crate::millrace::Millrace;
use crate::oracle::program::{self, Program};
use crate::oracle::seed::Run;

/// Where it is killed, before the tables swap and after.
const POINTS: [&str; 4] =
    ["rebuild.copy.within", "rebuild.swap.before", "rebuild.swap.within", "rebuild.swap.after"];
const ENDED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rebuild_that_is_killed_can_be_run_again() -> Result<()> {
    for store in program::stores() {
        killed_at_each_step(store).await.context(store)?;
    }
    Ok(())
}

async fn killed_at_each_step(store: &'static str) -> Result<()> {
    let mut run = started(store).await?;
    run.settle().await?;
    for point in POINTS {
        let program = &mut run.programs[0];
        let ended = program.millrace.terminate().await?;
        ensure!(ended.success(), "it ended with {ended}");
        program.millrace.set_environment(vec![("MILLRACE_CRASH_AT", point.to_owned())]);
        program.millrace.launch().await?;
        program.millrace.ready().await?;
        let output = program.millrace.command(&["rebuild", "dataplane", "--yes"]).await?;
        ensure!(!output.status.success(), "{point}: the server should have died");
        died(&mut program.millrace).await.context(point)?;
        program.millrace.set_environment(Vec::new());
        program.forget_leases().await?;
        program.millrace.launch().await?;
        program.millrace.ready().await?;
        succeeds(program, &["audit"]).await.context(point)?;
    }
    succeeds(&run.programs[0], &["rebuild", "dataplane", "--yes"]).await?;
    succeeds(&run.programs[0], &["audit"]).await?;
    // It goes on, in the new tables.
    run.network.act(50)?;
    run.settle().await?;
    succeeds(&run.programs[0], &["audit"]).await?;
    // And once more with nobody beside it.
    let program = &mut run.programs[0];
    program.millrace.terminate().await?;
    succeeds(program, &["rebuild", "dataplane", "--yes"]).await?;
    succeeds(program, &["repair", "--yes"]).await?;
    program.millrace.launch().await?;
    program.millrace.ready().await?;
    for program in run.programs {
        program.end(true).await?;
    }
    Ok(())
}

async fn started(store: &'static str) -> Result<Run> {
    let config = SimConfig {
        seed: 77,
        accounts: 16,
        mix: Mix::Rich,
        history_writes: 200,
        writes_per_s: 0.0,
        ..SimConfig::default()
    };
    let (clock, rng) = (SystemClock::shared(), Rng::seeded(77));
    let network = Network::start(&config, clock.clone()).await?;
    let program = Program::start(store, &network, rng.fork()).await?;
    Run::of(network, clock, rng, vec![program])
}

async fn died(millrace: &mut Millrace) -> Result<()> {
    let until = Instant::now() + ENDED_WITHIN;
    while millrace.ended()?.is_none() {
        ensure!(Instant::now() < until, "it is still alive");
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Runs a command; what it printed, if it did not end well.
pub async fn succeeds(program: &Program, args: &[&str]) -> Result<()> {
    let output = program.millrace.command(args).await?;
    ensure!(
        output.status.success(),
        "millrace {} ended with {}:\n{}{}",
        args.join(" "),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
