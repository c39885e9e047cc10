//! What lies in deploy/, as far as this machine can run it: the unit of the system, and the proxy that brings TLS.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use crate::millrace::{Millrace, Ports, Split};
use crate::process::Process;

const DOMAIN: &str = "appview.example.com";
const WITHIN: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
/// Tenths of systemd's measure of what a service could do to the rest of the machine: 0 nothing, 100 everything.
const EXPOSURE_MAX: u32 = 15;

/// The folder.
pub fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

/// Whether a program is here; where all tests must run it has to be.
pub async fn is_here(program: &str, flag: &str) -> Result<bool> {
    let found = Command::new(program).arg(flag).output().await.is_ok();
    if !found {
        ensure!(std::env::var_os("CI").is_none(), "{program} is missing: `cargo xtask setup`");
        eprintln!("skipped: no {program} here (`cargo xtask setup` installs it)");
    }
    Ok(found)
}

#[tokio::test]
async fn the_systems_unit_is_well_formed_and_may_do_little() -> Result<()> {
    if !is_here("systemd-analyze", "--version").await? {
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let unit = std::fs::read_to_string(deploy().join("systemd/millrace.service"))?;
    // The program is not installed here.
    let unit = unit.replace("/usr/local/bin/millrace", "/bin/true");
    let path = dir.path().join("millrace.service");
    std::fs::write(&path, unit)?;
    let check = async |args: &[&str]| {
        let output = Command::new("systemd-analyze").args(args).arg(&path).output().await?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        ensure!(output.status.success(), "{args:?}: {said}");
        anyhow::Ok(said)
    };
    let said = check(&["verify"]).await?;
    ensure!(!said.contains("millrace.service"), "{said}");
    check(&["security", "--offline=true", "--no-pager", &format!("--threshold={EXPOSURE_MAX}")])
        .await?;
    Ok(())
}

#[tokio::test]
async fn caddy_brings_tls_and_passes_on_what_comes() -> Result<()> {
    if !is_here("caddy", "version").await? {
        return Ok(());
    }
    let dir = tempfile::tempdir()?;
    let ports = Ports::reserve()?;
    let proxy = Ports::reserve()?;
    let millrace =
        Millrace::start_with(Split::Local, ports, &configuration(ports), dir.path()).await?;
    // As it is, but for ports of this test's own and a certificate authority of Caddy's.
    let caddyfile = dir.path().join("Caddyfile");
    let (http, https) = (proxy.internal, proxy.appview);
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
    command.env("MILLRACE_DOMAIN", DOMAIN).env("HOME", dir.path());
    command.env("MILLRACE_UPSTREAM", format!("127.0.0.1:{}", ports.appview));
    command.env("XDG_DATA_HOME", dir.path()).env("XDG_CONFIG_HOME", dir.path());
    let mut caddy = Process::start(&mut command, &dir.path().join("caddy.log"))?;

    let root = dir.path().join("caddy/pki/authorities/local/root.crt");
    let until = Instant::now() + WITHIN;
    let document = loop {
        match did_document(&root, https).await {
            Ok(document) => break document,
            Err(error) => ensure!(Instant::now() < until, "{error:#}"),
        }
        caddy.must_be_running()?;
        sleep(POLL).await;
    };
    ensure!(document["id"] == format!("did:web:{DOMAIN}"), "{document}");
    let appview = &document["service"][1]["serviceEndpoint"];
    ensure!(*appview == format!("https://{DOMAIN}"), "{document}");
    ensure!(caddy.terminate().await?.success(), "caddy ended badly");
    millrace.end().await
}

/// Asked by its name, of which only this client knows where it is.
async fn did_document(root: &Path, port: u16) -> Result<Value> {
    let root = std::fs::read(root).context("no certificate authority yet")?;
    let client = reqwest::Client::builder()
        .no_proxy()
        .add_root_certificate(reqwest::Certificate::from_pem(&root)?)
        .resolve(DOMAIN, ([127, 0, 0, 1], port).into())
        .build()?;
    let url = format!("https://{DOMAIN}:{port}/.well-known/did.json");
    let answer = client.get(url).send().await?.error_for_status()?;
    Ok(answer.json().await?)
}

fn configuration(ports: Ports) -> String {
    let Ports { appview, internal, metrics } = ports;
    format!(
        r#"
[dataplane]
listen = "127.0.0.1:{internal}"

[appview]
listen = "127.0.0.1:{appview}"
metrics_listen = "127.0.0.1:{metrics}"
public_url = "https://{DOMAIN}"
service_did = "did:web:{DOMAIN}"

[appview.limits]
trusted_proxies = 1
"#
    )
}
