//! What a PDS or the relay answers to anyone: whole repositories, their state, records, handles.

use std::sync::atomic::Ordering;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use millrace_atproto::cbor;
use millrace_atproto::syntax::Did;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::door::Door;
use crate::shared::Scope;
use crate::status::Status;
use crate::world::{Account, World};

/// What both answer.
pub(crate) fn sync_routes() -> Router<Door> {
    Router::new()
        .route("/xrpc/com.atproto.sync.getLatestCommit", get(get_latest_commit))
        .route("/xrpc/com.atproto.sync.getRepoStatus", get(get_repo_status))
        .route("/xrpc/com.atproto.sync.listRepos", get(list_repos))
        .route("/xrpc/com.atproto.sync.listReposByCollection", get(list_repos_by_collection))
}

/// What only a PDS answers.
pub(crate) fn repo_routes() -> Router<Door> {
    Router::new()
        .route("/xrpc/com.atproto.sync.getRepo", get(get_repo))
        .route("/xrpc/com.atproto.sync.getRecord", get(get_proof))
        .route("/xrpc/com.atproto.repo.getRecord", get(get_record))
        .route("/xrpc/com.atproto.server.describeServer", get(describe_server))
        .route("/xrpc/_health", get(|| async { Json(json!({"version": "sim"})) }))
}

/// What only the relay answers.
pub(crate) fn relay_routes() -> Router<Door> {
    Router::new()
        .route("/xrpc/com.atproto.sync.getRepo", get(redirect_to_pds))
        .route("/xrpc/com.atproto.sync.listHosts", get(list_hosts))
}

/// What a PDS answers for the names of all accounts, wherever they are.
pub(crate) fn name_routes() -> Router<Door> {
    Router::new()
        .route("/.well-known/atproto-did", get(atproto_did))
        .route("/xrpc/com.atproto.identity.resolveHandle", get(resolve_handle))
}

#[derive(Deserialize)]
struct OfDid {
    did: String,
}

fn error(status: StatusCode, name: &str, message: String) -> Response {
    (status, Json(json!({"error": name, "message": message}))).into_response()
}

type Refused = Box<Response>;

fn not_found(did: &str) -> Refused {
    Box::new(error(StatusCode::BAD_REQUEST, "RepoNotFound", format!("no repository of {did}")))
}

/// The account of a DID and what is said about it here.
fn hosted<'a>(world: &'a World, scope: Scope, did: &str) -> Result<(&'a Account, Status), Refused> {
    let parsed = Did::parse(did).map_err(|_| not_found(did))?;
    let account = world.account(&parsed).ok_or_else(|| not_found(did))?;
    let status = match scope {
        Scope::Relay => Some(account.status),
        Scope::Host(host) => world.status_at(host, &parsed),
    };
    status.map(|status| (account, status)).ok_or_else(|| not_found(did))
}

/// The account, refused while it is inactive here.
fn served<'a>(world: &'a World, scope: Scope, did: &str) -> Result<&'a Account, Refused> {
    let (account, status) = hosted(world, scope, did)?;
    let name = match status {
        _ if status.is_active() => return Ok(account),
        Status::Takendown => "RepoTakendown",
        Status::Suspended => "RepoSuspended",
        Status::Deactivated => "RepoDeactivated",
        _ => "RepoNotFound",
    };
    Err(Box::new(error(StatusCode::BAD_REQUEST, name, format!("{did} is not active"))))
}

fn car(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/vnd.ipld.car")], bytes).into_response()
}

async fn get_repo(State(door): State<Door>, Query(of): Query<OfDid>) -> Response {
    match served(&door.shared.world.lock(), door.scope, &of.did) {
        Ok(account) => car(account.repo.car()),
        Err(response) => *response,
    }
}

async fn redirect_to_pds(State(door): State<Door>, Query(of): Query<OfDid>) -> Response {
    match hosted(&door.shared.world.lock(), door.scope, &of.did) {
        Ok((account, _)) => {
            let url = door.shared.urls.host(account.host);
            let did = of.did.replace('%', "%25");
            Redirect::temporary(&format!("{url}/xrpc/com.atproto.sync.getRepo?did={did}"))
                .into_response()
        }
        Err(response) => *response,
    }
}

async fn get_latest_commit(State(door): State<Door>, Query(of): Query<OfDid>) -> Response {
    match served(&door.shared.world.lock(), door.scope, &of.did) {
        Ok(account) => {
            let commit = account.repo.commit();
            Json(json!({"cid": commit.cid().to_string(), "rev": commit.rev.to_string()}))
                .into_response()
        }
        Err(response) => *response,
    }
}

async fn get_repo_status(State(door): State<Door>, Query(of): Query<OfDid>) -> Response {
    match hosted(&door.shared.world.lock(), door.scope, &of.did) {
        Ok((account, status)) => Json(stated(account, status)).into_response(),
        Err(response) => *response,
    }
}

fn stated(account: &Account, status: Status) -> Value {
    let mut answer = json!({"did": account.identity.did.as_str(), "active": status.is_active()});
    if let Some(status) = status.name() {
        answer["status"] = json!(status);
    }
    if status.is_active() {
        answer["rev"] = json!(account.repo.rev().to_string());
    }
    answer
}

#[derive(Deserialize)]
struct Page {
    limit: Option<usize>,
    cursor: Option<String>,
}

impl Page {
    fn from(&self) -> usize {
        self.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(0)
    }

    /// The items of this page under `name`, and the cursor of the next one if there are more.
    fn of(&self, name: &str, limit: (usize, usize), items: Vec<Value>) -> Response {
        let (from, limit) = (self.from(), self.limit.unwrap_or(limit.0).clamp(1, limit.1));
        let more = items.len() > from + limit;
        let items: Vec<Value> = items.into_iter().skip(from).take(limit).collect();
        let mut answer = json!({ name: items });
        if more {
            answer["cursor"] = json!((from + limit).to_string());
        }
        Json(answer).into_response()
    }
}

/// Accounts that are known here, with what is said about them.
fn known<'a>(
    world: &'a World,
    scope: Scope,
) -> impl Iterator<Item = (&'a Account, Status)> + use<'a> {
    world.accounts().filter_map(move |account| {
        let status = match scope {
            Scope::Relay => Some(account.status),
            Scope::Host(host) => world.status_at(host, &account.identity.did),
        };
        status.map(|status| (account, status))
    })
}

async fn list_repos(State(door): State<Door>, Query(page): Query<Page>) -> Response {
    let world = door.shared.world.lock();
    let listed = known(&world, door.scope).map(|(account, status)| {
        let mut item = stated(account, status);
        item["head"] = json!(account.repo.commit().cid().to_string());
        item["rev"] = json!(account.repo.rev().to_string());
        item
    });
    page.of("repos", (500, 1_000), listed.collect())
}

#[derive(Deserialize)]
struct OfCollection {
    collection: String,
    #[serde(flatten)]
    page: PageTexts,
}

/// As [`Page`]; flattened values come as texts.
#[derive(Deserialize)]
struct PageTexts {
    limit: Option<String>,
    cursor: Option<String>,
}

async fn list_repos_by_collection(
    State(door): State<Door>,
    Query(of): Query<OfCollection>,
) -> Response {
    let world = door.shared.world.lock();
    let listed = known(&world, door.scope)
        .filter(|(account, status)| {
            status.is_active() && account.repo.paths_in(&of.collection).next().is_some()
        })
        .map(|(account, _)| json!({"did": account.identity.did.as_str()}));
    let limit = of.page.limit.and_then(|limit| limit.parse().ok());
    Page { limit, cursor: of.page.cursor }.of("repos", (500, 2_000), listed.collect())
}

async fn list_hosts(State(door): State<Door>, Query(page): Query<Page>) -> Response {
    let world = door.shared.world.lock();
    let hosts = door.shared.urls.hosts.iter().enumerate().map(|(host, url)| {
        let accounts = known(&world, Scope::Host(host)).count();
        let hostname = url.strip_prefix("http://").unwrap_or(url);
        json!({"hostname": hostname, "accountCount": accounts, "status": "active"})
    });
    page.of("hosts", (200, 1_000), hosts.collect())
}

#[derive(Deserialize)]
struct OfRecord {
    #[serde(alias = "did")]
    repo: String,
    collection: String,
    rkey: String,
}

impl OfRecord {
    fn path(&self) -> String {
        format!("{}/{}", self.collection, self.rkey)
    }
}

async fn get_proof(State(door): State<Door>, Query(of): Query<OfRecord>) -> Response {
    door.shared.proofs_asked.fetch_add(1, Ordering::Relaxed);
    let world = door.shared.world.lock();
    let account = match served(&world, door.scope, &of.repo) {
        Ok(account) => account,
        Err(response) => return *response,
    };
    match account.repo.proof(&of.path()) {
        Ok(proof) => car(proof),
        Err(fault) => error(StatusCode::BAD_REQUEST, "InvalidRequest", fault.to_string()),
    }
}

async fn get_record(State(door): State<Door>, Query(of): Query<OfRecord>) -> Response {
    let world = door.shared.world.lock();
    let named = world.by_handle(&of.repo).map(|account| account.identity.did.to_string());
    let account = match served(&world, door.scope, named.as_deref().unwrap_or(&of.repo)) {
        Ok(account) => account,
        Err(response) => return *response,
    };
    let path = of.path();
    let found = account.repo.records().get(&path);
    let json = found.and_then(|(cid, record)| {
        let value = cbor::decode(record).ok()?;
        let value: Value = serde_json::from_str(&cbor::to_json(&value)).ok()?;
        let uri = format!("at://{}/{path}", account.identity.did);
        Some(json!({"uri": uri, "cid": cid.to_string(), "value": value}))
    });
    match json {
        Some(json) => Json(json).into_response(),
        None => error(StatusCode::BAD_REQUEST, "RecordNotFound", format!("no record at {path}")),
    }
}

async fn describe_server() -> Json<Value> {
    Json(
        json!({"did": "did:web:localhost", "availableUserDomains": [".sim.test"], "inviteCodeRequired": false}),
    )
}

/// A handle's DID, by the `Host` header.
async fn atproto_did(State(door): State<Door>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let handle = host.split(':').next().unwrap_or_default();
    match door.shared.world.lock().by_handle(handle) {
        Some(account) => account.identity.did.to_string().into_response(),
        None => (StatusCode::NOT_FOUND, "handle not found").into_response(),
    }
}

#[derive(Deserialize)]
struct OfHandle {
    handle: String,
}

async fn resolve_handle(State(door): State<Door>, Query(of): Query<OfHandle>) -> Response {
    match door.shared.world.lock().by_handle(&of.handle) {
        Some(account) => Json(json!({"did": account.identity.did.as_str()})).into_response(),
        None => error(StatusCode::BAD_REQUEST, "HandleNotFound", of.handle.clone()),
    }
}
