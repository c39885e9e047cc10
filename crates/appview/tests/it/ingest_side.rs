//! Ingest's side of `/internal`: one source, one account that is known, one event that was refused.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use millrace_atproto::Tid;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::people::did;
use crate::world::{SOURCE, START_US};

/// The account of which something is missing.
pub const KNOWN: &str = "alice";
/// One that is here whole, up to an hour after the start.
pub const WHOLE: &str = "whole";
pub const WHOLE_UNTIL_US: i64 = START_US + 3_600_000_000;

/// The accounts that it was told somebody looks at.
pub type Looked = Arc<Mutex<Vec<String>>>;

pub fn routes(looked: Looked) -> Router {
    let looked_at = post(async move |Json(question): Json<Value>| {
        let dids = question["dids"].as_array().unwrap();
        looked.lock().extend(dids.iter().map(|did| did.as_str().unwrap().to_owned()));
        Json(Value::Null)
    });
    let constant = |answer: Value| post(async move || Json(answer));
    Router::new()
        .route("/internal/listSources", constant(json!([source()])))
        .route("/internal/getStatus", constant(status()))
        .route("/internal/listHosts", constant(hosts()))
        .route("/internal/getScope", constant(json!({ "scope": "network", "accounts": null })))
        .route("/internal/getAccountState", post(account_state))
        .route("/internal/requestResync", constant(Value::Null))
        .route("/internal/lookedAt", looked_at)
        .route("/internal/listRejected", post(rejected))
        .route("/internal/listBackfills", constant(json!({ "backfills": [backfill("running")] })))
        .route("/internal/beginBackfill", post(begin_backfill))
        .route("/internal/changeBackfill", post(change_backfill))
}

fn source() -> Value {
    json!({
        "name": SOURCE, "kind": "relay", "url": "wss://relay.test", "connected": true, "stopped": false,
        "receivedSeq": 100, "verifiedSeq": 99, "appendedSeq": 98, "cursor": 97, "receivedTimeUs": null,
        "lagUs": null, "outstanding": 3, "lastError": null, "gapUs": null, "rejected": {},
    })
}

fn status() -> Value {
    json!({
        "version": "0.0.0", "startedUs": START_US, "nowUs": START_US + 5_000_000, "running": true,
        "logEngine": "SQLite", "storeEngine": "SQLite",
        "counts": { "events": 7, "verified": 5, "rejected": { "signature": 2 } },
        "log": [{ "partition": 0, "oldest": 0, "tail": 1_000 }],
        "accounts": { "countedUs": START_US, "byState": { "complete": 3, "partial": 4 } },
        "recent": [
            { "timeUs": START_US, "events": 1, "entries": 1, "rejected": 0, "tail": 0 },
            { "timeUs": START_US + 2_000_000, "events": 7, "entries": 5, "rejected": 2, "tail": 1_000 },
        ],
    })
}

fn hosts() -> Value {
    json!({
        "countedUs": START_US, "more": 0, "unknownAccounts": 1,
        "hosts": [{
            "host": "https://pds.test", "accounts": 6, "desynchronized": 1, "waiting": 1, "failing": 1,
            "attempts": 3, "nextTryUs": null, "error": "status 502", "pausedMs": 9_000,
        }],
    })
}

/// A backfill as it stands; `state` is what it was told to be.
fn backfill(state: &str) -> Value {
    json!({
        "id": 7, "kind": "network", "asked": "", "again": false, "state": state, "listing": true,
        "found": 50, "passed": 5, "fetched": 20, "failed": { "host": 1 }, "records": 900, "bytes": 70_000,
        "error": null, "begunUs": START_US, "changedUs": START_US, "endedUs": null,
        "accountsPerSecond": 2.5, "recordsPerSecond": 100.0, "leftUs": null,
    })
}

/// As ingest does, one of a list needs the list.
async fn begin_backfill(Json(question): Json<Value>) -> Response {
    if question["kind"] == "list" && question["list"].is_null() {
        let message = "a backfill of a list needs the list's URI";
        let body = json!({ "error": "InvalidRequest", "message": message });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let mut begun = backfill("running");
    begun["kind"] = question["kind"].clone();
    begun["found"] = question["dids"].as_array().map_or(0, Vec::len).into();
    Json(begun).into_response()
}

async fn change_backfill(Json(question): Json<Value>) -> Json<Value> {
    let state = match question["change"].as_str() {
        Some("pause") => "paused",
        Some("resume") => "running",
        _ => "cancelled",
    };
    Json(backfill(state))
}

async fn account_state(Json(question): Json<Value>) -> Json<Value> {
    let (name, state, rev) = match &question["did"] {
        asked if asked == did(KNOWN).as_str() => (KNOWN, "partial", None),
        asked if asked == did(WHOLE).as_str() => {
            (WHOLE, "complete", Some(Tid::from_time(WHOLE_UNTIL_US, 0)))
        }
        _ => return Json(Value::Null),
    };
    Json(json!({
        "did": did(name), "syncState": state, "rev": rev, "data": null,
        "pds": "https://pds.test", "active": true, "status": null, "statusUs": null,
        "updatedUs": START_US, "attempts": 0, "nextTryUs": null, "error": null,
        "countsExact": { "own": rev.is_some(), "byOthers": false },
    }))
}

/// A few events with numbers that go down, of the reason asked for.
async fn rejected(Json(question): Json<Value>) -> Json<Value> {
    let reason = question["reason"].as_str().unwrap_or("signature").to_owned();
    let before = question["before"].as_i64().unwrap_or(6);
    let limit = question["limit"].as_u64().unwrap_or(0);
    let events = (1..before.min(6)).rev().take(usize::try_from(limit).unwrap_or(0)).map(|id| {
        json!({
            "id": id, "source": SOURCE, "seq": id, "did": did(KNOWN), "reason": reason,
            "detail": "not the account's key", "bytes": 40, "seenUs": START_US,
        })
    });
    Json(events.collect())
}
