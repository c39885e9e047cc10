//! A PostgreSQL server of one's own: created in a new folder, on a free loopback port, gone with its owner.
//! It keeps its durability settings (fsync stays on), so that what a test says of a crash is true.
//! As root, the server runs as the user `postgres`, because PostgreSQL refuses to be root's.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::shell;

const SERVER_USER: &str = "postgres";
const DIR_PREFIX: &str = "millrace-postgres-";
const READY_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// A running or stopped server and its folder. Dropping it stops the server and removes the folder.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    dir: PathBuf,
    port: u16,
    as_root: bool,
    server: Option<Child>,
}

impl Cluster {
    /// Creates a server under `parent` and waits until it answers.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or its server cannot be created or started.
    pub fn start(parent: &Path) -> Result<Self> {
        let bin = bin_dir().context("PostgreSQL is not installed: run `cargo xtask setup`")?;
        let as_root = shell::is_root();
        let parent = place(parent, as_root)?;
        remove_abandoned(&parent);
        let dir = parent.join(format!("{DIR_PREFIX}{}-{}", std::process::id(), free_port()?));
        let mut cluster = Self { bin, dir, port: free_port()?, as_root, server: None };
        cluster.create()?;
        cluster.resume()?;
        Ok(cluster)
    }

    /// The URL of the superuser's database; a test creates its own database beside it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://{SERVER_USER}@127.0.0.1:{}/postgres", self.port)
    }

    /// The server's process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Stops the server at once, as a crash would end its clients' connections; the data stays.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let data = self.data();
        shell::must(self.command("pg_ctl").arg("stop").arg("-s").arg("-D").arg(data).args([
            "-m",
            "immediate",
            "-w",
        ]))?;
        let until = Instant::now() + STOPPED_WITHIN;
        while server.try_wait()?.is_none() {
            if Instant::now() > until {
                server.kill()?;
                bail!("PostgreSQL did not stop within {STOPPED_WITHIN:?}");
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Starts the server again, on the same port and data.
    ///
    /// # Errors
    /// When it ends or does not answer in time; its log is part of the error.
    pub fn resume(&mut self) -> Result<()> {
        let log_path = self.dir.with_extension("log");
        let log = File::create(&log_path)?;
        let mut command = self.server_command();
        command.stdin(std::process::Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut server = command.spawn().context("cannot start PostgreSQL")?;
        let until = Instant::now() + READY_WITHIN;
        while !self.answers() {
            if server.try_wait()?.is_some() || Instant::now() > until {
                let _ = server.kill();
                bail!(
                    "PostgreSQL did not come up:\n{}",
                    fs::read_to_string(&log_path).unwrap_or_default()
                );
            }
            std::thread::sleep(POLL);
        }
        self.server = Some(server);
        Ok(())
    }

    fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.dir)?;
        if self.as_root {
            shell::must(Command::new("chown").arg(SERVER_USER).arg(&self.dir))?;
        }
        let data = self.data();
        let mut initdb = self.command("initdb");
        initdb.arg("-D").arg(data).args([
            "-U",
            SERVER_USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]);
        shell::output(initdb.arg("--no-sync")).map(drop)
    }

    /// The server dies with this process, also when that is killed: `setpriv` arranges for it on Linux.
    fn server_command(&self) -> Command {
        let server = self.bin.join("postgres");
        let mut command = if Path::new("/usr/bin/setpriv").exists() {
            let mut command = Command::new("/usr/bin/setpriv");
            command.args(["--pdeathsig", "INT"]);
            if self.as_root {
                command.args(["--reuid", SERVER_USER, "--regid", SERVER_USER, "--init-groups"]);
            }
            command.arg("--").arg(server);
            command
        } else {
            self.command("postgres")
        };
        let data = self.data();
        command.arg("-D").arg(data).current_dir("/");
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        command
    }

    fn command(&self, program: &str) -> Command {
        let path = self.bin.join(program);
        let mut command = if self.as_root {
            let mut command = Command::new("runuser");
            command.args(["-u", SERVER_USER, "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/");
        command
    }

    fn answers(&self) -> bool {
        let port = self.port.to_string();
        shell::quietly(Command::new(self.bin.join("pg_isready")).args([
            "-q",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
        ]))
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(e) = self.stop() {
            eprintln!("postgres: {e:#}");
        }
        let _ = fs::remove_dir_all(&self.dir);
        let _ = fs::remove_file(self.dir.with_extension("log"));
    }
}

/// The newest installed server's programs.
#[must_use]
pub fn bin_dir() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .max()
        .map(|(_, bin)| bin);
    debian.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|dir| dir.join("initdb").exists())
    })
}

/// `parent` where the server's user can reach it, else the system's folder for temporary files.
fn place(parent: &Path, as_root: bool) -> Result<PathBuf> {
    fs::create_dir_all(parent)?;
    let parent = parent.canonicalize()?;
    let reaches = || {
        let mut test = Command::new("runuser");
        test.args(["-u", SERVER_USER, "--", "test", "-x"]).arg(&parent).current_dir("/");
        shell::quietly(&mut test)
    };
    Ok(if !as_root || reaches() { parent } else { std::env::temp_dir() })
}

/// Folders whose owner was killed: their name holds the process that made them.
fn remove_abandoned(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(DIR_PREFIX)?.split('-').next());
        if owner.is_some_and(|pid| {
            Path::new("/proc/self").exists() && !Path::new("/proc").join(pid).exists()
        }) {
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_cluster_stops_resumes_and_leaves_nothing_behind() {
        if bin_dir().is_none() {
            eprintln!("skipped: PostgreSQL is not installed");
            return;
        }
        let parent = tempfile::tempdir().unwrap();
        let mut cluster = Cluster::start(parent.path()).unwrap();
        let dir = cluster.dir.clone();
        assert!(cluster.answers());
        cluster.stop().unwrap();
        assert!(!cluster.answers());
        cluster.resume().unwrap();
        assert!(cluster.answers());
        drop(cluster);
        assert!(!dir.exists());
    }
}
