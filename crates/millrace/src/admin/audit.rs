//! Upkeep of the data-plane's tables: audit, repair, rebuild. One at a time; a server does it in the
//! background and is watched by the command that asked, which may end before.

use std::sync::Arc;

use axum::extract::State as Shared;
use axum::routing::get;
use axum::{Json, Router};
use millrace_dataplane::audit::{self, AuditOptions, AuditReport};
use millrace_dataplane::codes;
use millrace_dataplane::progress::{Progress, ProgressSeen};
use millrace_dataplane::rebuild::{self, RebuildDeps, RebuildOptions, RebuildReport};
use millrace_dataplane::repair::{self, RepairReport};
use millrace_runtime::config::Secret;
use millrace_runtime::error::{Diagnose, Diagnosis};
use millrace_runtime::supervise::{Shutdown, Supervisor};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::rebuild::told_since_us;
use super::routes::{Refusal, guarded};
use crate::config::Config;
use crate::failure::Failure;

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    Audit(AuditOptions),
    Repair(AuditOptions),
    Rebuild(RebuildOptions),
}

impl Task {
    const fn name(&self) -> &'static str {
        match self {
            Self::Audit(_) => "audit",
            Self::Repair(_) => "repair",
            Self::Rebuild(_) => "rebuild",
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Done {
    Audit(AuditReport),
    Repair(RepairReport),
    Rebuild(RebuildReport),
}

/// How it goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Seen {
    /// What is done, or was done last; absent before the first.
    pub task: Option<String>,
    pub running: bool,
    pub progress: ProgressSeen,
    /// When it ended well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done: Option<Done>,
    /// When it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// It was not done.
#[derive(Debug, thiserror::Error)]
#[error("{task} failed: {reason}")]
pub struct NotDone {
    pub task: &'static str,
    pub reason: String,
}

impl Diagnose for NotDone {
    fn diagnosis(&self) -> Diagnosis {
        codes::NOT_REBUILT.diagnosis(self.to_string())
    }
}

/// Does it, here and now.
///
/// # Errors
/// It could not be done.
pub async fn run(
    deps: &RebuildDeps,
    task: &Task,
    progress: &Progress,
    shutdown: &Shutdown,
) -> Result<Done, Failure> {
    let stopped = || NotDone { task: task.name(), reason: "the process stops".to_owned() };
    Ok(match task {
        Task::Audit(options) => {
            let options = since(options, deps);
            let audited = shutdown.or(audit::run(&deps.store, &options, progress)).await;
            Done::Audit(audited.ok_or_else(stopped)??)
        }
        Task::Repair(options) => {
            let options = since(options, deps);
            let repaired = shutdown.or(repair::run(&deps.store, &options, progress)).await;
            Done::Repair(repaired.ok_or_else(stopped)??)
        }
        Task::Rebuild(options) => {
            Done::Rebuild(rebuild::run(deps, *options, progress, shutdown).await?)
        }
    })
}

fn since(options: &AuditOptions, deps: &RebuildDeps) -> AuditOptions {
    AuditOptions { told_since_us: deps.told_since_us, ..options.clone() }
}

/// A server's upkeep.
#[derive(Clone)]
pub struct Upkeep {
    deps: RebuildDeps,
    config: Config,
    supervisor: Supervisor,
    last: Arc<Mutex<Last>>,
}

#[derive(Default)]
struct Last {
    seen: Seen,
    progress: Progress,
}

impl Upkeep {
    /// Of these tables.
    pub fn new(deps: RebuildDeps, config: Config, supervisor: Supervisor) -> Self {
        Self { deps, config, supervisor, last: Arc::default() }
    }

    /// How the last one goes, or went.
    pub fn seen(&self) -> Seen {
        let last = self.last.lock();
        Seen { progress: last.progress.seen(), ..last.seen.clone() }
    }

    /// Begins one.
    ///
    /// # Errors
    /// Another is under way.
    pub fn start(&self, task: Task) -> Result<Seen, NotDone> {
        let progress = Progress::default();
        {
            let mut last = self.last.lock();
            if last.seen.running {
                let under_way = last.seen.task.clone().unwrap_or_default();
                let reason = format!("the server is at another one ({under_way})");
                return Err(NotDone { task: task.name(), reason });
            }
            let (name, running) = (Some(task.name().to_owned()), true);
            *last = Last {
                seen: Seen { task: name, running, ..Seen::default() },
                progress: progress.clone(),
            };
        }
        let (mut deps, last) = (self.deps.clone(), Arc::clone(&self.last));
        deps.told_since_us = told_since_us(&self.config, deps.clock.now_us());
        let name = format!("dataplane.{}", task.name());
        self.supervisor.spawn_once(name, move |shutdown| async move {
            let done = run(&deps, &task, &progress, &shutdown).await;
            if let Err(failure) = &done {
                tracing::warn!(task = task.name(), "upkeep failed: {}", failure.render());
            }
            let mut last = last.lock();
            last.seen.running = false;
            match done {
                Ok(done) => last.seen.done = Some(done),
                Err(failure) => last.seen.error = Some(failure.to_string()),
            }
            Ok(())
        });
        Ok(self.seen())
    }
}

/// The routes by which a command has it done, and watches.
pub fn router(upkeep: Upkeep, token: Secret) -> Router {
    let routes =
        Router::new().route("/api/v1/admin/upkeep", get(look).post(begin)).with_state(upkeep);
    guarded(routes, token)
}

async fn look(Shared(upkeep): Shared<Upkeep>) -> Json<Seen> {
    Json(upkeep.seen())
}

async fn begin(
    Shared(upkeep): Shared<Upkeep>,
    Json(task): Json<Task>,
) -> Result<Json<Seen>, Refusal> {
    Ok(Json(upkeep.start(task).map_err(Failure::from)?))
}
