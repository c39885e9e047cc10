//! What a machine and a network do to a program that follows them at speed: a disk that is full, a relay that falls
//! silent or counts anew, connections that break all at once, a stop in the midst of a flood, a broker that is
//! started again. It stays up, says what it meets, and in the end the oracle finds nothing missing.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::rng::Rng;
use millrace_sim::oracle::Own;
use millrace_sim::{FaultConfig, Mix, Network, SimConfig};
use tokio::time::{Duration, Instant, sleep};
use xtask::kafka::{Broker, Kind};

use crate::kills::campaign::catch_up;
use crate::millrace::Split;
use crate::oracle::program::Program;
use crate::oracle::seed::Run;

/// People's acts in one go: enough to be read for a while.
const FLOOD: u32 = 300;
const WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

/// A network with these faults, and one program that follows it with these settings.
async fn world(faults: FaultConfig, settings: &[(&'static str, &str)]) -> Result<Run> {
    let mut run = prepared(faults).await?;
    start(&mut run, settings).await?;
    Ok(run)
}

async fn prepared(faults: FaultConfig) -> Result<Run> {
    let config = SimConfig {
        seed: 19,
        accounts: 24,
        mix: Mix::Rich,
        history_writes: 100,
        writes_per_s: 0.0,
        faults,
        ..SimConfig::default()
    };
    let (clock, rng) = (SystemClock::shared(), Rng::seeded(19));
    let network = Network::start(&config, clock.clone()).await?;
    let program = Program::prepared("sqlite", Split::Local, &network, rng.fork()).await?;
    Run::with_pages(network, clock, rng, vec![program], &[100])
}

async fn start(run: &mut Run, settings: &[(&'static str, &str)]) -> Result<()> {
    let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    let millrace = &mut run.programs[0].millrace;
    millrace.set_environment(settings.collect());
    millrace.launch().await?;
    millrace.ready().await
}

/// The network falls quiet, and every answer is right.
async fn nothing_is_missing(mut run: Run) -> Result<()> {
    catch_up(&mut run.programs[0], &run.network).await?;
    run.settle().await?;
    let viewers = run.viewers();
    let judged = run.judge(&Own::default(), &viewers).await?;
    crate::oracle::report(&judged.differences);
    ensure!(judged.differences.is_empty(), "{} differences", judged.differences.len());
    ensure!(judged.records > 100, "too little was written to prove anything");
    for program in run.programs {
        program.end(true).await?;
    }
    Ok(())
}

/// A file system of its own, and so small that it is soon full; gone with its owner.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// None where this user may not make one.
    fn mount(at: &Path, mib: u32) -> Result<Option<Self>> {
        std::fs::create_dir_all(at)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m,mode=0700"), "tmpfs"]).arg(at);
        let mounted = mount.stderr(std::process::Stdio::null()).status()?.success();
        if !mounted {
            eprintln!("skipped: only root may mount a disk of its own");
        }
        Ok(mounted.then(|| Self { at: at.to_owned() }))
    }

    /// Takes all the room there is but so much; what took it.
    fn fill_up_to(&self, free_bytes: u64) -> Result<PathBuf> {
        use std::io::Write as _;

        let ballast = self.at.join("ballast");
        let mut file = std::fs::File::create(&ballast)?;
        let mut bytes = 0_u64;
        while file.write_all(&[0; 4_096]).is_ok() {
            bytes += 4_096;
        }
        file.set_len(bytes.saturating_sub(free_bytes))?;
        Ok(ballast)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The program that used it may be ending still: out of sight at once, gone when it has.
        let done = Command::new("umount").arg("--lazy").arg(&self.at).status();
        if !done.is_ok_and(|status| status.success()) {
            eprintln!("{} is still mounted", self.at.display());
        }
    }
}

/// Room for a few more events, then none; then room again.
async fn full_for_a_while(setting: &'static str, said: &str) -> Result<()> {
    let mut run = prepared(FaultConfig::default()).await?;
    let place = run.programs[0].dir().join("small");
    let Some(disk) = SmallDisk::mount(&place, 48)? else { return Ok(()) };
    let dir = place.display().to_string();
    start(&mut run, &[(setting, &dir)]).await?;
    run.settle().await?;
    // So little that it ends in the middle of a batch.
    let ballast = disk.fill_up_to(192 << 10)?;
    let until = Instant::now() + WITHIN;
    while !run.programs[0].millrace.printed()?.contains(said) {
        run.network.act(50)?;
        run.programs[0].millrace.must_be_running()?;
        ensure!(Instant::now() < until, "nothing was said of {said:?}");
        sleep(POLL).await;
    }
    let read = run.askers[0].profiles(&[&run.network.accounts()[0].did]).await?;
    ensure!(read.len() == 1, "reads go on while nothing can be written: {read:?}");
    run.network.act(FLOOD / 4)?;
    std::fs::remove_file(ballast)?;
    let judged = nothing_is_missing(run).await;
    drop(disk);
    judged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_under_the_log_delays_and_loses_nothing() -> Result<()> {
    full_for_a_while("MILLRACE_LOG__DIR", "the log takes no entries; reading waits").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_under_the_tables_delays_and_loses_nothing() -> Result<()> {
    full_for_a_while("MILLRACE_STORE__DIR", "no space left for the").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_04_a_relay_that_falls_silent_is_joined_again() -> Result<()> {
    let silent = FaultConfig { zombies: 0.7, in_a_row_max: 3, ..FaultConfig::default() };
    let quick = [
        ("MILLRACE_INGEST__CONNECTION__IDLE_MIN_MS", "200"),
        ("MILLRACE_INGEST__CONNECTION__IDLE_FIRST_MS", "400"),
        ("MILLRACE_INGEST__CONNECTION__IDLE_MAX_MS", "1000"),
    ];
    let mut run = world(silent, &quick).await?;
    for _ in 0..4 {
        run.network.cut_connections();
        run.network.act(FLOOD / 4)?;
        catch_up(&mut run.programs[0], &run.network).await?;
    }
    let printed = run.programs[0].millrace.printed()?;
    ensure!(printed.contains("MR-ING-"), "nobody was told of the silence:\n{printed}");
    nothing_is_missing(run).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_02_a_relay_that_counts_anew_is_noticed_and_read_again() -> Result<()> {
    let restart = [("MILLRACE_INGEST__ON_FUTURE_CURSOR", "restart_at_oldest")];
    let mut run = world(FaultConfig::default(), &restart).await?;
    run.network.act(FLOOD)?;
    run.settle().await?;
    let before = run.network.look(|world| world.last_seq());
    run.network.change(|world| world.reset_relay());
    run.network.cut_connections();
    run.network.act(FLOOD / 4)?;
    let millrace = &mut run.programs[0].millrace;
    millrace.until_logged("reading everything the source still has").await?;
    // What was shown by the old numbers says nothing of the new ones, which are fewer.
    millrace
        .until(|source| source["visibleSeq"].as_i64().is_some_and(|visible| visible < before))
        .await?;
    nothing_is_missing(run).await
}

/// Every source loses its connection at the same moment, again and again, while people write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_19_connections_that_all_break_at_once_come_back_and_nothing_is_missing() -> Result<()>
{
    let run = world(FaultConfig::default(), &[]).await?;
    for _ in 0..10 {
        run.network.act(FLOOD / 10)?;
        run.network.cut_connections();
    }
    nothing_is_missing(run).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_midst_of_a_flood_drains_and_loses_nothing() -> Result<()> {
    let mut run = world(FaultConfig::default(), &[]).await?;
    for _ in 0..3 {
        run.network.act(FLOOD)?;
        let millrace = &mut run.programs[0].millrace;
        millrace.until(|source| source["receivedSeq"] != source["visibleSeq"]).await?;
        let status = millrace.terminate().await?;
        ensure!(status.success(), "after SIGTERM it ended with {status}");
        millrace.launch().await?;
        millrace.ready().await?;
    }
    nothing_is_missing(run).await
}

/// A second server must not touch what the first one works on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_folder_is_refused_while_the_first_goes_on() -> Result<()> {
    let run = world(FaultConfig::default(), &[]).await?;
    run.network.act(FLOOD)?;
    let second = run.programs[0].millrace.command(&["serve"]);
    let output = tokio::time::timeout(WITHIN, second).await??;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "two servers work on one folder");
    ensure!(said.contains("hint:"), "it does not say what to do: {said}");
    nothing_is_missing(run).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_while_people_write_loses_nothing() -> Result<()> {
    let root = xtask::shell::workspace_root()?;
    if Kind::Noida.program(&root).is_none() {
        eprintln!("skipped: no broker here (`cargo xtask setup` installs it)");
        return Ok(());
    }
    let mut broker = Broker::start(&root, Kind::Noida, &std::env::temp_dir())?;
    let address = broker.address();
    let settings = [("MILLRACE_LOG__ENGINE", "kafka"), ("MILLRACE_LOG__KAFKA__BROKERS", &*address)];
    let mut run = match world(FaultConfig::default(), &settings).await {
        Err(error) if format!("{error:#}").contains("kafka") => {
            eprintln!("skipped: this program was built without Kafka");
            return Ok(());
        }
        world => world?,
    };
    for _ in 0..3 {
        run.network.act(FLOOD)?;
        // This broker confirms what reaches it while it ends, and forgets it: nothing may be on its way then.
        run.settle().await?;
        broker.stop()?;
        run.network.act(FLOOD / 4)?;
        run.programs[0].millrace.must_be_running()?;
        broker.resume()?;
    }
    nothing_is_missing(run).await
}
