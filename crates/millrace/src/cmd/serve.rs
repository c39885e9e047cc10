//! `millrace serve`: follows the network and answers questions, until asked to stop.

use clap::Args;
use millrace_runtime::supervise::Signals;
use millrace_runtime::telemetry;

use crate::cli::Global;
use crate::config;
use crate::failure::Failure;
use crate::roles::{Role, Roles};
use crate::tether;
use crate::wiring;

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Only these roles; all of them by default
    #[arg(long, value_delimiter = ',', value_name = "ROLES")]
    role: Vec<Role>,
    /// Part of another process: say on standard output where it answers, end with standard input
    #[arg(long, hide = true)]
    tethered: bool,
}

pub async fn run(global: &Global, args: &ServeArgs) -> Result<(), Failure> {
    let roles = Roles::of(&args.role);
    let config = config::load(global)?.value;
    let telemetry = telemetry::init(&config.telemetry, &config.alerts)?;
    let signals = Signals::install().map_err(Failure::plain)?;
    let starting = wiring::start(&config, &roles, &telemetry);
    if !args.tethered {
        return starting.await?.run(signals).await;
    }
    let parent_gone = tether::parent_gone().map_err(Failure::plain)?;
    let Some(process) = parent_gone.or(starting).await.transpose()? else { return Ok(()) };
    process.end_with(parent_gone);
    tether::announce(&process.addresses);
    process.run(signals).await
}
