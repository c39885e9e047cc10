//! `millrace demo`: everything in one process on a made-up network that lives on; needs no internet and,
//! without `--data-dir`, leaves nothing behind. Each demo makes its network anew, so it wants a folder in
//! which nothing of another network lies.

use std::path::Path;

use clap::Args;
use millrace_ingest::{SourceConfig, SourceKind};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::supervise::Signals;
use millrace_runtime::telemetry;
use millrace_sim::Network;

use crate::cli::Global;
use crate::config::{self, Config};
use crate::failure::{Failure, ProgramError};
use crate::output;
use crate::roles::Roles;
use crate::wiring::{self, Addresses};

/// Accounts that are printed.
const ACCOUNTS_SHOWN: usize = 5;

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Seed of the made-up network
    #[arg(long)]
    seed: Option<u64>,
    /// Accounts of the made-up network
    #[arg(long)]
    accounts: Option<u32>,
}

pub async fn run(global: &Global, args: DemoArgs) -> Result<(), Failure> {
    // Removed when the demo ends.
    let temporary =
        tempfile::Builder::new().prefix("millrace-demo-").tempdir().map_err(Failure::plain)?;
    let mut config = config::load(global)?.value;
    match &global.data_dir {
        Some(dir) => must_be_unused(dir)?,
        None => temporary.path().clone_into(&mut config.data_dir),
    }
    config.sim.seed = args.seed.unwrap_or(config.sim.seed);
    config.sim.accounts = args.accounts.unwrap_or(config.sim.accounts);
    let telemetry = telemetry::init(&config.telemetry)?;
    let signals = Signals::install().map_err(Failure::plain)?;
    output::note("making up a network …");
    let network =
        Network::start(&config.sim, SystemClock::shared()).await.map_err(Failure::plain)?;
    follow(&mut config, &network);
    let process = wiring::start(&config, &Roles::all(), &telemetry).await?;
    output::text(&welcome(&process.addresses, &network, &config.data_dir));
    process.run(signals).await
}

/// Accounts and cursors of one made-up network mean nothing to another.
fn must_be_unused(dir: &Path) -> Result<(), ProgramError> {
    match std::fs::read_dir(dir).map(|mut files| files.next().is_some()) {
        Ok(true) => Err(ProgramError::DemoFolderUsed { path: dir.to_owned() }),
        // What cannot be read, or is not there yet, is found out about when it is made.
        Ok(false) | Err(_) => Ok(()),
    }
}

/// Points the configuration at the made-up network, and at nothing else.
fn follow(config: &mut Config, network: &Network) {
    config.network.http.allow_loopback = true;
    config.network.resolver.plc_url = network.plc_url();
    config.network.resolver.handle_resolver_url = Some(network.pds_url());
    config.ingest.relay_url = None;
    config.ingest.ingest.sources = vec![SourceConfig {
        name: "demo".to_owned(),
        kind: SourceKind::Relay,
        url: network.relay_url(),
        cursor: Some(0),
        insecure: false,
    }];
}

/// What to try.
fn welcome(addresses: &Addresses, network: &Network, data_dir: &Path) -> String {
    let url = |addr: Option<std::net::SocketAddr>| {
        addr.map(|addr| format!("http://{addr}")).unwrap_or_default()
    };
    let (appview, internal) = (url(addresses.appview), url(addresses.internal));
    let mut lines = vec![
        format!(
            "Millrace runs on a made-up network of {} accounts. Ctrl-C ends it.",
            network.accounts().len()
        ),
        String::new(),
        format!("  AppView      {appview}"),
        format!("  data-plane   {internal}  (/ready, /metrics)"),
        format!("  made-up PLC  {}", network.plc_url()),
        format!("  made-up PDS  {}", network.pds_url()),
        format!("  data         {}", data_dir.display()),
        String::new(),
        "Some of its accounts:".to_owned(),
    ];
    let shown = || network.accounts().iter().take(ACCOUNTS_SHOWN);
    let width = shown().map(|account| account.handle.len()).max().unwrap_or(0);
    lines.extend(shown().map(|account| format!("  {:width$}  {}", account.handle, account.did)));
    if let Some(account) = shown().next() {
        let actor = &account.handle;
        lines.extend([String::new(), "Try:".to_owned()]);
        for method in [
            "app.bsky.actor.getProfile",
            "app.bsky.feed.getAuthorFeed",
            "app.bsky.graph.getFollowers",
        ] {
            lines.push(format!("  curl '{appview}/xrpc/{method}?actor={actor}'"));
        }
        lines.push(format!(
            "  curl -H \"Authorization: Bearer $(cat {}/admin.token)\" {appview}/api/v1/admin/sources",
            data_dir.display()
        ));
    }
    lines.join("\n")
}
