//! DID documents: of the PLC directory (`GET /plc/{did}`), and of did:web accounts at their PDS's port.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use millrace_atproto::crypto::PublicKey;
use millrace_atproto::syntax::Did;
use serde_json::{Value, json};

use crate::Service;
use crate::door::Door;
use crate::shared::{Scope, Shared, Urls};
use crate::world::{Account, World};

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/plc/{did}", get(document))
}

async fn document(State(shared): State<Arc<Shared>>, Path(did): Path<String>) -> Response {
    let world = shared.world.lock();
    if let Some(service) = world.services().iter().find(|service| service.did.as_str() == did) {
        return Json(service_document(service, &shared.urls)).into_response();
    }
    let account = Did::parse(&did).ok().filter(|did| did.method() == "plc");
    match account.and_then(|did| world.account(&did)) {
        Some(account) if account.tombstoned => {
            let message = format!("DID not available: {did}");
            (StatusCode::GONE, Json(json!({"message": message}))).into_response()
        }
        Some(account) => Json(account_document(&world, account, &shared.urls)).into_response(),
        None => {
            let message = format!("DID not registered: {did}");
            (StatusCode::NOT_FOUND, Json(json!({"message": message}))).into_response()
        }
    }
}

/// The document of the did:web that names this PDS's port.
pub(crate) async fn web_document(State(door): State<Door>) -> Response {
    let world = door.shared.world.lock();
    let account = match door.scope {
        Scope::Host(host) => web_account(&world, door.shared.urls.host(host)),
        Scope::Relay => None,
    };
    match account.filter(|account| !account.tombstoned) {
        Some(account) => Json(account_document(&world, account, &door.shared.urls)).into_response(),
        None => (StatusCode::NOT_FOUND, "no document here").into_response(),
    }
}

fn web_account<'a>(world: &'a World, url: &str) -> Option<&'a Account> {
    let port = url.rsplit(':').next()?;
    let did = Did::parse(&format!("did:web:localhost%3A{port}")).ok()?;
    world.account(&did)
}

/// An account that is a labeler has its stream at an address of its own; of one without a stream none answers.
fn account_document(world: &World, account: &Account, urls: &Urls) -> Value {
    let place = world.labelers().position(|did| *did == account.identity.did);
    let labels_url = place.and_then(|place| urls.labelers.get(place)).unwrap_or(&urls.core);
    let (identity, did) = (&account.identity, &account.identity.did);
    let pds = urls.host(account.host);
    let mut methods = vec![key(did, "#atproto", &identity.key.public())];
    let mut services = vec![service("#atproto_pds", "AtprotoPersonalDataServer", pds)];
    if let Some(label_key) = &identity.label_key {
        methods.push(key(did, "#atproto_label", &label_key.public()));
        services.push(service("#atproto_labeler", "AtprotoLabeler", labels_url));
    }
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": did.as_str(),
        "alsoKnownAs": [format!("at://{}", identity.handle)],
        "verificationMethod": methods,
        "service": services,
    })
}

fn service_document(of: &Service, urls: &Urls) -> Value {
    json!({
        "@context": ["https://www.w3.org/ns/did/v1"],
        "id": of.did.as_str(),
        "service": [service("#bsky_fg", "BskyFeedGenerator", urls.of_service(of))],
    })
}

fn key(did: &Did, id: &str, key: &PublicKey) -> Value {
    json!({
        "id": format!("{did}{id}"),
        "type": "Multikey",
        "controller": did.as_str(),
        "publicKeyMultibase": key.to_multibase(),
    })
}

fn service(id: &str, kind: &str, url: &str) -> Value {
    json!({"id": id, "type": kind, "serviceEndpoint": url})
}
