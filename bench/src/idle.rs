//! From a start to the first answer after a `kill -9`, and the memory of an idle process.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use millrace_runtime::clock::Stopwatch;

use crate::people::Tokens;
use crate::program::{Program, SERVICE_DID, Settings};
use crate::reads::{Kind, Service, Subjects};

const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(2);

/// Kills the program, starts it again on the same data and asks for timelines until one is answered.
pub async fn restart(
    binary: &Path,
    settings: &Settings,
    program: Program,
    subjects: &Subjects,
) -> Result<(Program, Duration)> {
    program.kill9().await?;
    let watch = Stopwatch::start();
    let program = Program::launch(binary, settings)?;
    let service = Service::new(&program.url, Tokens::of_people(SERVICE_DID)?)?;
    loop {
        let question = subjects.draw(Kind::Timeline(1), 1);
        if service.answers(&question[0]).await {
            return Ok((program, watch.elapsed()));
        }
        if watch.elapsed() > ANSWERS_WITHIN {
            bail!("no answer {ANSWERS_WITHIN:?} after a kill");
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Has the system forget what it keeps of the files in memory, so that the next reads come from the disk. What is
/// still to be written stays.
pub fn forget_files(data: &Path) -> Result<()> {
    for entry in std::fs::read_dir(data)? {
        let path = entry?.path();
        if !path.is_file() {
            continue;
        }
        let file = std::fs::File::open(&path)?;
        file.sync_all()?;
        let input = format!("if={}", path.display());
        let dd = ["iflag=nocache", "count=0", "status=none"];
        let status = Command::new("dd").arg(input).args(dd).status()?;
        if !status.success() {
            bail!("dd could not drop the cache of {}", path.display());
        }
    }
    Ok(())
}
