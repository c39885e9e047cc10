//! Waiting until the made-up network's history shows: what is printed to try, answers at once.

use std::time::Duration;

use millrace_atproto::syntax::AtIdentifier;
use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Local;
use millrace_dataplane::query::actors::GetActors;
use millrace_dataplane::query::progress::GetSourceProgress;
use millrace_sim::Network;
use tokio::time::timeout;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);
/// After this long the demo goes on without; a history of the usual size takes a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns when every event up to now and every handle shows, or when that takes too long.
///
/// # Errors
/// The data-plane does not answer.
pub(super) async fn shown(dataplane: &Local, network: &Network) -> Result<(), DataplaneError> {
    let last_seq = network.look(|world| world.last_seq());
    let handles: Vec<AtIdentifier> = network
        .accounts()
        .iter()
        .filter_map(|account| AtIdentifier::parse(&account.handle).ok())
        .collect();
    let all = async {
        while !is_shown(dataplane, last_seq, &handles).await? {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    };
    timeout(PATIENCE, all).await.unwrap_or(Ok(()))
}

async fn is_shown(
    dataplane: &Local,
    last_seq: i64,
    handles: &[AtIdentifier],
) -> Result<bool, DataplaneError> {
    let progress = dataplane.ask(GetSourceProgress {}).await?;
    if !progress.sources.iter().any(|source| source.visible_seq >= last_seq) {
        return Ok(false);
    }
    for some in handles.chunks(millrace_dataplane::query::actors::ACTORS_MAX) {
        let known = dataplane.ask(GetActors { actors: some.to_vec() }).await?;
        if known.actors.len() < some.len() {
            return Ok(false);
        }
    }
    Ok(true)
}
