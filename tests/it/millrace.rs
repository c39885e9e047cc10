//! The program under test: `millrace serve` as one process or as data-plane and AppView, on a folder
//! of its own. It can be killed and started again on the same data.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use millrace_runtime::rng::Rng;
use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::network::Network;
use crate::process::Process;

pub const ADMIN_PASSWORD: &str = "test-admin-password";
const READY_WITHIN: Duration = Duration::from_secs(120);
const REACHED_WITHIN: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(20);

/// Where the tables lie.
#[derive(Clone, Debug)]
pub enum Engine {
    Sqlite,
    /// The URL of a database of this test's own.
    Postgres(String),
}

/// How many processes the roles are spread over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Split {
    /// One process; the AppView asks the data-plane in process.
    Local,
    /// A data-plane and an AppView that asks it over HTTP.
    Remote,
}

/// The ports of one set-up; reserved before the PDS starts, because that must know the AppView's.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub appview: u16,
    pub internal: u16,
    pub metrics: u16,
}

/// An address on which nothing is served: who reserves a port holds it there, and others see it.
const HOLDS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Below it are ports that services of the system have.
const PORT_MIN: u16 = 10_000;
/// What the system gives connections as their own port begins here, unless it says otherwise.
const EPHEMERAL_MIN: u16 = 32_768;
const PORTS_TRIED_MAX: usize = 1_000;
/// Far more than a long run needs at a time, and few enough to be open files.
const PORTS_HELD_MAX: usize = 256;

impl Ports {
    /// Ports that stay free while the program is down: no connection is given one, and no other test takes one.
    pub fn reserve() -> Result<Self> {
        Ok(Self { appview: reserved()?, internal: reserved()?, metrics: reserved()? })
    }

    pub fn appview_url(self) -> String {
        format!("http://localhost:{}", self.appview)
    }
}

/// A port that stays free while nobody listens on it; held until many more have been reserved.
fn reserved() -> Result<u16> {
    static HELD: Mutex<VecDeque<TcpListener>> = Mutex::new(VecDeque::new());
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let first = range.ok().and_then(|range| range.split_whitespace().next()?.parse().ok());
    let below = first.filter(|first| *first > PORT_MIN).unwrap_or(EPHEMERAL_MIN);
    let rng = Rng::from_entropy();
    for _ in 0..PORTS_TRIED_MAX {
        let port = PORT_MIN + u16::try_from(rng.below(u64::from(below - PORT_MIN)))?;
        let Ok(held) = TcpListener::bind((HOLDS, port)) else { continue };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            let mut all = HELD.lock().unwrap_or_else(PoisonError::into_inner);
            if all.len() >= PORTS_HELD_MAX {
                all.pop_front();
            }
            all.push_back(held);
            return Ok(port);
        }
    }
    bail!("no port is free between {PORT_MIN} and {below}")
}

pub struct Millrace {
    split: Split,
    ports: Ports,
    dir: PathBuf,
    http: reqwest::Client,
    /// Of the processes started from now on.
    environment: Vec<(&'static str, String)>,
    /// Ingest and data-plane, and with [`Split::Local`] everything.
    data_plane: Option<Process>,
    appview: Option<Process>,
}

impl Millrace {
    /// Writes the configuration into `dir`, starts the process or processes and waits until they are ready.
    pub async fn start(
        split: Split,
        ports: Ports,
        configuration: &str,
        dir: &Path,
    ) -> Result<Self> {
        let mut millrace = Self::prepared(split, ports, configuration, dir)?;
        millrace.launch().await?;
        millrace.ready().await?;
        Ok(millrace)
    }

    /// With its configuration in place, and nothing running yet.
    pub fn prepared(split: Split, ports: Ports, configuration: &str, dir: &Path) -> Result<Self> {
        std::fs::write(dir.join("millrace.toml"), configuration)?;
        Ok(Self {
            split,
            ports,
            dir: dir.to_owned(),
            http: crate::world::http_client()?,
            environment: Vec::new(),
            data_plane: None,
            appview: None,
        })
    }

    /// What the processes started from now on find in their environment.
    pub fn set_environment(&mut self, environment: Vec<(&'static str, String)>) {
        self.environment = environment;
    }

    pub fn split(&self) -> Split {
        self.split
    }

    pub fn appview_url(&self) -> String {
        self.ports.appview_url()
    }

    /// Where questions between processes are answered.
    pub fn internal_url(&self) -> String {
        format!("http://localhost:{}/internal", self.ports.internal)
    }

    /// Ends the process that reads the network and writes the tables, as power loss would.
    pub async fn kill9(&mut self) -> Result<()> {
        let mut process = self.data_plane.take().context("the data-plane is running")?;
        process.kill9().await
    }

    /// Ends the AppView's process where it has one of its own, as power loss would.
    pub async fn kill9_appview(&mut self) -> Result<()> {
        let mut process = self.appview.take().context("an AppView of its own is running")?;
        process.kill9().await
    }

    /// Ends both processes at once.
    pub async fn kill9_both(&mut self) -> Result<()> {
        let pair = [self.data_plane.take(), self.appview.take()];
        let ends =
            pair.into_iter().flatten().map(|mut process| async move { process.kill9().await });
        futures_util::future::try_join_all(ends).await.map(drop)
    }

    /// How the process that reads the network ended, if it has ended by itself.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let Some(process) = &mut self.data_plane else { return Ok(None) };
        let ended = process.ended()?;
        if ended.is_some() {
            self.data_plane = None;
        }
        Ok(ended)
    }

    /// Asks the process that reads the network to drain, and waits for nothing.
    pub async fn ask_to_end(&self) -> Result<()> {
        self.data_plane.as_ref().context("the data-plane is running")?.ask_to_end().await
    }

    /// Has the process that reads the network drain and end; how it ended.
    pub async fn terminate(&mut self) -> Result<ExitStatus> {
        let mut process = self.data_plane.take().context("the data-plane is running")?;
        process.terminate().await
    }

    /// Everything the process that reads the network has printed.
    pub fn printed(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.dir.join("data-plane.log"))?)
    }

    /// Starts what was killed, on the data it left behind. It need not be ready yet.
    pub async fn launch(&mut self) -> Result<()> {
        if self.data_plane.is_none() {
            let roles = if self.split == Split::Local {
                "ingest,dataplane,appview"
            } else {
                "ingest,dataplane"
            };
            self.data_plane = Some(self.serve(roles, "data-plane.log").await?);
        }
        if self.split == Split::Remote && self.appview.is_none() {
            self.appview = Some(self.serve("appview", "appview.log").await?);
        }
        Ok(())
    }

    /// Where the data of the process that has it lies.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Runs one of the program's commands on that data to its end.
    pub async fn command(&self, args: &[&str]) -> Result<std::process::Output> {
        let mut command = program().await?;
        command.args(args).arg("--data-dir").arg(self.data_dir()).env("NO_COLOR", "1");
        Ok(command.current_dir(&self.dir).stdin(std::process::Stdio::null()).output().await?)
    }

    /// Waits until both halves say that they are ready.
    pub async fn ready(&mut self) -> Result<()> {
        let until = Instant::now() + READY_WITHIN;
        for port in [self.ports.internal, self.ports.appview] {
            while !self.answers(port).await {
                self.must_be_running()?;
                if Instant::now() > until {
                    bail!("port {port} is not ready after {READY_WITHIN:?}");
                }
                sleep(POLL).await;
            }
        }
        Ok(())
    }

    /// Waits until the state of the only source is as `wanted`. While nothing answers, it is not.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Result<()> {
        let until = Instant::now() + REACHED_WITHIN;
        loop {
            let source = self.source().await;
            if source.as_ref().is_ok_and(&wanted) {
                return Ok(());
            }
            self.must_be_running()?;
            if Instant::now() > until {
                bail!("after {REACHED_WITHIN:?} the source is {source:?}");
            }
            sleep(POLL).await;
        }
    }

    /// Waits until the data-plane's process has logged these words.
    pub async fn until_logged(&mut self, words: &str) -> Result<()> {
        let until = Instant::now() + REACHED_WITHIN;
        let log = self.dir.join("data-plane.log");
        while !std::fs::read_to_string(&log)?.contains(words) {
            self.must_be_running()?;
            ensure!(
                Instant::now() < until,
                "after {REACHED_WITHIN:?} nothing was said of {words:?}"
            );
            sleep(POLL).await;
        }
        Ok(())
    }

    /// What it says of its only source.
    pub async fn source(&self) -> Result<Value> {
        let url = format!("{}/api/v1/admin/sources", self.appview_url());
        let answer = self.http.get(url).basic_auth("admin", Some(ADMIN_PASSWORD)).send().await?;
        let mut body: Value = answer.error_for_status()?.json().await?;
        Ok(body["sources"][0].take())
    }

    /// An error with its output, if a process has ended by itself.
    pub fn must_be_running(&mut self) -> Result<()> {
        for process in [&mut self.data_plane, &mut self.appview].into_iter().flatten() {
            process.must_be_running()?;
        }
        Ok(())
    }

    /// Asks both halves to drain and end; they must do so without an error.
    pub async fn end(mut self) -> Result<()> {
        for mut process in [self.appview.take(), self.data_plane.take()].into_iter().flatten() {
            let status = process.terminate().await?;
            if !status.success() {
                bail!("after SIGTERM millrace ended with {status}");
            }
        }
        Ok(())
    }

    async fn serve(&self, roles: &str, log: &str) -> Result<Process> {
        let mut command = program().await?;
        command.args(["serve", "--role", roles, "--config"]).arg(self.dir.join("millrace.toml"));
        // Two processes share nothing but the configuration file and HTTP.
        let data = if roles == "appview" { "appview-data" } else { "data" };
        command.arg("--data-dir").arg(self.dir.join(data));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Process::start(command.current_dir(&self.dir), &self.dir.join(log))
    }

    async fn answers(&self, port: u16) -> bool {
        let answer = self.http.get(format!("http://127.0.0.1:{port}/ready")).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}

/// On a network of its own; ends in the table `appview`.
pub fn configuration(engine: &Engine, ports: Ports, network: &Network) -> String {
    let store = match engine {
        Engine::Sqlite => "engine = \"sqlite\"".to_owned(),
        Engine::Postgres(url) => format!("engine = \"postgres\"\npostgres_url = \"{url}\""),
    };
    let Ports { appview, internal, metrics } = ports;
    let Network { plc_url, pds_url, firehose_url, appview_did, .. } = network;
    let moderation = network.moderation.as_ref().map_or_else(String::new, |moderation| {
        let did = &moderation.did;
        format!(
            r#"
moderation_did = "{did}"
trusted_labelers = ["{did}"]

[ingest.labelers]
dids = ["{did}"]
"#
        )
    });
    format!(
        r#"
[store]
{store}

[network]
allow_loopback = true
plc_url = "{plc_url}"
handle_resolver_url = "{pds_url}"

[ingest]
backfill = "all"

[[ingest.sources]]
name = "pds"
kind = "pds"
url = "{firehose_url}"
cursor = 0

[dataplane]
listen = "127.0.0.1:{internal}"
url = "http://127.0.0.1:{internal}"

[appview]
listen = "127.0.0.1:{appview}"
metrics_listen = "127.0.0.1:{metrics}"
service_did = "{appview_did}"
public_url = "http://localhost:{appview}"
admin_password = "{ADMIN_PASSWORD}"
{moderation}"#,
    )
}

/// The program, with nothing in its environment that would configure it, but that what is free on the
/// disk of whoever runs the tests does not count.
pub async fn program() -> Result<Command> {
    let mut command = Command::new(binary().await?);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("MILLRACE_DISK__FREE_BYTES_MIN", "0");
    Ok(command)
}

/// The binary: `MILLRACE_BIN`, or built now so that it is never an old one.
async fn binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("MILLRACE_BIN") {
        return Ok(path.into());
    }
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "-p", "millrace"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cargo.status().await?.success() {
        bail!("cargo build -p millrace failed");
    }
    // …/deps/it-<hash> lies beside …/millrace.
    let here = std::env::current_exe()?;
    let beside = here.ancestors().nth(2).context("a test binary lies in target/<profile>/deps")?;
    Ok(beside.join("millrace"))
}
