//! Ingest's side of `/internal`: one source, one account that is known, one event that was refused.

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::people::did;
use crate::world::{SOURCE, START_US};

/// The account of which something is missing.
pub const KNOWN: &str = "alice";

pub fn routes() -> Router {
    let constant = |answer: Value| post(async move || Json(answer));
    Router::new()
        .route("/internal/listSources", constant(json!([source()])))
        .route("/internal/getStatus", constant(status()))
        .route("/internal/listHosts", constant(hosts()))
        .route("/internal/getScope", constant(json!({ "scope": "network", "accounts": null })))
        .route("/internal/getAccountState", post(account_state))
        .route("/internal/requestResync", constant(Value::Null))
        .route("/internal/listRejected", post(rejected))
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

async fn account_state(Json(question): Json<Value>) -> Json<Value> {
    if question["did"] != did(KNOWN).as_str() {
        return Json(Value::Null);
    }
    Json(json!({
        "did": did(KNOWN), "syncState": "partial", "rev": null, "data": null,
        "pds": "https://pds.test", "active": true, "status": null, "statusUs": null,
        "updatedUs": START_US, "attempts": 0, "nextTryUs": null, "error": null,
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
