//! A process tied to the one that started it, by its standard input and output.
//!
//! ```text
//! parent ── stdin:  nothing, until it ends: drain ──▶ child
//! parent ◀── stdout: one line of JSON, where it answers ── child
//! ```
//!
//! The operating system ends the child's standard input however the parent ends, also by `kill -9`, so no
//! child is ever left behind. Signals from the terminal reach the parent alone.

use std::io::{self, Read as _};
use std::process::{ExitStatus, Stdio};

use millrace_runtime::supervise::{Shutdown, TaskError, spawn_thread};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::failure::ProgramError;
use crate::output;
use crate::wiring::Addresses;

/// Longest line a child may announce itself with.
const LINE_BYTES_MAX: u64 = 4_096;

/// In the child: cancelled when the parent is gone or wants it to end.
///
/// # Errors
/// There is no thread for it.
pub fn parent_gone() -> io::Result<Shutdown> {
    let gone = Shutdown::new();
    let told = gone.clone();
    // A thread of its own that nobody joins: a read of standard input cannot be called off.
    spawn_thread("tether".to_owned(), move || {
        let mut ignored = [0; 64];
        while matches!(io::stdin().read(&mut ignored), Ok(1..)) {}
        told.cancel();
    })?;
    Ok(gone)
}

/// In the child: tells the parent that it answers, and where.
pub fn announce(addresses: &Addresses) {
    let line = serde_json::to_string(addresses).expect("invariant: addresses serialise");
    output::text(&line);
}

/// In the parent: the child.
pub struct Tethered {
    /// What it is to an operator.
    part: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Tethered {
    /// Starts the child, out of reach of the terminal's signals.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(part: &'static str, mut command: Command) -> Result<Self, ProgramError> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let started = command.spawn();
        let mut child = started.map_err(|error| ended(part, format!("cannot start: {error}")))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("invariant: its standard output is a pipe");
        Ok(Self { part, child, stdin, stdout })
    }

    /// Where it answers, once it does.
    ///
    /// # Errors
    /// It ended, or said something else.
    pub async fn announced(&mut self) -> Result<Addresses, ProgramError> {
        let mut line = String::new();
        let mut from = BufReader::new((&mut self.stdout).take(LINE_BYTES_MAX));
        // An error is no line.
        let _ = from.read_line(&mut line).await;
        if line.is_empty() {
            let status = self.child.wait().await;
            return Err(ended(self.part, how(status)));
        }
        serde_json::from_str(&line)
            .map_err(|_| ended(self.part, "said something unexpected".to_owned()))
    }

    /// Runs until the child ends, which is an error, or until `shutdown`: then the child drains first.
    ///
    /// # Errors
    /// How it ended, when nobody asked it to or other than well.
    pub async fn run(mut self, shutdown: Shutdown) -> Result<(), TaskError> {
        let asked = shutdown.or(self.child.wait()).await;
        if let Some(status) = asked {
            return Err(TaskError::diagnosed(ended(self.part, how(status))));
        }
        drop(self.stdin.take());
        match self.child.wait().await {
            Ok(status) if status.success() => Ok(()),
            status => Err(TaskError::diagnosed(ended(self.part, how(status)))),
        }
    }
}

fn ended(part: &'static str, how: String) -> ProgramError {
    ProgramError::PartEnded { part, how }
}

fn how(status: io::Result<ExitStatus>) -> String {
    status.map_or_else(|error| error.to_string(), |status| status.to_string())
}
