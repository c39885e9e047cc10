//! What a server answers, before or after it lies.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Form, Nonces, Play, Shared};

pub(super) fn router(play: Shared) -> Router {
    Router::new()
        .route("/plc/{did}", get(document))
        .route("/.well-known/atproto-did", get(handle))
        .route("/.well-known/oauth-protected-resource", get(resource))
        .route("/.well-known/oauth-authorization-server", get(metadata))
        .route("/oauth/{endpoint}", post(endpoint))
        .route("/xrpc/{method}", any(xrpc))
        .with_state(play)
}

async fn document(
    State(play): State<Shared>,
    Path(did): Path<String>,
) -> Result<String, StatusCode> {
    play.lock().documents.get(&did).map(Value::to_string).ok_or(StatusCode::NOT_FOUND)
}

async fn handle(State(play): State<Shared>, headers: HeaderMap) -> Result<String, StatusCode> {
    let handle = headers[HOST].to_str().unwrap_or_default();
    play.lock().handles.get(handle).cloned().ok_or(StatusCode::NOT_FOUND)
}

async fn resource(State(play): State<Shared>) -> Response {
    let told = |origin: &str| json!({ "resource": origin, "authorization_servers": [origin] });
    well_known(&play, "resource", told)
}

async fn metadata(State(play): State<Shared>) -> Response {
    well_known(&play, "server", |origin| {
        json!({
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
        })
    })
}

fn well_known(play: &Shared, name: &str, told: impl Fn(&str) -> Value) -> Response {
    let mut play = play.lock();
    play.asked.push(name.to_owned());
    if let Some((status, kind, body)) = play.instead.get(name).cloned() {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        if status.is_redirection() {
            return (status, [(LOCATION, body)]).into_response();
        }
        return (status, [(CONTENT_TYPE, kind)], body).into_response();
    }
    let told = play.changed(name, told(&play.origin));
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], told.to_string()).into_response()
}

async fn endpoint(
    State(play): State<Shared>,
    Path(endpoint): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let mut play = play.lock();
    play.asked.push(endpoint.clone());
    play.headers = headers.clone();
    let form: Form = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    play.last = body;
    let answered = answer(&mut play, &endpoint, &headers, form);
    if play.nonces == Nonces::EveryRequest {
        play.nonce += 1;
    }
    let (status, value) = match answered {
        Ok(value) if endpoint == "par" => (201, value),
        Ok(value) => (200, value),
        Err((status, value)) => (status, value),
    };
    let json = [(CONTENT_TYPE, "application/json")];
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let mut response = (status, json, value.to_string()).into_response();
    if let Some(nonce) = play.nonce() {
        response.headers_mut().insert("dpop-nonce", nonce.parse().unwrap());
    }
    response
}

fn answer(
    play: &mut Play,
    endpoint: &str,
    headers: &HeaderMap,
    form: Form,
) -> Result<Value, (u16, Value)> {
    let refused = |reason: &'static str| {
        let error = match reason {
            "invalid_grant" | "use_dpop_nonce" => reason,
            "unknown kid" => "invalid_client",
            _ => "invalid_request",
        };
        (400, json!({ "error": error, "error_description": reason }))
    };
    let jkt = play.prove(headers, "POST", &format!("/oauth/{endpoint}")).map_err(refused)?;
    let kid = play.client(&form).map_err(refused)?;
    if let Some(refusal) = play.refusals.get(endpoint).cloned() {
        return Err(refusal);
    }
    match endpoint {
        "par" => play.par(form, jkt, kid).map(|value| play.changed("par", value)),
        "token" => play.token(&form, jkt, kid).map(|value| play.changed("token", value)),
        "revoke" => {
            play.revoked.push(form["token"].clone());
            play.sessions.remove(&form["token"]);
            Ok(json!({}))
        }
        _ => Err("no such endpoint"),
    }
    .map_err(refused)
}

/// Every method answers what it was asked, to whoever shows a token that has not ended.
async fn xrpc(
    State(play): State<Shared>,
    Path(method): Path<String>,
    request: axum::http::Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut play = play.lock();
    play.asked.push(method.clone());
    play.headers = headers.clone();
    play.last = String::from_utf8_lossy(&body).into_owned();
    if let Some((status, value)) = play.refusals.get("xrpc").cloned() {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        return (status, value.to_string()).into_response();
    }
    if method.starts_with("com.atproto.server.") && method != "com.atproto.server.getSession" {
        let (status, value) = password_session(&mut play, &method, &headers, &body);
        return (StatusCode::from_u16(status).unwrap_or_default(), value.to_string())
            .into_response();
    }
    let token =
        headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let proven = match token.split_once(' ') {
        Some(("DPoP", token)) => {
            play.prove(&headers, request.as_str(), &format!("/xrpc/{method}")).and_then(|jkt| {
                (play.access.get(token) == Some(&jkt)).then_some(()).ok_or("invalid_token")
            })
        }
        Some(("Bearer", token)) => {
            play.access.contains_key(token).then_some(()).ok_or("ExpiredToken")
        }
        _ => Err("no token"),
    };
    if play.nonces == Nonces::EveryRequest {
        play.nonce += 1;
    }
    let mut response = match proven {
        Ok(()) => {
            let did = play.sub.clone();
            let text = json!({ "did": did, "handle": "alice.test", "method": method, "blob": { "size": body.len() } });
            text.to_string().into_response()
        }
        Err("ExpiredToken") => {
            (StatusCode::BAD_REQUEST, json!({ "error": "ExpiredToken" }).to_string())
                .into_response()
        }
        Err(reason) => {
            let challenge = format!("DPoP error=\"{reason}\"");
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, challenge)]).into_response()
        }
    };
    if let Some(nonce) = play.nonce() {
        response.headers_mut().insert("dpop-nonce", nonce.parse().unwrap());
    }
    response
}

/// Sessions for the password `app-pass`.
fn password_session(
    play: &mut Play,
    method: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> (u16, Value) {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer =
        bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned();
    match method {
        "com.atproto.server.createSession" => {
            let input: Value = serde_json::from_slice(body).unwrap_or_default();
            if input["password"] != "app-pass" {
                return (401, json!({ "error": "AuthenticationRequired" }));
            }
            if play.refusals.contains_key("code") && input["authFactorToken"] != "123456" {
                return (401, json!({ "error": "AuthFactorTokenRequired" }));
            }
        }
        _ => {
            if play.sessions.remove(&bearer).is_none() {
                return (400, json!({ "error": "ExpiredToken", "message": "Token has expired" }));
            }
            if method == "com.atproto.server.deleteSession" {
                play.revoked.push(bearer);
                return (200, json!({}));
            }
        }
    }
    let (access, refresh) = (play.serial("access"), play.serial("refresh"));
    play.access.insert(access.clone(), String::new());
    play.sessions.insert(refresh.clone(), Default::default());
    let told = json!({ "did": play.sub, "handle": "alice.test", "accessJwt": access, "refreshJwt": refresh });
    (200, play.changed("password", told))
}
