//! What a PDS answers to anyone: whole repositories, their state, records, handles.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use millrace_atproto::cbor;
use millrace_atproto::syntax::Did;
use serde::Deserialize;
use serde_json::json;

use crate::network::Shared;
use crate::world::{Account, World};

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/xrpc/com.atproto.sync.getRepo", get(get_repo))
        .route("/xrpc/com.atproto.sync.getLatestCommit", get(get_latest_commit))
        .route("/xrpc/com.atproto.sync.getRepoStatus", get(get_repo_status))
        .route("/xrpc/com.atproto.sync.listRepos", get(list_repos))
        .route("/xrpc/com.atproto.repo.getRecord", get(get_record))
        .route("/xrpc/com.atproto.server.describeServer", get(describe_server))
        .route("/xrpc/_health", get(|| async { Json(json!({"version": "sim"})) }))
        .route("/.well-known/atproto-did", get(atproto_did))
}

#[derive(Deserialize)]
struct OfDid {
    did: String,
}

fn error(status: StatusCode, name: &str, message: String) -> Response {
    (status, Json(json!({"error": name, "message": message}))).into_response()
}

/// The account of a DID, or the error a PDS answers instead.
fn hosted<'a>(world: &'a World, did: &str) -> Result<&'a Account, Box<Response>> {
    let not_found = || {
        Box::new(error(StatusCode::BAD_REQUEST, "RepoNotFound", format!("no repository of {did}")))
    };
    let did = Did::parse(did).map_err(|_| not_found())?;
    world.account(&did).ok_or_else(not_found)
}

/// The same, refused while the account is inactive.
fn served<'a>(world: &'a World, did: &str) -> Result<&'a Account, Box<Response>> {
    let account = hosted(world, did)?;
    let name = match account.status.as_deref() {
        _ if account.active => return Ok(account),
        Some("takendown") => "RepoTakendown",
        Some("suspended") => "RepoSuspended",
        Some("deactivated") => "RepoDeactivated",
        _ => "RepoNotFound",
    };
    Err(Box::new(error(StatusCode::BAD_REQUEST, name, format!("{did} is not active"))))
}

async fn get_repo(State(shared): State<Arc<Shared>>, Query(of): Query<OfDid>) -> Response {
    match served(&shared.world.lock(), &of.did) {
        Ok(account) => ([(header::CONTENT_TYPE, "application/vnd.ipld.car")], account.repo.car())
            .into_response(),
        Err(response) => *response,
    }
}

async fn get_latest_commit(State(shared): State<Arc<Shared>>, Query(of): Query<OfDid>) -> Response {
    match served(&shared.world.lock(), &of.did) {
        Ok(account) => {
            let commit = account.repo.commit();
            Json(json!({"cid": commit.cid().to_string(), "rev": commit.rev.to_string()}))
                .into_response()
        }
        Err(response) => *response,
    }
}

async fn get_repo_status(State(shared): State<Arc<Shared>>, Query(of): Query<OfDid>) -> Response {
    match hosted(&shared.world.lock(), &of.did) {
        Ok(account) => Json(status(account)).into_response(),
        Err(response) => *response,
    }
}

fn status(account: &Account) -> serde_json::Value {
    let mut answer = json!({"did": account.identity.did.as_str(), "active": account.active});
    if let Some(status) = &account.status {
        answer["status"] = json!(status);
    }
    if account.active {
        answer["rev"] = json!(account.repo.rev().to_string());
    }
    answer
}

#[derive(Deserialize)]
struct Page {
    limit: Option<usize>,
    cursor: Option<String>,
}

async fn list_repos(State(shared): State<Arc<Shared>>, Query(page): Query<Page>) -> Response {
    let world = shared.world.lock();
    let limit = page.limit.unwrap_or(500).clamp(1, 1_000);
    let from = page.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0usize);
    let repos: Vec<serde_json::Value> =
        world.accounts().skip(from).take(limit).map(listed).collect();
    let mut answer = json!({"repos": repos});
    if from + limit < world.accounts().len() {
        answer["cursor"] = json!((from + limit).to_string());
    }
    Json(answer).into_response()
}

fn listed(account: &Account) -> serde_json::Value {
    let mut item = status(account);
    item["head"] = json!(account.repo.commit().cid().to_string());
    item["rev"] = json!(account.repo.rev().to_string());
    item
}

#[derive(Deserialize)]
struct OfRecord {
    repo: String,
    collection: String,
    rkey: String,
}

async fn get_record(State(shared): State<Arc<Shared>>, Query(of): Query<OfRecord>) -> Response {
    let world = shared.world.lock();
    let account = world.by_handle(&of.repo).map_or_else(|| served(&world, &of.repo), Ok);
    let account = match account {
        Ok(account) => account,
        Err(response) => return *response,
    };
    let path = format!("{}/{}", of.collection, of.rkey);
    let found = account.repo.records().get(&path);
    let json = found.and_then(|(cid, record)| {
        let value = cbor::decode(record).ok()?;
        let value: serde_json::Value = serde_json::from_str(&cbor::to_json(&value)).ok()?;
        Some(json!({"uri": format!("at://{}/{path}", account.identity.did), "cid": cid.to_string(), "value": value}))
    });
    match json {
        Some(json) => Json(json).into_response(),
        None => error(StatusCode::BAD_REQUEST, "RecordNotFound", format!("no record at {path}")),
    }
}

async fn describe_server() -> Json<serde_json::Value> {
    Json(
        json!({"did": "did:web:localhost", "availableUserDomains": [".sim.test"], "inviteCodeRequired": false}),
    )
}

/// A handle's DID, by the `Host` header.
async fn atproto_did(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let handle = host.split(':').next().unwrap_or_default();
    match shared.world.lock().by_handle(handle) {
        Some(account) => account.identity.did.to_string().into_response(),
        None => (StatusCode::NOT_FOUND, "handle not found").into_response(),
    }
}
