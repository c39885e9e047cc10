//! What lies in deploy/, as far as this machine can run it: the unit of the system, and the proxy that brings TLS.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::caddy::Caddy;
use crate::millrace::{Millrace, Ports, Split};

const DOMAIN: &str = "appview.example.com";
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
    let millrace = Millrace::start(Split::Local, ports, &configuration(ports), dir.path()).await?;
    let caddy = Caddy::start(DOMAIN, ports.appview, dir.path()).await?;
    let url = format!("https://{DOMAIN}/.well-known/did.json");
    let answer = caddy.client()?.build()?.get(url).send().await?.error_for_status()?;
    let document: Value = answer.json().await?;
    ensure!(document["id"] == format!("did:web:{DOMAIN}"), "{document}");
    let appview = &document["service"][1]["serviceEndpoint"];
    ensure!(*appview == format!("https://{DOMAIN}"), "{document}");
    caddy.end().await?;
    millrace.end().await
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
