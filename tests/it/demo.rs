//! `millrace demo`, as somebody meets it who follows the README: it starts without any set-up, and what
//! the README says to try answers.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::millrace::{Ports, program};
use crate::process::Process;

const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);

#[tokio::test]
async fn what_the_readme_says_to_try_answers() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let ports = Ports::reserve()?;
    let mut command = program().await?;
    command.arg("demo").current_dir(dir.path()).env("TMPDIR", dir.path());
    command.env("MILLRACE_APPVIEW__LISTEN", format!("127.0.0.1:{}", ports.appview));
    command.env("MILLRACE_DATAPLANE__LISTEN", format!("127.0.0.1:{}", ports.internal));
    let mut demo = Process::start(&mut command, &dir.path().join("demo.log"))?;
    for line in lines_to_try(ports)? {
        let until = Instant::now() + ANSWERS_WITHIN;
        loop {
            // At first nothing listens, then not everything is indexed yet.
            let tried = Command::new("sh").arg("-c").arg(&line).output().await?;
            if tried.status.success() {
                ensure!(!tried.stdout.is_empty(), "{line} printed nothing");
                break;
            }
            demo.must_be_running()?;
            let said = String::from_utf8_lossy(&tried.stderr);
            ensure!(Instant::now() < until, "{line}: {said}");
            sleep(POLL).await;
        }
    }
    ensure!(demo.terminate().await?.success(), "the demo ends well");
    Ok(())
}

/// The README's curl lines, on this test's ports and failing where the server refuses.
fn lines_to_try(ports: Ports) -> Result<Vec<String>> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme)?;
    let here = |line: &str| {
        let line = line.strip_prefix("curl ")?;
        let line = line.replace(":5000/", &format!(":{}/", ports.appview));
        let line = line.replace(":5001/", &format!(":{}/", ports.internal));
        Some(format!("curl --fail --silent --show-error --noproxy '*' --max-time 10 {line}"))
    };
    let lines: Vec<String> = readme.lines().filter_map(here).collect();
    ensure!(lines.len() >= 4, "the README says what to try: {lines:?}");
    Ok(lines)
}
