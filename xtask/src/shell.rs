//! Running other programs: where the tree is, what is on PATH, a command that must succeed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The folder of the workspace's `Cargo.toml`, as the cargo that runs this process tells it.
///
/// # Errors
/// When no cargo does, and xtask was moved out of the workspace it was built in.
pub fn workspace_root() -> Result<PathBuf> {
    let here =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&here).ancestors().find(|dir| dir.join("Cargo.lock").exists());
    let root = root.with_context(|| {
        format!("{} is in no workspace: run this as `cargo xtask`", Path::new(&here).display())
    })?;
    Ok(root.to_path_buf())
}

/// The cargo that started this process, so that one toolchain does all the work.
#[must_use]
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command with inherited output.
///
/// # Errors
/// When it cannot be started or ends with a status other than 0.
pub fn must(command: &mut Command) -> Result<()> {
    if succeeds(command)? {
        return Ok(());
    }
    bail!("`{}` failed", line(command))
}

/// Runs a command with inherited output and tells whether it ended well.
///
/// # Errors
/// When it cannot be started.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    Ok(status.success())
}

/// Runs a command without output and tells whether it could be started and ended well.
#[must_use]
pub fn quietly(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A command's standard output.
///
/// # Errors
/// When it cannot be started, fails, or prints something other than UTF-8.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !done.status.success() {
        bail!("`{}` failed: {}", line(command), String::from_utf8_lossy(&done.stderr).trim());
    }
    String::from_utf8(done.stdout).context("the command printed something other than UTF-8")
}

/// Whether this process is root's: packages can be installed, and PostgreSQL must change its user.
#[must_use]
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn line(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
