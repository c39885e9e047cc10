//! Events a second: the relay is let loose, and the time is taken until the last event shows in answers.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use millrace_runtime::clock::Stopwatch;

use crate::frames::Frames;
use crate::program::Program;
use crate::relay::Relay;

/// The name under which the relay is followed.
const SOURCE: &str = "relay";
const VISIBLE_WITHIN: Duration = Duration::from_secs(300);
/// Handles of the accounts are verified meanwhile, before anything is timed.
const SETTLE: Duration = Duration::from_millis(1_500);
const ENTRIES: &str = "millrace_dataplane_entries_total";

/// What came of a round.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    pub events_per_s: f64,
    /// Processor time of the program for one event.
    pub cpu_us: f64,
}

/// Sends what comes before the measured frames: every account, its profile, and with it its key.
pub async fn introduce(program: &mut Program, relay: &Relay, frames: &Frames) -> Result<()> {
    relay.allow(frames.before);
    program.visible(SOURCE, frames.seq_before(frames.before), VISIBLE_WITHIN).await?;
    tokio::time::sleep(SETTLE).await;
    written_out().await
}

/// Waits until the disk has what anybody wrote before: else who is timed next pays for who was timed last.
pub async fn written_out() -> Result<()> {
    let status = tokio::process::Command::new("sync").status().await?;
    ensure!(status.success(), "sync: {status}");
    Ok(())
}

/// Times the frames from `from` up to `until`.
pub async fn round(
    program: &mut Program,
    relay: &Relay,
    frames: &Frames,
    from: usize,
    until: usize,
) -> Result<Round> {
    ensure!(until <= frames.frames.len(), "there are only {} frames", frames.frames.len());
    let events = (until - from) as f64;
    let (entries, cpu) = (program.metric(ENTRIES).await?, program.cpu()?);
    let watch = Stopwatch::start();
    relay.allow(until);
    program.visible(SOURCE, frames.seq_before(until), VISIBLE_WITHIN).await?;
    let elapsed = watch.elapsed();
    let cpu = program.cpu()?.saturating_sub(cpu);
    let applied = program.metric(ENTRIES).await? - entries;
    ensure!(applied >= events, "of {events} events only {applied} were applied");
    Ok(Round {
        events_per_s: events / elapsed.as_secs_f64(),
        cpu_us: cpu.as_secs_f64() * 1e6 / events,
    })
}

/// A fresh folder.
pub fn emptied(dir: &Path) -> Result<()> {
    if dir.exists() {
        std::fs::remove_dir_all(dir)?;
    }
    Ok(std::fs::create_dir_all(dir)?)
}
