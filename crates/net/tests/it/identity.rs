//! Documents, handles, what is kept and when it is asked again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::{Did, Handle};
use millrace_net::{HttpConfig, ResolveError, Resolver, ResolverConfig};
use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::server::{Server, client};

const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

/// A directory and a handle base, as a test changes them.
#[derive(Default)]
struct Directory {
    documents: HashMap<String, Value>,
    handles: HashMap<String, String>,
    /// Answered instead of everything.
    failing: Option<StatusCode>,
    asked: Vec<String>,
}

type Shared = Arc<Mutex<Directory>>;

async fn document(
    State(directory): State<Shared>,
    Path(did): Path<String>,
) -> Result<String, StatusCode> {
    let mut directory = directory.lock();
    directory.asked.push(did.clone());
    if let Some(status) = directory.failing {
        return Err(status);
    }
    match directory.documents.get(&did) {
        None => Err(StatusCode::NOT_FOUND),
        Some(Value::Null) => Err(StatusCode::GONE),
        Some(document) => Ok(document.to_string()),
    }
}

async fn handle(State(directory): State<Shared>, headers: HeaderMap) -> Result<String, StatusCode> {
    let mut directory = directory.lock();
    let handle = headers[HOST].to_str().unwrap().to_owned();
    directory.asked.push(handle.clone());
    if let Some(status) = directory.failing {
        return Err(status);
    }
    directory.handles.get(&handle).map(|did| format!("{did}\n")).ok_or(StatusCode::NOT_FOUND)
}

struct World {
    server: Server,
    directory: Shared,
    resolver: Resolver,
    clock: ManualClock,
}

impl World {
    async fn new() -> Self {
        Self::with(|config| config).await
    }

    async fn with(change: impl FnOnce(ResolverConfig) -> ResolverConfig) -> Self {
        let directory = Shared::default();
        let router = Router::new()
            .route("/{did}", get(document))
            .route("/.well-known/atproto-did", get(handle))
            .with_state(Arc::clone(&directory));
        let server = Server::http(router).await;
        let (http, clock) = client(HttpConfig::default());
        let config = change(ResolverConfig {
            plc_url: server.url(""),
            handle_resolver_url: Some(server.url("")),
            ..ResolverConfig::default()
        });
        let resolver = Resolver::new(http, config, clock.shared(), &Registry::new()).unwrap();
        Self { server, directory, resolver, clock }
    }

    /// Registers a document whose key is made from `key`.
    fn register(&self, did: &str, handle: Option<&str>, key: u8) {
        let key = key_of(key);
        let names: Vec<String> = handle.iter().map(|handle| format!("at://{handle}")).collect();
        let document = json!({
            "id": did,
            "alsoKnownAs": names,
            "verificationMethod": [{
                "id": format!("{did}#atproto"), "type": "Multikey", "controller": did, "publicKeyMultibase": key,
            }],
            "service": [{
                "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example.com",
            }],
        });
        self.directory.lock().documents.insert(did.to_owned(), document);
    }

    fn point(&self, handle: &str, did: &str) {
        self.directory.lock().handles.insert(handle.to_owned(), did.to_owned());
    }

    fn fail(&self, status: Option<StatusCode>) {
        self.directory.lock().failing = status;
    }

    /// How many requests there were since the last call.
    fn asked(&self) -> usize {
        std::mem::take(&mut self.directory.lock().asked).len()
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn key(&self, did: &Did) -> String {
        self.resolver.identity(did).await.unwrap().signing_key.as_ref().unwrap().to_multibase()
    }

    async fn verified(&self, did: &Did) -> Option<String> {
        self.resolver.verified_handle(did).await.unwrap().map(|handle| handle.to_string())
    }
}

fn key_of(seed: u8) -> String {
    SigningKey::from_bytes(Curve::K256, &[seed; 32]).unwrap().public().to_multibase()
}

fn alice() -> Did {
    Did::parse(ALICE).unwrap()
}

#[tokio::test]
async fn a_document_is_asked_for_once_a_day() {
    let world = World::new().await;
    world.register(ALICE, Some("alice.test"), 1);
    let identity = world.resolver.identity(&alice()).await.unwrap();
    assert_eq!(identity.pds.as_deref(), Some("https://pds.example.com"));
    assert_eq!(identity.handle.as_ref().unwrap().as_str(), "alice.test");
    world.pass(24 * 3600 - 1);
    world.resolver.identity(&alice()).await.unwrap();
    assert_eq!(world.asked(), 1);
    world.pass(1);
    world.resolver.identity(&alice()).await.unwrap();
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn many_who_want_one_document_share_one_request() {
    let world = World::new().await;
    world.register(ALICE, None, 1);
    let alice = alice();
    let all =
        futures_util::future::join_all((0..50).map(|_| world.resolver.identity(&alice))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_rotated_key_is_seen_by_refreshing() {
    let world = World::new().await;
    world.register(ALICE, None, 1);
    assert_eq!(world.key(&alice()).await, key_of(1));
    world.register(ALICE, None, 2);
    assert_eq!(world.key(&alice()).await, key_of(1), "kept");
    let refreshed = world.resolver.refresh(&alice()).await.unwrap();
    assert_eq!(refreshed.signing_key.as_ref().unwrap().to_multibase(), key_of(2));
    assert_eq!(world.key(&alice()).await, key_of(2));
    assert_eq!(world.asked(), 2);

    // Signatures that never fit must not become a request each.
    for _ in 0..20 {
        world.resolver.refresh(&alice()).await.unwrap();
    }
    assert_eq!(world.asked(), 0);
}

#[tokio::test]
async fn what_is_forgotten_is_asked_again() {
    let world = World::new().await;
    world.register(ALICE, Some("alice.test"), 1);
    world.point("alice.test", ALICE);
    assert_eq!(world.verified(&alice()).await.as_deref(), Some("alice.test"));
    assert_eq!(world.asked(), 2);
    world.resolver.forget(&alice()).await;
    world.register(ALICE, Some("alice.test"), 2);
    assert_eq!(world.verified(&alice()).await.as_deref(), Some("alice.test"));
    assert_eq!(world.key(&alice()).await, key_of(2));
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn that_there_is_none_is_kept_for_two_minutes() {
    let world = World::new().await;
    for _ in 0..3 {
        let error = world.resolver.identity(&alice()).await.unwrap_err();
        assert!(matches!(error, ResolveError::NotFound { .. }) && !error.is_transient(), "{error}");
    }
    assert_eq!(world.asked(), 1);
    world.register(ALICE, None, 1);
    world.pass(120);
    assert_eq!(world.key(&alice()).await, key_of(1));
}

#[tokio::test]
async fn a_tombstone_is_told_apart() {
    let world = World::new().await;
    world.directory.lock().documents.insert(ALICE.to_owned(), Value::Null);
    let error = world.resolver.identity(&alice()).await.unwrap_err();
    assert!(matches!(error, ResolveError::Tombstoned { .. }), "{error}");
}

#[tokio::test]
async fn a_directory_that_fails_does_not_take_identities_away() {
    let world = World::new().await;
    world.fail(Some(StatusCode::BAD_GATEWAY));
    let error = world.resolver.identity(&alice()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
    world.fail(None);
    world.register(ALICE, None, 1);
    world.pass(120);
    assert_eq!(world.key(&alice()).await, key_of(1));

    world.fail(Some(StatusCode::BAD_GATEWAY));
    world.pass(24 * 3600);
    assert_eq!(world.key(&alice()).await, key_of(1), "yesterday's is better than none");
    assert!(world.resolver.refresh(&alice()).await.unwrap_err().is_transient());
    world.pass(8 * 24 * 3600);
    assert!(world.resolver.identity(&alice()).await.is_err());
}

#[tokio::test]
async fn a_document_about_somebody_else_is_refused() {
    let world = World::new().await;
    let other = json!({ "id": "did:plc:other" });
    world.directory.lock().documents.insert(ALICE.to_owned(), other);
    let error = world.resolver.identity(&alice()).await.unwrap_err();
    assert!(matches!(error, ResolveError::Invalid { .. }), "{error}");
}

#[tokio::test]
async fn a_did_of_this_machine_is_asked_of_it() {
    let world = World::new().await;
    let port = world.server.addr.port();
    let did = format!("did:web:localhost%3A{port}");
    let document = json!({ "id": did, "alsoKnownAs": ["at://local.test"] });
    let router =
        Router::new().route("/.well-known/did.json", get(|| async move { document.to_string() }));
    let server = Server::http(router).await;
    let did = did.replace(&port.to_string(), &server.addr.port().to_string());
    // The document names the first server's port: it is about another DID.
    let error = world.resolver.identity(&Did::parse(&did).unwrap()).await.unwrap_err();
    assert!(matches!(error, ResolveError::Invalid { .. }), "{error}");

    for unsupported in ["did:key:zabc", "did:web:example.com:user", "did:web:example.com%3A8443"] {
        let error = world.resolver.identity(&Did::parse(unsupported).unwrap()).await.unwrap_err();
        assert!(matches!(error, ResolveError::Unsupported { .. }), "{unsupported}: {error}");
    }
}

#[tokio::test]
async fn a_handle_is_shown_only_when_both_ways_agree() {
    let world = World::new().await;
    world.register(ALICE, Some("alice.test"), 1);
    world.point("alice.test", ALICE);
    assert_eq!(world.verified(&alice()).await.as_deref(), Some("alice.test"));

    let thief = Did::parse("did:plc:thief").unwrap();
    world.register(thief.as_str(), Some("alice.test"), 2);
    assert_eq!(world.verified(&thief).await, None, "the handle names alice");

    let nobody = Did::parse("did:plc:nobody").unwrap();
    world.register(nobody.as_str(), None, 3);
    assert_eq!(world.verified(&nobody).await, None, "it claims none");

    let dangling = Did::parse("did:plc:dangling").unwrap();
    world.register(dangling.as_str(), Some("gone.test"), 4);
    assert_eq!(world.verified(&dangling).await, None, "it names nobody");

    let reserved = Did::parse("did:plc:reserved").unwrap();
    world.register(reserved.as_str(), Some("box.local"), 5);
    world.point("box.local", reserved.as_str());
    world.asked();
    assert_eq!(world.verified(&reserved).await, None, "its domain is reserved");
    assert_eq!(world.asked(), 1, "only the document was asked for");
}

#[tokio::test]
async fn a_handle_that_names_nobody_is_asked_again_after_five_minutes() {
    let world = World::new().await;
    world.register(ALICE, Some("alice.test"), 1);
    assert_eq!(world.verified(&alice()).await, None);
    world.point("alice.test", ALICE);
    world.pass(299);
    assert_eq!(world.verified(&alice()).await, None);
    assert_eq!(world.asked(), 2);
    world.pass(1);
    assert_eq!(world.verified(&alice()).await.as_deref(), Some("alice.test"));
}

#[tokio::test]
async fn a_handle_that_cannot_be_checked_now_is_not_invalid() {
    let world = World::new().await;
    world.register(ALICE, Some("alice.test"), 1);
    world.resolver.identity(&alice()).await.unwrap();
    world.fail(Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(world.resolver.verified_handle(&alice()).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_changed_handle_is_seen_by_refreshing() {
    let world = World::new().await;
    world.register(ALICE, Some("alice.test"), 1);
    world.point("alice.test", ALICE);
    assert_eq!(world.verified(&alice()).await.as_deref(), Some("alice.test"));
    world.directory.lock().handles.clear();
    world.point("alice.test", "did:plc:other");
    world.resolver.refresh(&alice()).await.unwrap();
    assert_eq!(world.verified(&alice()).await, None, "its new owner has it");
}

#[tokio::test]
async fn dns_names_a_handles_did() {
    let dns = Server::dns(|name| match name {
        "_atproto.alice.millrace.dev" => &["v=spf1 -all", "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz"],
        "_atproto.torn.millrace.dev" => &["did=did:plc:one", "did=did:plc:two"],
        _ => &[],
    })
    .await;
    let server = dns.addr.to_string();
    let world = World::with(|config| ResolverConfig {
        handle_resolver_url: None,
        dns_servers: vec![server],
        ..config
    })
    .await;
    let resolve = |handle: &str| {
        let handle = Handle::parse(handle).unwrap();
        let resolver = world.resolver.clone();
        async move { resolver.handle_to_did(&handle).await }
    };
    assert_eq!(resolve("alice.millrace.dev").await.unwrap(), alice());
    assert!(matches!(resolve("torn.millrace.dev").await, Err(ResolveError::Ambiguous { .. })));
    assert!(matches!(resolve("alice.test").await, Err(ResolveError::Unsupported { .. })));
    assert!(matches!(resolve("alice.onion").await, Err(ResolveError::Unsupported { .. })));
}

#[tokio::test]
async fn a_configuration_that_cannot_work_is_refused_at_start() {
    let refused = |config: ResolverConfig| {
        let (http, clock) = client(HttpConfig::default());
        Resolver::new(http, config, clock.shared(), &Registry::new()).unwrap_err()
    };
    let base = || ResolverConfig {
        handle_resolver_url: Some("http://localhost".into()),
        ..ResolverConfig::default()
    };
    let wrong_plc = ResolverConfig { plc_url: "plc.directory".into(), ..base() };
    assert!(refused(wrong_plc).to_string().contains("plc_url"));
    let wrong_dns = ResolverConfig {
        handle_resolver_url: None,
        dns_servers: vec!["dns.example".into()],
        ..base()
    };
    assert!(refused(wrong_dns).to_string().contains("dns_servers"));
}
