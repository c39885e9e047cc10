//! `millrace serve`: follows the network and answers questions, until asked to stop.

use clap::Args;
use millrace_runtime::supervise::Signals;
use millrace_runtime::telemetry;

use crate::cli::Global;
use crate::config;
use crate::failure::Failure;
use crate::roles::{Role, Roles};
use crate::wiring;

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Only these roles; all of them by default
    #[arg(long, value_delimiter = ',', value_name = "ROLES")]
    role: Vec<Role>,
}

pub async fn run(global: &Global, args: &ServeArgs) -> Result<(), Failure> {
    let roles = Roles::of(&args.role);
    let config = config::load(global)?.value;
    let telemetry = telemetry::init(&config.telemetry)?;
    let signals = Signals::install().map_err(Failure::plain)?;
    wiring::start(&config, &roles, &telemetry).await?.run(signals).await
}
