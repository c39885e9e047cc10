//! A PLC directory that also answers for handles: who signs with which key, as the tests say.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use millrace_atproto::Did;
use millrace_atproto::crypto::{Curve, SigningKey};
use parking_lot::Mutex;
use serde_json::json;

/// The directory's contents; clones are the same directory.
#[derive(Clone, Default)]
pub struct Directory(Arc<Inner>);

#[derive(Default)]
struct Inner {
    keys: Mutex<HashMap<Did, SigningKey>>,
    handles: Mutex<HashMap<String, Did>>,
    /// Where services answer.
    feed_servers: Mutex<HashMap<Did, String>>,
    /// Where accounts are hosted.
    pds: Mutex<HashMap<Did, String>>,
    asked: AtomicUsize,
    down: AtomicBool,
}

impl Directory {
    /// Registers an account with a key drawn from `seed`; again, with another, rotates it.
    pub fn register(&self, did: &Did, seed: u8) -> SigningKey {
        let curve = if seed.is_multiple_of(2) { Curve::K256 } else { Curve::P256 };
        let key = SigningKey::generate(curve, &mut |bytes| bytes.fill(seed.max(1)));
        self.0.keys.lock().insert(did.clone(), key.clone());
        key
    }

    pub fn key(&self, did: &Did) -> Option<SigningKey> {
        self.0.keys.lock().get(did).cloned()
    }

    pub fn point(&self, handle: &str, did: &Did) {
        self.0.handles.lock().insert(handle.to_owned(), did.clone());
    }

    /// A service makes feeds at an endpoint.
    pub fn serves_feeds(&self, did: &Did, endpoint: &str) {
        self.register(did, 1);
        self.0.feed_servers.lock().insert(did.clone(), endpoint.to_owned());
    }

    /// An account is hosted at an endpoint.
    pub fn hosts(&self, did: &Did, endpoint: &str) {
        self.0.pds.lock().insert(did.clone(), endpoint.to_owned());
    }

    /// From now on every question fails.
    pub fn go_down(&self) {
        self.0.down.store(true, Ordering::SeqCst);
    }

    /// Questions that were asked so far.
    pub fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    pub fn routes(&self) -> Router {
        Router::new()
            .route("/.well-known/atproto-did", get(handle))
            .route("/{did}", get(document))
            .with_state(self.clone())
    }
}

/// The key by which a labeler signs: another than the account's.
pub fn label_key(did: &Did) -> SigningKey {
    let seed = did.as_str().len() as u8;
    SigningKey::generate(Curve::K256, &mut |bytes| bytes.fill(seed | 0x40))
}

async fn document(State(directory): State<Directory>, Path(did): Path<String>) -> Response {
    directory.0.asked.fetch_add(1, Ordering::SeqCst);
    if directory.0.down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let Ok(did) = Did::parse(&did) else { return StatusCode::NOT_FOUND.into_response() };
    let Some(key) = directory.key(&did) else { return StatusCode::NOT_FOUND.into_response() };
    let endpoint = directory.0.feed_servers.lock().get(&did).cloned();
    let service = |id: &str, kind: &str, endpoint: String| json!({ "id": id, "type": kind, "serviceEndpoint": endpoint });
    let feeds = endpoint.map(|endpoint| service("#bsky_fg", "BskyFeedGenerator", endpoint));
    let pds = directory.0.pds.lock().get(&did).cloned();
    let pds = pds.map(|pds| service("#atproto_pds", "AtprotoPersonalDataServer", pds));
    let handles = directory.0.handles.lock();
    let known_as: Vec<String> = handles
        .iter()
        .filter(|(_, of)| **of == did)
        .map(|(handle, _)| format!("at://{handle}"))
        .collect();
    Json(json!({
        "id": did,
        "alsoKnownAs": known_as,
        "verificationMethod": [{
            "id": format!("{did}#atproto"),
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": key.public().to_multibase(),
        }, {
            "id": format!("{did}#atproto_label"),
            "type": "Multikey",
            "controller": did,
            "publicKeyMultibase": label_key(&did).public().to_multibase(),
        }],
        "service": feeds.into_iter().chain(pds).collect::<Vec<_>>(),
    }))
    .into_response()
}

async fn handle(State(directory): State<Directory>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    match directory.0.handles.lock().get(host) {
        Some(did) => did.to_string().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
