//! Homes: people who read here follow authors, whose posts come from the network and find their way into all of
//! these homes; then the homes are read.

mod crowd;
mod reading;

use std::time::Duration;

use anyhow::{Result, ensure};
use millrace_runtime::clock::Stopwatch;

use crate::program::Program;

pub use crowd::Crowd;
pub use reading::{Asked, Readers, Turn, Zipf, percent, tokens};

const ROWS: &str = "millrace_feeds_rows_written_total";
const WITHIN: Duration = Duration::from_secs(300);

/// Lines that were written into homes.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// From when the first post was said to when the last home had the last one.
    pub elapsed: Duration,
    /// Lines a second, from the first that was seen to the last.
    pub rows_per_s: f64,
}

/// Has the network say something, and waits until so many more lines stand in homes.
pub async fn written(
    program: &Program,
    rows: f64,
    look: Duration,
    say: impl FnOnce() -> Result<()>,
) -> Result<Written> {
    let before = program.metric(ROWS).await?;
    let watch = Stopwatch::start();
    say()?;
    let mut first: Option<(f64, Duration)> = None;
    loop {
        let now = program.metric(ROWS).await? - before;
        let elapsed = watch.elapsed();
        if now > 0.0 && first.is_none() {
            first = Some((now, elapsed));
        }
        if now >= rows {
            let (seen, since) = first.unwrap_or_default();
            // One step may have written all of them.
            let (moved, took) =
                if now > seen { (now - seen, elapsed - since) } else { (now, elapsed) };
            return Ok(Written { elapsed, rows_per_s: moved / took.as_secs_f64() });
        }
        ensure!(elapsed < WITHIN, "only {now} of {rows} lines are in homes after {elapsed:?}");
        tokio::time::sleep(look).await;
    }
}
