//! The service as others find it at its public address, beside what this configuration would have it say: who
//! answers, its DID document, and what authorization servers read.

use std::fmt::Display;

use http::StatusCode;
use millrace_appview::{AppviewConfig, ClientDocuments, client_documents, did_document};
use millrace_net::{Request, Resolver};
use millrace_runtime::metrics::Registry;
use serde_json::Value;

use super::network::{http, limits};
use super::{Line, Patient};
use crate::failure::Failure;
use crate::folder;
use crate::roles::Role;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const ADDRESS: &str = "public address";
const DOCUMENT: &str = "did document";
const OAUTH: &str = "oauth client";
const PROXY: &str = "look at what is before the server: DNS, the certificate, and that the proxy passes every path on to appview.listen";
const RESTART: &str =
    "the server runs with another configuration: start it again, or correct this one";
/// Characters shown of what somebody else says.
const SHOWN_CHARS: usize = 200;

pub(super) async fn address(patient: &Patient) -> Vec<Line> {
    let config = patient.config.appview();
    if !patient.roles.has(Role::Appview) {
        return vec![Line::skipped(ADDRESS, "this role has none")];
    }
    if config.public_url == AppviewConfig::default().public_url {
        return vec![Line::skipped(ADDRESS, "appview.public_url is not set: only this machine")];
    }
    let (health, document, oauth) =
        tokio::join!(health(patient, &config), document(patient, &config), oauth(patient, &config));
    vec![health, document, oauth]
}

/// Nobody answers, which is as it should be where no server runs.
fn absent(patient: &Patient, name: &str, reason: &dyn Display) -> Line {
    if folder::appview(&patient.config.data_dir).is_none() {
        let found = format!("looked at when the AppView of this data folder runs ({reason})");
        return Line::skipped(name, found);
    }
    Line::bad(name, reason.to_string(), PROXY)
}

async fn health(patient: &Patient, config: &AppviewConfig) -> Line {
    let url = format!("{}/xrpc/_health", config.public_url.as_str());
    let (status, body) = match asked(patient, &url).await {
        Ok(answer) => answer,
        Err(reason) => return absent(patient, ADDRESS, &reason),
    };
    let version = body.as_ref().and_then(|body| body["version"].as_str());
    match (status, version) {
        (StatusCode::OK, Some(version)) if version == VERSION => {
            Line::ok(ADDRESS, format!("{} answers", config.public_url.as_str()))
        }
        (StatusCode::OK, Some(version)) => {
            let version = shortened(version);
            Line::ok(
                ADDRESS,
                format!("{url}: version {version} answers, this program is {VERSION}"),
            )
        }
        (StatusCode::SERVICE_UNAVAILABLE, Some(_)) => Line::bad(
            ADDRESS,
            format!("{url}: the AppView cannot reach the data-plane"),
            "run `millrace doctor` and `millrace status` where the data-plane runs",
        ),
        (status, _) if status.is_server_error() => {
            absent(patient, ADDRESS, &format!("{url}: status {status}"))
        }
        (status, _) => Line::bad(
            ADDRESS,
            format!("{url}: status {status}, and not the answer of an AppView"),
            PROXY,
        ),
    }
}

async fn document(patient: &Patient, config: &AppviewConfig) -> Line {
    let did = &config.service_did;
    let found = match resolver(patient) {
        Ok(resolver) => resolver.document(did).await,
        Err(failure) => return Line::failed(DOCUMENT, &failure),
    };
    let found = match found {
        Ok(bytes) => serde_json::from_slice::<Value>(&bytes),
        Err(error) => return absent(patient, DOCUMENT, &error),
    };
    let Ok(found) = found else {
        return Line::bad(DOCUMENT, format!("what is given for {did} is no JSON"), PROXY);
    };
    match differing(&did_document(config), &found) {
        None => Line::ok(DOCUMENT, format!("{did} is this service")),
        Some(differs) => Line::bad(DOCUMENT, format!("{did}: {differs}"), RESTART)
            .because("PDSs and clients believe the document, and not the configuration"),
    }
}

/// What of the document is not as it should be: its id, an endpoint, or a key.
fn differing(ours: &Value, found: &Value) -> Option<String> {
    if found["id"] != ours["id"] {
        return Some(format!("the document is of {}", told(&found["id"])));
    }
    for service in list(&ours["service"]) {
        let endpoint = &entry(found, "service", service)["serviceEndpoint"];
        let bare = |url: &Value| url.as_str().map(|url| url.trim_end_matches('/').to_owned());
        if bare(endpoint) != bare(&service["serviceEndpoint"]) {
            return Some(format!(
                "{} is at {}, and appview.public_url is {}",
                fragment(service),
                told(endpoint),
                told(&service["serviceEndpoint"]),
            ));
        }
    }
    for key in list(&ours["verificationMethod"]) {
        let public = &entry(found, "verificationMethod", key)["publicKeyMultibase"];
        if *public != key["publicKeyMultibase"] {
            return Some(format!(
                "the key {} is {}, and that of appview.service_key is {}",
                fragment(key),
                told(public),
                told(&key["publicKeyMultibase"]),
            ));
        }
    }
    None
}

/// The entry of `found` that has the same name as `ours`.
fn entry<'a>(found: &'a Value, field: &str, ours: &Value) -> &'a Value {
    let same = |entry: &&Value| fragment(entry) == fragment(ours);
    list(&found[field]).iter().find(same).unwrap_or(&Value::Null)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// `#name`, whether or not a DID stands before it.
fn fragment(entry: &Value) -> &str {
    let id = entry["id"].as_str().unwrap_or_default();
    id.find('#').map_or(id, |at| &id[at..])
}

async fn oauth(patient: &Patient, config: &AppviewConfig) -> Line {
    match client_documents(config) {
        Ok(Some(ours)) => client(patient, &ours).await,
        Ok(None) => {
            Line::skipped(OAUTH, "no appview.oauth_keys: people sign in with app passwords")
        }
        Err(fault) => Line::failed(OAUTH, &Failure::plain(fault)),
    }
}

async fn client(patient: &Patient, ClientDocuments { metadata, jwks }: &ClientDocuments) -> Line {
    for (ours, url) in [(metadata, &metadata["client_id"]), (jwks, &metadata["jwks_uri"])] {
        let url = url.as_str().unwrap_or_default();
        let (status, found) = match asked(patient, url).await {
            Ok(answer) => answer,
            Err(reason) => return absent(patient, OAUTH, &reason),
        };
        match (status, found) {
            (StatusCode::OK, Some(found)) if found == *ours => {}
            (StatusCode::OK, Some(found)) => {
                let differs = fields(ours, &found);
                return Line::bad(OAUTH, format!("{url} differs in {differs}"), RESTART)
                    .because("authorization servers refuse a client whose documents do not fit");
            }
            (status, _) if status.is_server_error() => {
                return absent(patient, OAUTH, &format!("{url}: status {status}"));
            }
            (status, _) => {
                let found = format!("{url}: status {status}, and not the document");
                return Line::bad(OAUTH, found, PROXY);
            }
        }
    }
    let keys = list(&jwks["keys"]).len();
    Line::ok(OAUTH, format!("authorization servers find it and its keys ({keys})"))
}

/// Names of the fields that differ.
fn fields(ours: &Value, found: &Value) -> String {
    let (Some(ours), Some(found)) = (ours.as_object(), found.as_object()) else {
        return "everything".to_owned();
    };
    let differs = ours.iter().filter(|(name, value)| found.get(*name) != Some(value));
    let names: Vec<&str> = differs.map(|(name, _)| name.as_str()).collect();
    if names.is_empty() { "fields of its own".to_owned() } else { names.join(", ") }
}

fn resolver(patient: &Patient) -> Result<Resolver, Failure> {
    let config = patient.config.network.resolver.clone();
    let resolver = Resolver::new(http(patient)?, config, patient.clock.clone(), &Registry::new());
    resolver.map_err(Failure::plain)
}

/// The status, and the body where it is JSON. Nobody follows redirects of such documents.
async fn asked(patient: &Patient, url: &str) -> Result<(StatusCode, Option<Value>), String> {
    let http = http(patient).map_err(|failure| failure.to_string())?;
    let request = Request::get(url).unredirected();
    let answer = http.send(request, limits(patient)).await.map_err(|error| error.to_string())?;
    let status = StatusCode::from_u16(answer.status).map_err(|error| error.to_string())?;
    Ok((status, serde_json::from_slice(&answer.body).ok()))
}

fn told(value: &Value) -> String {
    match value.as_str() {
        Some(text) => shortened(text),
        None => "not named".to_owned(),
    }
}

/// Of what others say only so much, and nothing that a terminal obeys.
fn shortened(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(SHOWN_CHARS).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::net::Ipv4Addr;
    use std::time::Duration;

    use axum::routing::get;
    use axum::{Json, Router};
    use millrace_runtime::clock::SystemClock;
    use millrace_runtime::supervise::TaskSet;
    use serde_json::json;
    use tokio::net::TcpListener;

    use super::super::State;
    use super::*;
    use crate::config::Config;
    use crate::roles::Roles;

    fn document(endpoint: &str, key: &str) -> Value {
        json!({
            "id": "did:web:a.example",
            "service": [
                { "id": "#other", "serviceEndpoint": "https://other.example" },
                { "id": "did:web:a.example#bsky_appview", "serviceEndpoint": endpoint },
            ],
            "verificationMethod": [{ "id": "did:web:a.example#atproto", "publicKeyMultibase": key }],
        })
    }

    #[test]
    fn what_differs_in_a_document_is_named() {
        let ours = json!({
            "id": "did:web:a.example",
            "service": [{ "id": "#bsky_appview", "serviceEndpoint": "https://a.example" }],
            "verificationMethod": [{ "id": "did:web:a.example#atproto", "publicKeyMultibase": "zA" }],
        });
        let check = |found: Value, named: Option<&str>| {
            let differs = differing(&ours, &found);
            assert_eq!(differs.is_some(), named.is_some(), "{differs:?}");
            let named = named.unwrap_or_default();
            assert!(differs.unwrap_or_default().contains(named), "{named}");
        };
        check(document("https://a.example", "zA"), None);
        check(document("https://a.example/", "zA"), None);
        check(document("https://b.example", "zA"), Some("is at https://b.example"));
        check(document("https://a.example", "zB"), Some("is zB"));
        check(json!({ "id": "did:web:b.example" }), Some("of did:web:b.example"));
        check(json!({ "id": "did:web:a.example" }), Some("#bsky_appview is at not named"));
        check(json!([1]), Some("not named"));
    }

    #[tokio::test]
    async fn authorization_servers_must_find_the_same_documents() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({
            "client_id": format!("{base}/client"), "jwks_uri": format!("{base}/jwks"), "scope": "atproto",
        });
        let jwks = json!({ "keys": [{ "kid": "a" }] });
        let given = (metadata.clone(), jwks.clone());
        let routes = Router::new()
            .route("/client", get(async move || Json(given.0)))
            .route("/jwks", get(async move || Json(given.1)));
        let mut tasks = TaskSet::new();
        tasks.spawn("server", async move { axum::serve(listener, routes).await.unwrap() });

        let mut config = Config::default();
        config.network.http.allow_loopback = true;
        let patient = Patient {
            config,
            roles: Roles::all(),
            clock: SystemClock::shared(),
            limit: Duration::from_secs(5),
            running: Vec::new(),
            did: None,
        };
        let check = async |metadata: &Value, jwks: &Value, expected: State, told: &str| {
            let ours = ClientDocuments { metadata: metadata.clone(), jwks: jwks.clone() };
            let line = client(&patient, &ours).await;
            assert!(line.state == expected && line.found.contains(told), "{line:?}");
            assert_eq!(line.hint.is_some(), expected == State::Bad, "{line:?}");
        };
        let with = |name: &str, value: String| {
            let mut metadata = metadata.clone();
            metadata[name] = value.into();
            metadata
        };
        check(&metadata, &jwks, State::Ok, "its keys (1)").await;
        check(&with("scope", "other".to_owned()), &jwks, State::Bad, "differs in scope").await;
        check(&metadata, &json!({ "keys": [] }), State::Bad, "differs in keys").await;
        let elsewhere = with("client_id", format!("{base}/elsewhere"));
        check(&elsewhere, &jwks, State::Bad, "status 404").await;
        // No AppView runs on this folder, and nobody answers.
        let nobody = with("client_id", "http://127.0.0.1:9/client".to_owned());
        check(&nobody, &jwks, State::Skipped, "looked at when").await;
    }
}
