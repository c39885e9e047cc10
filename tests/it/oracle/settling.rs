//! Waiting until a program shows all of a network that has fallen quiet: no account's repository differs
//! from its PDS's, everybody has the handle and the standing they have, and all that is in the tables.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::frame::IdentityFrame;
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::SharedClock;
use millrace_sim::{Network, Status};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::asking::Asker;
use super::program::Program;

const SETTLED_WITHIN: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(15);
/// As many accounts as `getProfiles` takes at once.
const PROFILES_AT_ONCE: usize = 25;

/// What of a network a program has to show.
struct Goal {
    accounts: Vec<Wanted>,
}

struct Wanted {
    did: Did,
    status: Status,
    handle: Option<String>,
    /// The root of its records, where somebody may ask for them.
    data: Option<String>,
}

impl Goal {
    fn of(network: &Network) -> Self {
        let accounts = network.look(|world| {
            let wanted = world.accounts().map(|account| {
                let did = account.identity.did.clone();
                Wanted {
                    handle: world.verified_handle(&did).map(ToString::to_string),
                    data: (account.status != Status::Deleted)
                        .then(|| account.repo.commit().data.to_string()),
                    status: account.status,
                    did,
                }
            });
            wanted.collect()
        });
        Self { accounts }
    }
}

/// Accounts that are hidden and of whose repositories a program has missed something: nobody tells it now.
pub async fn missed_of_hidden(asker: &Asker, network: &Network) -> Result<Vec<Did>> {
    let mut missed = Vec::new();
    for wanted in Goal::of(network).accounts {
        if wanted.status.is_active() || wanted.data.is_none() {
            continue;
        }
        let state = asker.account_state(&wanted.did).await?;
        if !has_repository(&state, &wanted) {
            missed.push(wanted.did);
        }
    }
    Ok(missed)
}

/// Waits until everything of a quiet network can be read, but for repositories that are hidden.
pub async fn settle(
    program: &mut Program,
    asker: &Asker,
    network: &Network,
    clock: &SharedClock,
) -> Result<()> {
    program.millrace.ready().await?;
    let until = Instant::now() + SETTLED_WITHIN;
    // Not the last event there is: a frame that breaks connections is sent once, to whom it meets.
    visible(program, network, mark(network, clock)).await?;
    let goal = Goal::of(network);
    for wanted in &goal.accounts {
        loop {
            let state = asker.account_state(&wanted.did).await?;
            if stands_as(&state, wanted) {
                break;
            }
            if Instant::now() > until {
                bail!("{} is {state}, and not {:?} {:?}", wanted.did, wanted.status, wanted.data);
            }
            sleep(POLL).await;
        }
    }
    // What was fetched stands in the log before this.
    visible(program, network, mark(network, clock)).await?;
    while let Err(error) = handles(asker, &goal).await {
        if Instant::now() > until {
            return Err(error);
        }
        sleep(POLL).await;
    }
    Ok(())
}

/// Waits until a program shows what the relay said up to a number.
async fn visible(program: &mut Program, network: &Network, seq: i64) -> Result<()> {
    let shown = program
        .millrace
        .until(|source| source["visibleSeq"].as_i64().is_some_and(|visible| visible >= seq))
        .await;
    shown.with_context(|| {
        let last = network.look(|world| world.last_seq());
        format!("{}: waiting for event {seq} of {last} to be visible", program.store)
    })
}

/// Something that the relay says now and that changes nothing; its number.
fn mark(network: &Network, clock: &SharedClock) -> i64 {
    network.change(|world| {
        let spared = world.accounts().find(|account| account.status.is_active());
        let (did, handle) = spared
            .map(|account| &account.identity)
            .map(|identity| (identity.did.to_string(), identity.handle.to_string()))
            .unwrap_or_default();
        let time = format_ms_us(clock.now_us());
        world.emit(|seq| {
            IdentityFrame { seq, did: &did, handle: Some(&handle), time: &time }.encode()
        })
    })
}

fn stands_as(state: &Value, wanted: &Wanted) -> bool {
    let active = state["active"].as_bool() == Some(wanted.status.is_active());
    let gone = wanted.status != Status::Deleted || state["status"] == json!("deleted");
    let known = !wanted.status.is_active() || has_repository(state, wanted);
    active && gone && known
}

fn has_repository(state: &Value, wanted: &Wanted) -> bool {
    let complete = state["syncState"] == json!("complete");
    complete && state["data"].as_str() == wanted.data.as_deref() && state["nextTryUs"].is_null()
}

/// An error that names somebody who is not shown under the handle they have.
async fn handles(asker: &Asker, goal: &Goal) -> Result<()> {
    let shown: Vec<&Wanted> =
        goal.accounts.iter().filter(|wanted| wanted.status.is_active()).collect();
    for some in shown.chunks(PROFILES_AT_ONCE) {
        let dids: Vec<&str> = some.iter().map(|wanted| wanted.did.as_str()).collect();
        let answer = asker.profiles(&dids).await?;
        for wanted in some {
            let handle = wanted.handle.as_deref().unwrap_or("handle.invalid");
            let found = answer.iter().find(|profile| profile["did"] == json!(wanted.did.as_str()));
            let found = found.and_then(|profile| profile["handle"].as_str());
            if found != Some(handle) {
                bail!("{} is shown as {found:?} and not as {handle}", wanted.did);
            }
        }
    }
    Ok(())
}
