//! The machine: the data folder, its disk, the ports.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use millrace_runtime::clock::Stopwatch;
use tokio::net::TcpListener;

use super::{Line, Patient};
use crate::admin::backup::make::blocking;
use crate::admin::backup::room::shown;
use crate::admin::backup::swap;
use crate::config::DiskConfig;
use crate::disk::Level;
use crate::disk::marks::{self, Room};
use crate::disk::measure::free_bytes;
use crate::roles::Role;

/// Written and synced to see how long that takes.
const PROBE_BYTES: usize = 4_096;
/// A sync that takes longer than this holds up every append.
const SYNC_MS_MAX: u128 = 500;

pub(super) async fn folder(patient: &Patient) -> Vec<Line> {
    let mut lines = Vec::new();
    let dir = patient.config.data_dir.clone();
    lines.push(blocking(move || write_probe(&dir)).await);
    for (name, dir) in folders(patient) {
        let dir = nearest(&dir);
        let config = patient.config.disk.clone();
        lines.push(blocking(move || disk(name, &dir, &config)).await);
    }
    lines
}

/// The folders things are kept in, each disk once.
fn folders(patient: &Patient) -> Vec<(&'static str, PathBuf)> {
    let config = &patient.config;
    let mut folders = vec![("disk", config.data_dir.clone())];
    for (name, dir) in [
        ("disk of store.dir", config.store().dir().to_owned()),
        ("disk of log.dir", config.log().dir().to_owned()),
    ] {
        if !folders.iter().any(|(_, known)| *known == dir) {
            folders.push((name, dir));
        }
    }
    folders
}

/// The folder, or what is there on the way to it.
fn nearest(dir: &Path) -> PathBuf {
    match dir.ancestors().find(|dir| dir.exists()) {
        Some(dir) if !dir.as_os_str().is_empty() => dir.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn write_probe(dir: &Path) -> Line {
    let name = "data folder";
    let shown = dir.display();
    if swap::is_under_way(dir) {
        return Line::bad(
            name,
            format!("{shown}: a restore was begun and has not ended"),
            "run `millrace restore` with the same backup again",
        );
    }
    let target = nearest(dir);
    if !target.is_dir() {
        return Line::bad(
            name,
            format!("{shown} cannot be made: {} is no folder", target.display()),
            "check --data-dir",
        );
    }
    let made = if target == dir { "" } else { " (would be made)" };
    let watch = Stopwatch::start();
    let written =
        tempfile::Builder::new().prefix(".doctor-").tempfile_in(&target).and_then(|mut file| {
            file.write_all(&[0; PROBE_BYTES])?;
            file.as_file().sync_all()
        });
    let took = watch.elapsed();
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Line::bad(
            name,
            format!("{shown} cannot be written: the disk is full"),
            "free space on it; a server goes on by itself when there is room",
        ),
        Err(error) => Line::bad(
            name,
            format!("{shown} cannot be written: {error}"),
            "check --data-dir, and that the user the service runs as owns the folder",
        ),
        Ok(()) if took.as_millis() > SYNC_MS_MAX => Line::bad(
            name,
            format!("{shown}: a write takes {} ms to be on disk", took.as_millis()),
            "every append waits for that: look at what else uses the disk, or keep the log (log.dir) on another",
        ),
        Ok(()) => Line::ok(
            name,
            format!("{shown} can be written{made}; on disk in {:.1} ms", took.as_secs_f64() * 1e3),
        ),
    }
}

/// By the marks a server goes by: its warning is bad here.
fn disk(name: &str, dir: &Path, config: &DiskConfig) -> Line {
    let free = match free_bytes(dir) {
        Ok(free) => free,
        Err(error) => {
            return Line::bad(name, format!("{}: {error}", dir.display()), "check the path");
        }
    };
    let found = format!("{} free on the disk of {}", shown(free), dir.display());
    let room = Room { used_bytes: 0, free_bytes: Some(free) };
    match marks::level(Level::Fine, room, config) {
        Level::Fine => Line::ok(name, found),
        Level::Warn | Level::Stop => Line::bad(
            name,
            found,
            "free space, or move the folder: with less than disk.free_bytes_min nothing is read from the network",
        ),
    }
}

pub(super) async fn ports(patient: &Patient) -> Vec<Line> {
    let (config, roles) = (&patient.config, &patient.roles);
    let mut wanted = Vec::new();
    if roles.hold_data() {
        wanted.push(("dataplane.listen", config.internal_addr(roles), "data"));
    }
    if roles.has(Role::Appview) {
        wanted.push(("appview.listen", config.appview_addr(), "appview"));
        if !roles.hold_data() {
            wanted.push(("appview.metrics_listen", config.appview.metrics_listen, "appview"));
        }
    }
    let mut lines = Vec::new();
    for (setting, addr, part) in wanted {
        lines.push(port(patient, setting, addr, part).await);
    }
    lines
}

async fn port(patient: &Patient, setting: &str, addr: SocketAddr, part: &str) -> Line {
    let name = format!("port {}", addr.port());
    let name = name.as_str();
    if addr.port() == 0 {
        return Line::ok("port", format!("{setting}: any free one"));
    }
    let error = match TcpListener::bind(addr).await {
        Ok(_) if patient.server().is_some() => {
            return Line::bad(
                name,
                format!("{addr} ({setting}) is free, although a server runs on the data folder"),
                "the server runs with another configuration, or is starting: look at how it was started",
            );
        }
        Ok(_) => return Line::ok(name, format!("{addr} ({setting}) is free")),
        Err(error) => error,
    };
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return Line::bad(
            name,
            format!("{addr} ({setting}) cannot be listened on: {error}"),
            "use an address of this machine, and a port above 1023 or the right to use it",
        );
    }
    // One process may be both parts.
    let ours = patient.running.iter().find(|(running, _)| *running == part);
    match (ours.or(patient.running.first()), is_millrace(patient, addr).await) {
        (Some((_, holder)), true) => {
            let pid = holder.pid.map(|pid| format!(", process {pid}")).unwrap_or_default();
            Line::ok(name, format!("{addr} ({setting}) is our own server's{pid}"))
        }
        (None, true) => Line::bad(
            name,
            format!("{addr} ({setting}) is held by a Millrace on another data folder"),
            "stop it, name its folder with --data-dir, or listen elsewhere",
        ),
        (_, false) => Line::bad(
            name,
            format!("{addr} ({setting}) is held by another program"),
            "stop that program (`ss -ltnp` names it), or change the setting",
        ),
    }
}

/// Whether what listens there answers as a Millrace does.
async fn is_millrace(patient: &Patient, addr: SocketAddr) -> bool {
    let client = reqwest::Client::builder().no_proxy().timeout(patient.limit).build();
    let Ok(client) = client else { return false };
    let url = crate::wiring::loopback_url(addr);
    for path in ["health", "metrics"] {
        let asked = client.get(format!("{url}/{path}")).send().await;
        let Ok(text) = (match asked {
            Ok(answer) => answer.text().await,
            Err(error) => Err(error),
        }) else {
            continue;
        };
        if text.contains("millrace") || text.contains("\"version\"") {
            return true;
        }
    }
    false
}
