//! Fills the large store: log entries as ingest would have written them, appended to the program's own log, then
//! applied by the program itself. Nothing is signed, because nothing is verified after the log; the same sizes
//! make the same entries.

mod texts;
mod world;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use millrace_log::{Append, Log, LogConfig, Topic};
use millrace_runtime::clock::{ManualClock, Stopwatch};
use millrace_runtime::metrics::Registry;
use millrace_runtime::supervise::spawn_thread;
use tokio::sync::mpsc;

use crate::people::People;
use crate::plan::Sizes;
use crate::program::{Program, Settings};

pub use texts::Texts;
pub use world::{Post, World};

/// The name of the source in the entries.
const SOURCE: &str = "bench";
/// Entries appended together.
const BATCH_ENTRIES: usize = 2_000;
const BATCHES_AHEAD: usize = 4;
/// Beside a store that is loaded whole.
const LOADED: &str = "loaded";
const APPLIED_WITHIN: Duration = Duration::from_secs(1_800);

/// What was loaded.
pub struct Loaded {
    /// Posts that questions may be about.
    pub posts: Vec<Post>,
    pub entries: u64,
    /// Entries that the program applied in a second.
    pub applied_per_s: f64,
}

/// Fills the store in the folder of `settings`, and returns the program that did, still running.
pub async fn load(
    binary: &Path,
    settings: &Settings,
    people: &People,
    sizes: &Sizes,
) -> Result<(Program, Loaded)> {
    let data = settings.dir.join("data");
    std::fs::create_dir_all(&data)?;
    let log = match is_loaded(settings) {
        true => None,
        false => Some(data.as_path()),
    };
    let (entries, posts) = tell(log, people, sizes).await?;
    let watch = Stopwatch::start();
    let mut program = Program::launch(binary, settings)?;
    let last = i64::try_from(entries).unwrap_or(i64::MAX);
    program.visible(SOURCE, last, APPLIED_WITHIN).await?;
    let applied_per_s = entries as f64 / watch.elapsed().as_secs_f64();
    program.ready().await?;
    std::fs::write(settings.dir.join(LOADED), entries.to_string())?;
    Ok((program, Loaded { posts, entries, applied_per_s }))
}

/// Whether a run before left a store that is loaded.
pub fn is_loaded(settings: &Settings) -> bool {
    settings.dir.join(LOADED).exists()
}

/// Makes the entries on a thread and appends them here, where there is a log to be filled.
async fn tell(data: Option<&Path>, people: &People, sizes: &Sizes) -> Result<(u64, Vec<Post>)> {
    let clock = ManualClock::at(world::START_US);
    let open = |dir| Log::open(&LogConfig::in_dir(dir), clock.shared(), &Registry::new());
    let log = data.map(open).transpose()?;
    let (batches, mut made) = mpsc::channel::<(i64, Vec<Append>)>(BATCHES_AHEAD);
    let (people, sizes) = (people.clone(), *sizes);
    let maker = spawn_thread("bench-load", move || {
        let mut world = World::new(&people, &sizes, SOURCE);
        loop {
            let mut batch = Vec::with_capacity(BATCH_ENTRIES);
            let mut time_us = 0;
            while batch.len() < BATCH_ENTRIES {
                let Some((at_us, append)) = world.next_entry()? else { break };
                batch.push(append);
                time_us = at_us;
            }
            let ended = batch.len() < BATCH_ENTRIES;
            if batches.blocking_send((time_us, batch)).is_err() || ended {
                return Ok::<_, anyhow::Error>((world.entries(), world.into_posts()));
            }
        }
    })?;
    while let Some((time_us, batch)) = made.recv().await {
        clock.set_us(time_us);
        if let Some(log) = &log {
            log.append(Topic::NetworkEntries, batch).await?;
        }
    }
    if let Some(log) = log {
        log.close().await;
    }
    maker.join().ok().context("the thread that makes entries panicked")?
}
