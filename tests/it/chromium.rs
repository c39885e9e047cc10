//! Drives Debian's Chromium against the program's dashboard: a script of `tests/browser` does it, and asks for what
//! only its starter can do. Skipped where there is no browser or the program was built without its dashboard; in
//! continuous integration that fails.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::millrace::Millrace;

const DONE_WITHIN: Duration = Duration::from_secs(420);

/// A browser, if there is one, and the program at `base` has a dashboard for it.
pub async fn ready(base: &str) -> Result<Option<PathBuf>> {
    let Some(chromium) = needed("a browser", chromium())? else { return Ok(None) };
    let built = has_dashboard(base).await?.then_some(());
    Ok(needed("a program with its dashboard", built)?.map(|()| chromium))
}

/// Runs the browser's half, and does to the program what it asks for: `@stop` and `@start`.
pub async fn drive(
    script: &str,
    chromium: &Path,
    given: Value,
    millrace: &mut Millrace,
) -> Result<()> {
    let act = async |what: &str| match what {
        "stop" => millrace.kill9().await,
        "start" => {
            millrace.launch().await?;
            millrace.ready().await
        }
        other => anyhow::bail!("{other} was asked for"),
    };
    drive_with(script, chromium, given, act).await
}

/// The same with what a test of its own does when it is asked to: `@<what>` is answered with `done`.
pub async fn drive_with(
    script: &str,
    chromium: &Path,
    mut given: Value,
    mut act: impl AsyncFnMut(&str) -> Result<()>,
) -> Result<()> {
    let screenshot = std::env::temp_dir().join("millrace-dashboard-failed.png");
    given["chromium"] = chromium.display().to_string().into();
    given["screenshot"] = screenshot.display().to_string().into();
    // A folder for pictures of what was looked at, if somebody wants to see them.
    given["pictures"] = std::env::var("MILLRACE_TEST_PICTURES").ok().into();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser").join(script);
    let mut command = Command::new("node");
    command.arg(script).env("DASHBOARD_TEST", given.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().context("cannot start node")?;
    let mut stdin = child.stdin.take().context("stdin is piped")?;
    let mut lines = BufReader::new(child.stdout.take().context("stdout is piped")?).lines();
    let driven = async {
        let mut has_passed = false;
        while let Some(line) = lines.next_line().await? {
            match line.strip_prefix('@') {
                Some("passed") => has_passed = true,
                Some(what) => {
                    act(what).await?;
                    stdin.write_all(b"done\n").await?;
                }
                None => eprintln!("{line}"),
            }
        }
        ensure!(has_passed, "the browser's half failed; see {}", screenshot.display());
        anyhow::Ok(())
    };
    timeout(DONE_WITHIN, driven).await.context("the browser's half takes too long")??;
    ensure!(child.wait().await?.success(), "the browser's half ended badly");
    Ok(())
}

/// What there is of something needed; without it the test is skipped, except where all must run.
fn needed<T>(what: &str, found: Option<T>) -> Result<Option<T>> {
    if found.is_none() {
        ensure!(std::env::var_os("CI").is_none(), "there is not {what}");
        eprintln!("skipped: there is not {what}");
    }
    Ok(found)
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut found = std::env::split_paths(&path).flat_map(|dir| names.map(|name| dir.join(name)));
    found.find(|program| program.is_file())
}

async fn has_dashboard(base: &str) -> Result<bool> {
    let page = crate::world::http_client()?.get(format!("{base}/dashboard/")).send().await?;
    Ok(page.error_for_status()?.text().await?.contains("/dashboard/assets/"))
}
