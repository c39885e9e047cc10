//! The reference AppView from npm, in a Node process of its own, on a database of its own: it follows the same
//! relay and is asked the same questions. It checks no signatures, and keeps no cursor.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use millrace_runtime::clock::Stopwatch;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::frames::Frames;
use crate::process;
use crate::relay::Relay;

/// Frames that it is sent ahead of what it has done: it reads without bound, and a flood would only cost it memory.
const AHEAD_FRAMES: usize = 400;
const POLL: Duration = Duration::from_millis(10);
const WITHIN: Duration = Duration::from_secs(600);

/// A running one.
pub struct Reference {
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    pub url: String,
    pub did: String,
}

impl Reference {
    pub async fn start(
        node: &Path,
        root: &Path,
        dir: &Path,
        relay: &Relay,
        postgres_url: &str,
    ) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let log = std::fs::File::create(dir.join("reference.log"))?;
        let mut child = Command::new(node)
            .arg(root.join("tests/conformance/bench-reference.mjs"))
            .env("RELAY", relay.url())
            .env("FIREHOSE", relay.socket_url())
            .env("PLC", relay.url())
            .env("DB_POSTGRES_URL", postgres_url)
            .env("NODE_ENV", "production")
            .env("LOG_ENABLED", "false")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start Node")?;
        let to = child.stdin.take().context("a pipe")?;
        let from = BufReader::new(child.stdout.take().context("a pipe")?).lines();
        let (url, did) = (String::new(), String::new());
        let mut reference = Self { child, to, from, url, did };
        let hello = reference.hear().await?;
        let text = |name: &str| hello[name].as_str().map(str::to_owned).context("a greeting");
        (reference.url, reference.did) = (text("url")?, text("did")?);
        Ok(reference)
    }

    /// Sends the frames up to `until` and waits until all of them are indexed; returns the seconds that took.
    pub async fn take(&mut self, relay: &Relay, frames: &Frames, until: usize) -> Result<f64> {
        let watch = Stopwatch::start();
        let last = frames.seq_before(until);
        loop {
            let cursor = self.call("cursor").await?.as_i64().unwrap_or(0);
            if cursor >= last {
                break;
            }
            let done = frames.frames.partition_point(|frame| frame.seq <= cursor);
            relay.allow((done + AHEAD_FRAMES).min(until));
            if watch.elapsed() > WITHIN {
                bail!("the reference AppView reached event {cursor} of {last}");
            }
            tokio::time::sleep(POLL).await;
        }
        self.call("settle").await?;
        Ok(watch.elapsed().as_secs_f64())
    }

    /// Memory of its process and of those below it, in bytes.
    pub fn memory(&self) -> u64 {
        self.child.id().map_or(0, process::family_pss)
    }

    async fn call(&mut self, method: &str) -> Result<Value> {
        let line = format!("{}\n", json!({"id": 1, "method": method}));
        self.to.write_all(line.as_bytes()).await?;
        let mut answer = self.hear().await?;
        match answer.get("error") {
            Some(error) => bail!("the reference AppView, asked to {method}: {error}"),
            None => Ok(answer["result"].take()),
        }
    }

    async fn hear(&mut self) -> Result<Value> {
        let line = tokio::time::timeout(WITHIN, self.from.next_line()).await??;
        let line = line.context("the reference AppView ended; see reference.log")?;
        Ok(serde_json::from_str(&line)?)
    }

    pub async fn end(mut self) -> Result<()> {
        drop(self.to);
        if tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}
