//! A child process whose output goes to a file; gone when dropped. One that nobody ended was running
//! when its test failed: the end of its output is shown.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result};
use tokio::process::{Child, Command};

/// How much of a failed process's output is worth reading in a test report.
const SHOWN_LINES_MAX: usize = 60;

/// A process that is killed when it goes out of scope.
pub struct Process {
    child: Child,
    output: PathBuf,
    ended: bool,
}

impl Process {
    /// Starts `command`; its standard output and error are appended to `output`.
    pub fn start(command: &mut Command, output: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(output)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child, output: output.to_owned(), ended: false })
    }

    /// Ends it as power loss would: no signal handler runs.
    pub async fn kill9(&mut self) -> Result<()> {
        self.ended = true;
        Ok(self.child.kill().await?)
    }

    /// Asks it to drain and end, and waits for that.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        self.ended = true;
        self.ask_to_end().await?;
        Ok(self.child.wait().await?)
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let ended = self.child.try_wait()?;
        self.ended |= ended.is_some();
        Ok(ended)
    }

    /// Asks it to drain and end, and waits for nothing.
    pub async fn ask_to_end(&self) -> Result<()> {
        let pid = self.child.id().context("the process has ended already")?;
        Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
        Ok(())
    }

    /// An error with what it printed, if it has ended by itself.
    pub fn must_be_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                anyhow::bail!("the process ended with {status}:\n{}", tail(&self.output))
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended {
            eprintln!("── the end of {}\n{}", self.output.display(), tail(&self.output));
        }
    }
}

/// The last lines of a file.
pub fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES_MAX)..].join("\n")
}
