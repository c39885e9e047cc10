//! The program that is measured: `millrace serve` with its defaults, but that a few viewers may ask as often as
//! many would, on a folder of its own, every role in one process. It can be killed and started again on the same data.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use millrace_runtime::clock::Stopwatch;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::process;

const ADMIN_PASSWORD: &str = "bench";
pub const SERVICE_DID: &str = "did:web:bench.test";
const READY_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);
/// The end of its log that is shown when it fails.
const SHOWN_LINES: usize = 30;

/// How it is to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of its data.
    pub dir: PathBuf,
    pub plc_url: String,
    pub handles_url: String,
    /// The relay it follows, if any.
    pub relay_url: Option<String>,
    /// From the oldest event the relay has, or from now on.
    pub from_oldest: bool,
    pub verify: bool,
    /// A database of PostgreSQL instead of files.
    pub postgres_url: Option<String>,
}

/// A running one. Dropping it kills it.
pub struct Program {
    child: Child,
    binary: PathBuf,
    log: PathBuf,
    pub url: String,
    internal_url: String,
    http: reqwest::Client,
}

impl Program {
    /// Starts it and waits until it says that it is ready.
    pub async fn start(binary: &Path, settings: &Settings) -> Result<Self> {
        let mut program = Self::launch(binary, settings)?;
        program.ready().await?;
        Ok(program)
    }

    /// Starts it; it need not answer yet.
    pub fn launch(binary: &Path, settings: &Settings) -> Result<Self> {
        std::fs::create_dir_all(&settings.dir)?;
        let [appview, internal] = free_ports()?;
        let config = settings.dir.join("millrace.toml");
        std::fs::write(&config, configuration(settings, appview, internal))?;
        let log = settings.dir.join("millrace.log");
        let output = File::options().create(true).append(true).open(&log)?;
        let child = Command::new(binary)
            .args(["serve", "--config"])
            .arg(&config)
            .arg("--data-dir")
            .arg(settings.dir.join("data"))
            .env_clear()
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://127.0.0.1:{appview}");
        let binary = binary.to_owned();
        Ok(Self {
            child,
            binary,
            log,
            url,
            internal_url: format!("http://127.0.0.1:{internal}"),
            http,
        })
    }

    pub async fn ready(&mut self) -> Result<()> {
        let url = format!("{}/ready", self.url);
        let http = self.http.clone();
        self.until("ready", READY_WITHIN, async || {
            let answer = http.get(&url).send().await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
        .await
    }

    /// Waits until events of the source up to `seq` show in answers.
    pub async fn visible(&mut self, source: &str, seq: i64, within: Duration) -> Result<()> {
        let asked = self.internal();
        self.until(&format!("event {seq} to be visible"), within, async || {
            asked.visible_seq(source).await.is_ok_and(|visible| visible >= seq)
        })
        .await
    }

    /// Asks what is asked inside.
    pub fn internal(&self) -> Internal {
        Internal { url: self.internal_url.clone(), http: self.http.clone() }
    }

    async fn until(
        &mut self,
        what: &str,
        within: Duration,
        holds: impl AsyncFn() -> bool,
    ) -> Result<()> {
        let watch = Stopwatch::start();
        while !holds().await {
            let ended = self.child.try_wait()?;
            if ended.is_some() || watch.elapsed() > within {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                let tail = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
                bail!("waiting for {what}: {ended:?} after {:?}\n{tail}", watch.elapsed());
            }
            sleep(POLL).await;
        }
        Ok(())
    }

    /// A counter of `/metrics`, summed over its labels.
    pub async fn metric(&self, name: &str) -> Result<f64> {
        let url = format!("{}/metrics", self.internal_url);
        let text = self.http.get(url).send().await?.text().await?;
        let lines = text.lines().filter_map(|line| line.strip_prefix(name));
        let values = lines.filter(|rest| rest.starts_with(['{', ' ']));
        Ok(values.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    /// Runs a command beside it, as an operator does.
    pub async fn command(&self, settings: &Settings, args: &[&str]) -> Result<()> {
        let mut command = Command::new(&self.binary);
        command.args(args).arg("--config").arg(settings.dir.join("millrace.toml"));
        command.arg("--data-dir").arg(settings.dir.join("data"));
        let output = command.env_clear().output().await?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "millrace {args:?}: {}: {said}", output.status);
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    pub fn cpu(&self) -> Result<Duration> {
        process::cpu(self.pid())
    }

    /// Ends it as power loss would.
    pub async fn kill9(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to drain and end, and waits for that.
    pub async fn end(mut self) -> Result<()> {
        Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().await?;
        let status = self.child.wait().await?;
        if !status.success() {
            bail!("after SIGTERM the program ended with {status}; see {}", self.log.display());
        }
        Ok(())
    }
}

/// The address for what is asked inside: it needs the program no longer than it answers.
#[derive(Clone)]
pub struct Internal {
    url: String,
    http: reqwest::Client,
}

impl Internal {
    pub async fn ask(&self, method: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/internal/{method}", self.url);
        let answer = self.http.post(url).json(body).send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("{method}: {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// The last event of a source that shows in answers; 0 before the first.
    pub async fn visible_seq(&self, source: &str) -> Result<i64> {
        let progress = self.ask("getSourceProgress", &json!({})).await?;
        let sources = progress["sources"].as_array().into_iter().flatten();
        let mut of_it = sources.filter(|it| it["source"] == source);
        Ok(of_it.find_map(|it| it["visibleSeq"].as_i64()).unwrap_or(0))
    }
}

/// Held open together, so that they are different ones.
fn free_ports() -> Result<[u16; 2]> {
    let first = TcpListener::bind(("127.0.0.1", 0))?;
    let second = TcpListener::bind(("127.0.0.1", 0))?;
    Ok([first.local_addr()?.port(), second.local_addr()?.port()])
}

/// What is not the default: where things are, and what may be reached. The log is kept whole, because the
/// large store's entries bear the times of the network it comes from.
fn configuration(settings: &Settings, appview: u16, internal: u16) -> String {
    let store = settings.postgres_url.as_ref().map_or_else(String::new, |url| {
        format!("[store]\nengine = \"postgres\"\npostgres_url = \"{url}\"\n")
    });
    let source = settings.relay_url.as_ref().map_or_else(String::new, |url| {
        let cursor = if settings.from_oldest { "cursor = 0\n" } else { "" };
        format!("[[ingest.sources]]\nname = \"relay\"\nurl = \"{url}\"\n{cursor}")
    });
    let verify = if settings.verify { "full" } else { "off" };
    let Settings { plc_url, handles_url, .. } = settings;
    format!(
        "[network]
allow_loopback = true
plc_url = \"{plc_url}\"
handle_resolver_url = \"{handles_url}\"

{store}
[log]
retention_hours = 100000

[ingest]
verify = \"{verify}\"

{source}
[dataplane]
listen = \"127.0.0.1:{internal}\"
url = \"http://127.0.0.1:{internal}\"

[appview]
listen = \"127.0.0.1:{appview}\"
service_did = \"{SERVICE_DID}\"
public_url = \"http://localhost:{appview}\"
admin_password = \"{ADMIN_PASSWORD}\"

[appview.limits]
account_requests_max = 0
"
    )
}
