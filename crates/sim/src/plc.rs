//! `GET /plc/{did}`: the DID document of an account, as a PLC directory answers.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use millrace_atproto::syntax::Did;
use serde_json::json;

use crate::network::Shared;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/plc/{did}", get(document))
}

async fn document(State(shared): State<Arc<Shared>>, Path(did): Path<String>) -> Response {
    let world = shared.world.lock();
    let account = Did::parse(&did).ok().and_then(|did| world.account(&did));
    let Some(account) = account else {
        return (
            StatusCode::NOT_FOUND,
            Json(json!({"message": format!("DID not registered: {did}")})),
        )
            .into_response();
    };
    let identity = &account.identity;
    Json(json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": identity.did.as_str(),
        "alsoKnownAs": [format!("at://{}", identity.handle)],
        "verificationMethod": [{
            "id": format!("{}#atproto", identity.did),
            "type": "Multikey",
            "controller": identity.did.as_str(),
            "publicKeyMultibase": identity.key.public().to_multibase(),
        }],
        "service": [{
            "id": "#atproto_pds",
            "type": "AtprotoPersonalDataServer",
            "serviceEndpoint": shared.pds_url,
        }],
    }))
    .into_response()
}
