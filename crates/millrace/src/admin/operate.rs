//! The routes by which an operator's command looks at a running server, has it make a backup, and empties
//! its caches. Behind the same guard as the others.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use millrace_runtime::caches::{CacheStats, Caches};
use millrace_runtime::config::Secret;
use serde::{Deserialize, Serialize};

use super::backup::Place;
use super::backup::job::{Backups, Progress};
use super::backup::make::MakeBackup;
use super::routes::{Refusal, guarded};
use super::status::{self, Running, Status};

/// What the routes of a process with the data need.
pub struct Operate {
    pub place: Place,
    pub running: Running,
    pub backups: Backups,
}

/// Which caches, and what of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClearCaches {
    /// The cache of this name; absent: all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only this key; absent: everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The caches of a process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CacheList {
    pub caches: Vec<CacheStats>,
}

/// Names of the caches that were emptied, or had the key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cleared {
    pub cleared: Vec<String>,
}

/// The routes of a process with the data.
pub fn router(operate: Operate, token: Secret) -> Router {
    let routes = Router::new()
        .route("/api/v1/admin/status", get(get_status))
        .route("/api/v1/admin/backup", get(backup_progress).post(make_backup))
        .with_state(Arc::new(operate));
    guarded(routes, token)
}

/// The routes of every process.
pub fn cache_router(caches: Caches, token: Secret) -> Router {
    let routes = Router::new()
        .route("/api/v1/admin/caches", get(list_caches))
        .route("/api/v1/admin/caches/clear", post(clear_caches))
        .with_state(caches);
    guarded(routes, token)
}

async fn get_status(State(operate): State<Arc<Operate>>) -> Result<Json<Status>, Refusal> {
    Ok(Json(status::of_server(&operate.place, &operate.running).await?))
}

async fn backup_progress(State(operate): State<Arc<Operate>>) -> Json<Progress> {
    Json(operate.backups.progress())
}

async fn make_backup(
    State(operate): State<Arc<Operate>>,
    Json(wanted): Json<MakeBackup>,
) -> Result<Json<Progress>, Refusal> {
    Ok(Json(operate.backups.start(wanted).await?))
}

async fn list_caches(State(caches): State<Caches>) -> Json<CacheList> {
    Json(CacheList { caches: caches.stats().await })
}

async fn clear_caches(
    State(caches): State<Caches>,
    Query(wanted): Query<ClearCaches>,
) -> Json<Cleared> {
    let name = wanted.name.as_deref();
    let cleared = match &wanted.key {
        Some(key) => caches.forget(name, key).await,
        None => caches.clear(name),
    };
    Json(Cleared { cleared })
}
