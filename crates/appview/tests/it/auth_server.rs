//! The authorization server that a PDS is itself: a request is pushed, a browser comes back with a code for it, and the
//! code is good once. What the protocol has of proofs is tested where they are made (`millrace-net`).

use std::collections::HashMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};

use crate::pds::{Pds, refused};

type Told = HashMap<String, String>;

fn told(body: &str) -> Told {
    url::form_urlencoded::parse(body.as_bytes()).into_owned().collect()
}

pub fn routes() -> Router<Pds> {
    Router::new()
        .route("/.well-known/oauth-protected-resource", get(resource))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/oauth/par", post(push))
        .route("/oauth/token", post(token))
        .route("/oauth/revoke", post(revoke))
}

impl Pds {
    /// What a browser brings back that said yes.
    pub fn agreed(&self) -> String {
        self.back(&[("code", &format!("code of {}", self.state()))])
    }

    /// What it brings back with these parameters, for the last one who asked.
    pub fn back(&self, params: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("state", &self.state());
        if params.iter().all(|(name, _)| *name != "iss") {
            query.append_pair("iss", &self.origin);
        }
        query.extend_pairs(params).finish()
    }

    fn state(&self) -> String {
        self.known.lock().pushed["state"].clone()
    }
}

async fn resource(State(Pds { origin, .. }): State<Pds>) -> Json<Value> {
    Json(json!({ "resource": origin, "authorization_servers": [origin] }))
}

async fn metadata(State(Pds { origin, .. }): State<Pds>) -> Json<Value> {
    Json(json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/oauth/authorize"),
        "token_endpoint": format!("{origin}/oauth/token"),
        "pushed_authorization_request_endpoint": format!("{origin}/oauth/par"),
        "revocation_endpoint": format!("{origin}/oauth/revoke"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["atproto"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "authorization_response_iss_parameter_supported": true,
        "require_pushed_authorization_requests": true,
        "client_id_metadata_document_supported": true,
    }))
}

fn with_nonce(status: StatusCode, answer: Value) -> Response {
    (status, [("dpop-nonce", "nonce")], Json(answer)).into_response()
}

async fn push(State(pds): State<Pds>, body: String) -> Response {
    let told = told(&body);
    pds.known.lock().pushed = told;
    with_nonce(StatusCode::CREATED, json!({ "request_uri": "urn:request:1", "expires_in": 60 }))
}

async fn token(State(pds): State<Pds>, body: String) -> Response {
    let told = told(&body);
    let mut known = pds.known.lock();
    let given = match told["grant_type"].as_str() {
        "refresh_token" => known.renew(&told["refresh_token"]),
        _ => {
            let state = known.pushed.remove("state");
            let code = state.map(|state| format!("code of {state}"));
            (code.as_ref() == told.get("code")).then(|| known.give())
        }
    };
    let Some((access, refresh)) = given else {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let sub = known.lies.clone().unwrap_or_else(|| pds.did.clone());
    let scope = "atproto transition:generic";
    let answer = json!({
        "access_token": access, "refresh_token": refresh, "token_type": "DPoP", "sub": sub, "scope": scope,
        "expires_in": 3_600,
    });
    with_nonce(StatusCode::OK, answer)
}

async fn revoke(State(pds): State<Pds>, body: String) -> Response {
    let told = told(&body);
    pds.known.lock().end(&told["token"]);
    with_nonce(StatusCode::OK, json!({}))
}
