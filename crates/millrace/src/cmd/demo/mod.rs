//! `millrace demo`: everything, in one process or two, on a made-up network that lives on; needs no
//! internet and, without `--data-dir`, leaves nothing behind. Each demo makes its network anew, so it wants
//! a folder in which nothing of another network lies, and never touches a database that is configured.

mod history;
mod split;
mod welcome;

use std::path::Path;

use clap::Args;
use millrace_atproto::Did;
use millrace_ingest::{SourceConfig, SourceKind};
use millrace_log::LogEngine;
use millrace_runtime::clock::SystemClock;
use millrace_runtime::supervise::Signals;
use millrace_runtime::telemetry;
use millrace_sim::Network;
use millrace_store::EngineKind;

use crate::cli::Global;
use crate::config::{self, Config};
use crate::failure::{Failure, ProgramError};
use crate::folder;
use crate::output;
use crate::roles::{Role, Roles};
use crate::wiring::{self, Addresses, Process};

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Seed of the made-up network
    #[arg(long)]
    seed: Option<u64>,
    /// Accounts of the made-up network
    #[arg(long)]
    accounts: Option<u32>,
    /// The AppView in a process of its own, as in a split set-up
    #[arg(long)]
    split: bool,
}

pub async fn run(global: &Global, args: DemoArgs) -> Result<(), Failure> {
    let mut config = config::load(global)?.value;
    let telemetry = telemetry::init(&config.telemetry, &config.alerts)?;
    let mut signals = Signals::install().map_err(Failure::plain)?;
    // Removed when the demo ends, whichever way.
    let temporary =
        tempfile::Builder::new().prefix("millrace-demo-").tempdir().map_err(Failure::plain)?;
    match &global.data_dir {
        Some(dir) => must_be_unused(dir)?,
        None => temporary.path().clone_into(&mut config.data_dir),
    }
    config.sim.seed = args.seed.unwrap_or(config.sim.seed);
    config.sim.accounts = args.accounts.unwrap_or(config.sim.accounts);
    config.sim.labelers = config.sim.labelers.max(1);
    output::note("making up a network …");
    let network =
        Network::start(&config.sim, SystemClock::shared()).await.map_err(Failure::plain)?;
    keep_to_files(&mut config);
    follow(&mut config, &network);

    let roles = roles(&mut config, args.split);
    let process = wiring::start(&config, &roles, &telemetry).await?;
    let answers = match args.split {
        true => split(global, &config, &network, &process, &mut signals).await,
        false => Ok(Some(process.addresses)),
    };
    let answers = match answers {
        Ok(Some(addresses)) => filled(addresses, &process, &network, &mut signals).await,
        other => other,
    };
    match answers {
        Ok(Some(addresses)) => {
            let token = folder::admin_token(&config.data_dir).ok();
            output::text(&welcome::text(&addresses, &network, &config.data_dir, token.as_ref()));
            process.run(signals).await
        }
        Ok(None) => process.stop().await,
        Err(failure) => {
            // Why it did not start says more than how the rest ended.
            let _ = process.stop().await;
            Err(failure)
        }
    }
}

/// Of this process.
fn roles(config: &mut Config, split: bool) -> Roles {
    if !split {
        return Roles::all();
    }
    // `port` is the AppView's, which gets the same setting.
    config.port = None;
    Roles::of(&[Role::Ingest, Role::Dataplane])
}

/// Waits until the network's history shows; `None` when asked to stop meanwhile.
async fn filled(
    addresses: Addresses,
    process: &Process,
    network: &Network,
    signals: &mut Signals,
) -> Result<Option<Addresses>, Failure> {
    let Some(dataplane) = process.dataplane() else {
        unreachable!("a demo's first process has the data")
    };
    tokio::select! {
        shown = history::shown(dataplane, network) => {
            shown.map_err(Failure::plain)?;
            Ok(Some(addresses))
        }
        _ = signals.next() => Ok(None),
    }
}

/// Starts the other process; where both answer, or `None` when asked to stop meanwhile.
async fn split(
    global: &Global,
    config: &Config,
    network: &Network,
    process: &Process,
    signals: &mut Signals,
) -> Result<Option<Addresses>, Failure> {
    let Addresses { internal: Some(data_plane), .. } = process.addresses else {
        unreachable!("a process with the data answers /internal")
    };
    let command = split::command(global, &config.data_dir, network, data_plane)?;
    let appview = split::start(process, command, signals).await?;
    Ok(appview.map(|appview| Addresses { internal: Some(data_plane), ..appview }))
}

/// Accounts and cursors of one made-up network mean nothing to another.
fn must_be_unused(dir: &Path) -> Result<(), ProgramError> {
    match std::fs::read_dir(dir).map(|mut files| files.next().is_some()) {
        Ok(true) => Err(ProgramError::DemoFolderUsed { path: dir.to_owned() }),
        // What cannot be read, or is not there yet, is found out about when it is made.
        Ok(false) | Err(_) => Ok(()),
    }
}

/// Keeps log and tables in the demo's folder: what is configured for real data is left alone.
fn keep_to_files(config: &mut Config) {
    if config.store.engine != EngineKind::Sqlite {
        output::note("the demo keeps its tables in files; store.postgres_url is not used");
    }
    if config.log.engine != LogEngine::Sqlite {
        output::note("the demo keeps its log in a file; log.kafka.brokers is not used");
    }
    config.store.engine = EngineKind::Sqlite;
    config.store.dir = None;
    config.log.engine = LogEngine::Sqlite;
    config.log.dir = None;
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
        ..SourceConfig::default()
    }];
    config.ingest.ingest.labelers.dids = network.labelers();
    let labelers = network.labelers().into_iter().filter_map(|did| Did::parse(&did).ok());
    config.appview.appview.trusted_labelers = labelers.collect();
}
