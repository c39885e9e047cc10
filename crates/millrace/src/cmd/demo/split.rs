//! `millrace demo --split`: the AppView in a process of its own, on the same data folder. It gets this
//! process's configuration, with the made-up network and this process's address in its environment.

use std::net::SocketAddr;
use std::path::Path;

use millrace_runtime::supervise::Signals;
use millrace_sim::Network;
use tokio::process::Command;

use crate::cli::Global;
use crate::failure::{Failure, ProgramError};
use crate::tether::Tethered;
use crate::wiring::{Addresses, Process, loopback_url};

/// What an operator knows the child as.
const PART: &str = "AppView";

/// Starts the AppView beside `process` and waits until it answers; `None` when asked to stop meanwhile.
/// From then on each ends with the other.
///
/// # Errors
/// It ended instead.
pub(super) async fn start(
    process: &Process,
    mut command: Command,
    signals: &mut Signals,
) -> Result<Option<Addresses>, Failure> {
    command.args(["serve", "--role", "appview", "--tethered"]);
    let mut appview = Tethered::start(PART, command)?;
    let answers = tokio::select! {
        answers = appview.announced() => answers?,
        _ = signals.next() => return Ok(None),
    };
    process.run_beside("demo.appview", |shutdown| appview.run(shutdown));
    Ok(Some(answers))
}

/// This program, configured as this process is, for the made-up network.
///
/// # Errors
/// The program's own file is not known.
pub(super) fn command(
    global: &Global,
    data_dir: &Path,
    network: &Network,
    data_plane: SocketAddr,
) -> Result<Command, ProgramError> {
    let program = std::env::current_exe().map_err(|error| ProgramError::PartEnded {
        part: PART,
        how: format!("cannot start: this program's file is not known: {error}"),
    })?;
    let mut command = Command::new(program);
    command.arg("--data-dir").arg(data_dir);
    if let Some(file) = &global.config {
        command.arg("--config").arg(file);
    }
    if let Some(overlay) = &global.overlay {
        command.arg("--env").arg(overlay);
    }
    if let Some(format) = global.log_format {
        command.arg("--log-format").arg(format.as_str());
    }
    command
        // Its tables lie beside this process's, whatever is configured for others.
        .env("MILLRACE_STORE__ENGINE", "sqlite")
        .env("MILLRACE_STORE__DIR", data_dir)
        .env("MILLRACE_DATAPLANE__URL", loopback_url(data_plane))
        .env("MILLRACE_NETWORK__ALLOW_LOOPBACK", "true")
        .env("MILLRACE_NETWORK__PLC_URL", network.plc_url())
        .env("MILLRACE_NETWORK__HANDLE_RESOLVER_URL", network.pds_url())
        .env("MILLRACE_APPVIEW__TRUSTED_LABELERS", network.labelers().join(","));
    Ok(command)
}
