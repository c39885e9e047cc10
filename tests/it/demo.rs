//! `millrace demo`, as somebody meets it who follows the README: it starts without any set-up, and what
//! the README says to try answers.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, sleep};

use crate::millrace::{Ports, program};
use crate::process::Process;
use crate::world::http_client;

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
    let http = http_client()?;
    for url in urls_to_try(ports)? {
        let until = Instant::now() + ANSWERS_WITHIN;
        loop {
            // At first nothing listens, then not everything is indexed yet.
            let seen = match http.get(&url).send().await {
                Ok(answer) => (answer.status().is_success(), answer.text().await?),
                Err(e) => (false, e.to_string()),
            };
            if let (true, body) = &seen {
                ensure!(!body.is_empty(), "{url} answered nothing");
                break;
            }
            demo.must_be_running()?;
            ensure!(Instant::now() < until, "{url}: {}", seen.1);
            sleep(POLL).await;
        }
    }
    ensure!(demo.terminate().await?.success(), "the demo ends well");
    Ok(())
}

/// The README's curl lines, on this test's ports.
fn urls_to_try(ports: Ports) -> Result<Vec<String>> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme)?;
    let quoted = |line: &str| Some(line.strip_prefix("curl '")?.strip_suffix('\'')?.to_owned());
    let urls: Vec<String> = readme.lines().filter_map(quoted).collect();
    ensure!(urls.len() >= 4, "the README says what to try: {urls:?}");
    let here = |url: String| {
        let (host, path) = url.split_once('/').context("host and path")?;
        let port = match host {
            "localhost:5000" => ports.appview,
            "localhost:5001" => ports.internal,
            _ => anyhow::bail!("{host} is neither the AppView nor the data-plane"),
        };
        Ok(format!("http://127.0.0.1:{port}/{path}"))
    };
    urls.into_iter().map(here).collect()
}
