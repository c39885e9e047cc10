//! What a doctor looks at before and beside a running server: each thing for itself, at once, in bounded
//! time, and whatever state the others are in. Nothing is changed, but for one small file that is written
//! into the data folder and removed.

mod engines;
mod network;
mod place;
mod public;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use millrace_runtime::clock::{SharedClock, SystemClock};
use serde::Serialize;

use crate::config::Config;
use crate::failure::Failure;
use crate::folder::{self, Holder};
use crate::roles::Roles;

/// One line of the doctor's report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub name: String,
    pub state: State,
    /// What was found.
    pub found: String,
    /// Why that is so, where it is not well and more is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Ok,
    Bad,
    /// Not looked at, because there is nothing to look at or something before it is not well.
    Skipped,
}

impl Line {
    pub fn ok(name: &str, found: impl Into<String>) -> Self {
        Self::new(name, State::Ok, found)
    }

    pub fn skipped(name: &str, found: impl Into<String>) -> Self {
        Self::new(name, State::Skipped, found)
    }

    pub fn bad(name: &str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::new(name, State::Bad, found) }
    }

    /// A failure with its own words.
    pub fn failed(name: &str, failure: &Failure) -> Self {
        match failure.diagnosis() {
            None => Self::bad(name, failure.to_string(), "see the message"),
            Some(diagnosis) => Self::bad(name, diagnosis.to_string(), diagnosis.hint.clone()),
        }
    }

    /// With why.
    pub fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    fn new(name: &str, state: State, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state, found: found.into(), cause: None, hint: None }
    }
}

/// What every look needs.
struct Patient {
    config: Config,
    roles: Roles,
    clock: SharedClock,
    /// The longest any look may take.
    limit: Duration,
    /// Servers on the data folder, by the part they are.
    running: Vec<(&'static str, Holder)>,
    /// A DID to resolve, where somebody named one.
    did: Option<String>,
}

impl Patient {
    /// The server that has the data, if one runs.
    fn server(&self) -> Option<&Holder> {
        self.running.iter().find(|(part, _)| *part == "data").map(|(_, holder)| holder)
    }
}

/// Looks at everything that `roles` need.
pub async fn examine(
    config: Config,
    roles: Roles,
    did: Option<String>,
    limit: Duration,
) -> Vec<Line> {
    let running = folder::running(&config.data_dir);
    let clock = SystemClock::shared();
    let patient = Arc::new(Patient { config, roles, clock, limit, running, did });
    let mut lines = vec![configuration(&patient)];
    let looks: [(&str, BoxFuture<'_, Vec<Line>>); 9] = [
        ("data folder", Box::pin(place::folder(&patient))),
        ("ports", Box::pin(place::ports(&patient))),
        ("tables", Box::pin(engines::tables(&patient))),
        ("log", Box::pin(engines::log(&patient))),
        ("server", Box::pin(engines::server(&patient))),
        ("directory", Box::pin(network::directory(&patient))),
        ("sources", Box::pin(network::sources(&patient))),
        ("clock", Box::pin(network::clock(&patient))),
        ("public address", Box::pin(public::address(&patient))),
    ];
    let looks = looks.map(|(name, look)| bounded(name, look, limit));
    lines.extend(join_all(looks).await.into_iter().flatten());
    lines.push(Line::skipped("redis", "nothing here uses one yet"));
    lines
}

/// A look that does not come back is a finding too.
async fn bounded(name: &str, look: BoxFuture<'_, Vec<Line>>, limit: Duration) -> Vec<Line> {
    // Looks bound what they wait for themselves; this is for what they do one after the other.
    let all = limit.saturating_mul(3);
    tokio::time::timeout(all, look).await.unwrap_or_else(|_| {
        vec![Line::bad(
            name,
            format!("no answer within {} s", all.as_secs()),
            "try again with a longer --timeout-ms; if it stays so, what it waits for is stuck",
        )]
    })
}

fn configuration(patient: &Patient) -> Line {
    match patient.config.check(&patient.roles) {
        Ok(()) => Line::ok("configuration", format!("valid for {}", patient.roles)),
        Err(failure) => Line::failed("configuration", &failure),
    }
}
