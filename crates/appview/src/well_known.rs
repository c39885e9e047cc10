//! `/.well-known/did.json`: the DID document by which PDSs find a service named by `did:web`.
//! A service with another kind of DID has its document elsewhere, and nothing here.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::config::AppviewConfig;
use crate::error::XrpcError;
use crate::service_key::ServiceKey;

pub(crate) fn router(config: &AppviewConfig) -> Router {
    let document = (config.service_did.method() == "web").then(|| did_document(config));
    let answer = move || {
        let document = document.clone();
        async move { document.map(Json).ok_or(XrpcError::NotFound) }
    };
    Router::new().route("/.well-known/did.json", get(answer))
}

/// Who this service is: where it answers, and the keys it signs with.
pub fn did_document(config: &AppviewConfig) -> Value {
    let service = |id: &str, kind: &str| json!({ "id": id, "type": kind, "serviceEndpoint": config.public_url.as_str() });
    let key = |id: &str, key: &ServiceKey| {
        json!({
            "id": format!("{}{id}", config.service_did),
            "type": "Multikey",
            "controller": config.service_did.as_str(),
            "publicKeyMultibase": key.public_multibase(),
        })
    };
    // One key for what the service says, and for the labels it issues.
    let known = config.service_key.as_ref();
    let keys = known.map(|known| ["#atproto", "#atproto_label"].map(|id| key(id, known)));
    let mut services = vec![
        service("#bsky_notif", "BskyNotificationService"),
        service("#bsky_appview", "BskyAppView"),
    ];
    if known.is_some() {
        services.push(service("#atproto_labeler", "AtprotoLabeler"));
    }
    if config.feed_publisher.is_some() {
        services.push(service("#bsky_fg", "BskyFeedGenerator"));
    }
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "id": config.service_did.as_str(),
        "verificationMethod": keys.into_iter().flatten().collect::<Vec<Value>>(),
        "service": services,
    })
}
