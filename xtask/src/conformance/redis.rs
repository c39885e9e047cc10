//! A Redis server of one's own, in memory only, on a free loopback port, gone with its owner.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

const READY_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);
const PONG: &[u8] = b"+PONG\r\n";
/// Arranges that a server dies with this process, also when that is killed.
const SETPRIV: &str = "/usr/bin/setpriv";

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    server: Child,
}

impl Redis {
    /// Starts a server that writes nothing but its log, into `dir`.
    ///
    /// # Errors
    /// When Redis is not installed, or does not answer in time.
    pub fn start(dir: &Path) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let log = std::fs::File::create(dir.join("redis.log"))?;
        let mut command = if Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "TERM", "--", "redis-server"]);
            command
        } else {
            Command::new("redis-server")
        };
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--port").arg(port.to_string()).arg("--dir").arg(dir);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let server = command.spawn().context("cannot start redis-server")?;
        let mut redis = Self { port, server };
        let until = Instant::now() + READY_WITHIN;
        while !redis.answers() {
            if redis.server.try_wait()?.is_some() || Instant::now() > until {
                bail!("Redis did not come up: see {}", dir.join("redis.log").display());
            }
            std::thread::sleep(POLL);
        }
        Ok(redis)
    }

    /// `host:port`, as the reference takes it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn answers(&self) -> bool {
        let ping = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; PONG.len()];
            stream.read_exact(&mut answer)?;
            Ok(answer == PONG)
        };
        ping().unwrap_or(false)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
