//! The binary in a folder of its own, run to its end or as a server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use millrace_store::StoreConfig;
use millrace_store::testing::{self, Engine};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// Longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// Free ports, no sources: a server that waits for nobody.
pub const QUIET: &str = r#"
data_dir = "data"

[dataplane]
listen = "127.0.0.1:0"

[appview]
listen = "127.0.0.1:0"
metrics_listen = "127.0.0.1:0"
"#;

/// Where the binary is run: a working directory with a configuration.
pub struct Place {
    dir: TempDir,
    /// The database named in the configuration, if one is.
    database: Option<testing::Place>,
}

/// What a command left behind.
#[derive(Debug)]
pub struct Output {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless it went well.
    pub fn fine(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    /// Fails unless it failed with this exit code and code, explained, and without data.
    pub fn refused(self, exit: i32, code: &str) -> Self {
        assert!(self.stderr.starts_with(&format!("error: [{code}]")), "{self:?}");
        self.refused_in_the_end(exit, code)
    }

    /// The same, of a command that first says what it would do.
    pub fn refused_in_the_end(self, exit: i32, code: &str) -> Self {
        assert_eq!(self.code, exit, "{self:?}");
        let error = format!("error: [{code}]");
        assert!(self.stderr.lines().any(|line| line.starts_with(&error)), "{self:?}");
        assert!(self.stderr.contains("\nhint: "), "{self:?}");
        assert_eq!(self.stdout, "");
        self
    }
}

impl Place {
    /// With a configuration for a quiet server.
    pub fn new() -> Self {
        Self::with(QUIET)
    }

    pub fn with(configuration: &str) -> Self {
        let place = Self { dir: TempDir::new().unwrap(), database: None };
        place.write("millrace.toml", configuration);
        place
    }

    /// With a configuration for a quiet server whose tables are on `engine`; `None`, with a word on
    /// stderr, when that engine is not here.
    pub async fn on(engine: Engine) -> Option<Self> {
        let database = testing::Place::new(engine).await?;
        let url = database.config().postgres_url;
        let store = url.map(|url| format!("[store]\npostgres_url = \"{}\"\n", url.expose()));
        let place = Self::with(&format!("{QUIET}\n{}", store.unwrap_or_default()));
        Some(Self { database: Some(database), ..place })
    }

    /// Its tables, for whoever looks at them past the program.
    pub fn store(&self) -> StoreConfig {
        let database = self.database.as_ref().map(testing::Place::config);
        match database.and_then(|config| config.postgres_url) {
            Some(url) => StoreConfig::at_postgres(url),
            None => StoreConfig::in_dir(self.data()),
        }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// The binary, with an environment of nothing but `env`.
    pub fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millrace"));
        command.args(args).env_clear().env("NO_COLOR", "1");
        // What is free on the disk of whoever runs the tests is not what they judge.
        command.env("MILLRACE_DISK__FREE_BYTES_MIN", "0").envs(env.iter().copied());
        command.current_dir(self.path()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[])
    }

    pub fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        let output = self.command(args, env).output().unwrap();
        Output {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Starts a server and waits until it takes commands and is ready.
    pub async fn serve(&self, args: &[&str]) -> Server {
        let mut server = self.start(args);
        let url = until("the server's address", || {
            server.must_run();
            self.admin_url(server.child.id())
        })
        .await;
        server.url = url;
        server.until_ready().await;
        server
    }

    /// Starts a server.
    pub fn start(&self, args: &[&str]) -> Server {
        let log = fs::File::create(self.path().join("server.log")).unwrap();
        let mut command = self.command(&[&["serve"], args].concat(), &[]);
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Server { child, url: String::new(), log: self.path().join("server.log") }
    }

    /// What the lock says of the process that holds it.
    fn admin_url(&self, pid: u32) -> Option<String> {
        let lock = fs::read_to_string(self.data().join("LOCK")).ok()?;
        let holder: Value = serde_json::from_str(&lock).ok()?;
        (holder["pid"] == pid).then(|| holder["admin_url"].as_str().map(str::to_owned)).flatten()
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    log: PathBuf,
    /// Of the internal listener.
    pub url: String,
}

impl Server {
    /// Asks it to stop and waits until it did; its exit code.
    pub async fn terminate(&mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        until("the server's end", || self.child.try_wait().unwrap()).await.code().unwrap_or(-1)
    }

    /// As a loss of power would.
    pub fn kill9(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn until_ready(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while !self.is_ready().await {
            self.must_run();
            assert!(Instant::now() < deadline, "not ready: {}", self.log());
            sleep(POLL).await;
        }
    }

    async fn is_ready(&self) -> bool {
        let answer = get(format!("{}/ready", self.url)).await;
        answer.is_ok_and(|answer| answer.status() == 200)
    }

    pub fn must_run(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the server ended with {status}: {}", self.log());
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client for what servers answer.
pub fn http() -> reqwest::Client {
    millrace_runtime::tls::install_provider();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// GET.
pub async fn get(url: impl reqwest::IntoUrl) -> reqwest::Result<reqwest::Response> {
    http().get(url).send().await
}

/// Waits until there is something.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        sleep(POLL).await;
    }
}
