//! Caddy in front of the program, as `deploy/caddy` has it: TLS by a certificate authority of its own, under a name that
//! no server of names knows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use millrace_runtime::supervise::spawn_detached_named;
use reqwest::{Certificate, ClientBuilder};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::deploy::deploy;
use crate::millrace::Ports;
use crate::process::Process;

const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// Lines of what a client says before its connection is led on.
const HEAD_LINES_MAX: usize = 64;

pub struct Caddy {
    process: Process,
    /// A proxy through which the name leads to it, whatever port it really has.
    proxy: String,
    tunnel: JoinHandle<()>,
    root: PathBuf,
}

impl Caddy {
    /// Starts it as `domain`, passing everything on to `upstream`, where nothing need listen yet.
    pub async fn start(domain: &'static str, upstream: u16, dir: &Path) -> Result<Self> {
        let ports = Ports::reserve()?;
        let (http, https) = (ports.internal, ports.appview);
        // As it is, but for ports of this test's own and a certificate authority of Caddy's.
        let caddyfile = dir.join("Caddyfile");
        let site = deploy().join("caddy/Caddyfile").canonicalize()?;
        std::fs::write(
            &caddyfile,
            format!(
                "{{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\tlocal_certs\n\tskip_install_trust\n\thttp_port {http}\n\thttps_port {https}\n}}\n\
                 import {}\n",
                site.display()
            ),
        )?;
        let mut command = Command::new("caddy");
        command.arg("run").arg("--config").arg(&caddyfile);
        command.env("MILLRACE_DOMAIN", domain).env("HOME", dir);
        command.env("MILLRACE_UPSTREAM", format!("127.0.0.1:{upstream}"));
        command.env("XDG_DATA_HOME", dir).env("XDG_CONFIG_HOME", dir);
        let process = Process::start(&mut command, &dir.join("caddy.log"))?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let proxy = format!("http://{}", listener.local_addr()?);
        let tunnel = spawn_detached_named("tunnel", lead(listener, domain, https));
        let root = dir.join("caddy/pki/authorities/local/root.crt");
        let mut caddy = Self { process, proxy, tunnel, root };
        let until = Instant::now() + WITHIN;
        while !caddy.answers(domain).await {
            caddy.process.must_be_running()?;
            ensure!(Instant::now() < until, "Caddy has no certificate for {domain}");
            sleep(POLL).await;
        }
        Ok(caddy)
    }

    /// Whether it has its certificate; upstream may be away.
    async fn answers(&self, domain: &str) -> bool {
        let Ok(client) = self.client().and_then(|client| Ok(client.build()?)) else { return false };
        client.get(format!("https://{domain}/")).send().await.is_ok()
    }

    /// A client that finds the name, and trusts who certifies it.
    pub fn client(&self) -> Result<ClientBuilder> {
        // An error says that there is one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = std::fs::read(&self.root).context("no certificate authority yet")?;
        let client = reqwest::Client::builder().no_proxy();
        let client = client.proxy(reqwest::Proxy::https(&self.proxy)?);
        Ok(client.add_root_certificate(Certificate::from_pem(&root)?))
    }

    /// What lets a process of Node's do the same.
    pub fn trusted_by_node(&self) -> Vec<(&'static str, String)> {
        vec![
            ("NODE_EXTRA_CA_CERTS", self.root.display().to_string()),
            ("NODE_USE_ENV_PROXY", "1".to_owned()),
            ("HTTPS_PROXY", self.proxy.clone()),
            ("NO_PROXY", "localhost,127.0.0.1".to_owned()),
        ]
    }

    pub async fn end(mut self) -> Result<()> {
        self.tunnel.abort();
        ensure!(self.process.terminate().await?.success(), "Caddy ended badly");
        Ok(())
    }
}

/// Leads whoever asks for `domain` (`CONNECT`) to a port of this machine, and nobody anywhere else.
async fn lead(listener: TcpListener, domain: &'static str, port: u16) {
    while let Ok((stream, _)) = listener.accept().await {
        spawn_detached_named("tunnel.led", async move {
            if let Err(error) = led(stream, domain, port).await {
                eprintln!("the way to {domain}: {error:#}");
            }
        });
    }
}

async fn led(stream: TcpStream, domain: &str, port: u16) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut first = String::new();
    stream.read_line(&mut first).await?;
    for _ in 0..HEAD_LINES_MAX {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 || line.trim().is_empty() {
            break;
        }
    }
    if !first.starts_with(&format!("CONNECT {domain}:443 ")) {
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await?;
        anyhow::bail!("{} was asked for", first.trim());
    }
    let mut to = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    // Both sides close when they like.
    let _ = copy_bidirectional(&mut stream, &mut to).await;
    Ok(())
}
