//! A log, the tables of `own`, the worker loop and the relay as they run in the program, a clock that is moved by hand,
//! and receivers of the test's own.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use millrace_dataplane::parked::deliveries::{self, DeliveryState};
use millrace_dataplane::parked::{ListParked, Of, ParkedEntry};
use millrace_dataplane::schema;
use millrace_log::{Append, Headers, Item, Log, LogConfig, Topic};
use millrace_net::http::{HttpClient, HttpConfig};
use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Shutdown, spawn_detached_named};
use millrace_store::outbox::Relay;
use millrace_store::testing::{Engine, Place};
use millrace_store::worker::{Worker, WorkerConfig, WorkerDeps};
use millrace_store::{Domain, Store, StoreError, Tx};
use parking_lot::Mutex;
use ring::hmac;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::{Hook, HookDeps, PostTopic, WebhookConfig, WebhooksConfig};

/// 2026-01-01T00:00:00Z
pub(super) const START_US: i64 = 1_767_225_600_000_000;
pub(super) const SECRET: [u8; 32] = [9; 32];
/// Longest time a condition may take to come true.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const TIERS: [Topic; 3] =
    [Topic::PostCreatedRetry1m, Topic::PostCreatedRetry10m, Topic::PostCreatedRetry1h];

/// A delivery as it was taken.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Taken {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(super) fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }

    /// As a receiver checks it.
    pub(super) fn is_signed(&self) -> bool {
        let signed = format!("{}.{}.", self.id(), self.header("webhook-timestamp"));
        let signed = [signed.as_bytes(), &self.body].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
        let given = self.header("webhook-signature").strip_prefix("v1,").unwrap();
        hmac::verify(&key, &signed, &STANDARD.decode(given).unwrap()).is_ok()
    }
}

/// Receivers, by path.
#[derive(Clone, Default)]
pub(super) struct Receiver {
    pub(super) taken: Arc<Mutex<Vec<Taken>>>,
    /// What is answered, by path; 200 otherwise.
    pub(super) statuses: Arc<Mutex<HashMap<String, u16>>>,
    /// Where there is one, a delivery is answered when it gives a permit.
    pub(super) gate: Arc<Mutex<Option<Arc<Semaphore>>>>,
}

pub(super) async fn take(
    State(receiver): State<Receiver>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    receiver.taken.lock().push(Taken { path: path.clone(), headers, body });
    let gate = receiver.gate.lock().clone();
    if let Some(gate) = gate {
        gate.acquire().await.unwrap().forget();
    }
    let status = receiver.statuses.lock().get(&path).copied().unwrap_or(200);
    (StatusCode::from_u16(status).unwrap(), "so it says")
}

impl Receiver {
    pub(super) async fn listen(&self, at: SocketAddr) -> SocketAddr {
        let routes =
            Router::new().route("/{path}", axum::routing::post(take)).with_state(self.clone());
        let listener = TcpListener::bind(at).await.unwrap();
        let at = listener.local_addr().unwrap();
        spawn_detached_named("receiver", async move {
            axum::serve(listener, routes).await.unwrap();
        });
        at
    }

    pub(super) fn answers(&self, path: &str, status: u16) {
        self.statuses.lock().insert(path.to_owned(), status);
    }

    /// Ids of what was taken at a path, in order.
    pub(super) fn ids(&self, path: &str) -> Vec<String> {
        let taken = self.taken.lock();
        taken.iter().filter(|taken| taken.path == path).map(Taken::id).collect()
    }
}

/// Everything around a webhook.
pub(super) struct World {
    pub(super) own: Store,
    pub(super) log: Log,
    pub(super) clock: ManualClock,
    pub(super) registry: Registry,
    pub(super) receiver: Receiver,
    pub(super) at: SocketAddr,
    pub(super) _place: Place,
}

/// Workers and a relay that run until they are stopped.
pub(super) struct Running {
    pub(super) shutdown: Shutdown,
    pub(super) tasks: Vec<JoinHandle<()>>,
}

impl Running {
    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

pub(super) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    let looking = async {
        loop {
            if let Some(found) = check().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let found = tokio::time::timeout(PATIENCE, looking).await;
    found.unwrap_or_else(|_| panic!("did not happen: {what}"))
}

pub(super) fn did(who: &str) -> String {
    format!("did:plc:{who}")
}

/// The headers of a post's event.
pub(super) fn event(topic: Topic, who: &str, id: &str) -> Headers {
    let kind = if topic == Topic::PostUpdated { "POST_UPDATED" } else { "POST_CREATED" };
    let mut headers = Headers::NONE;
    for (name, value) in [
        ("ce_specversion", "1.0"),
        ("ce_id", id),
        ("ce_source", "urn:millrace:feeds"),
        ("ce_type", kind),
        ("ce_subject", "at://did:plc:a/app.bsky.feed.post/é"),
        ("ce_time", "2026-01-01T00:00:00.000Z"),
        ("ce_partitionkey", &did(who)),
        ("content-type", "application/json"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ] {
        headers.push(name, value.to_owned()).unwrap();
    }
    headers
}

pub(super) fn payload(id: &str) -> Vec<u8> {
    serde_json::to_vec(&json!({ "text": id })).unwrap()
}

impl World {
    pub(super) async fn open(engine: Engine) -> Option<Self> {
        let place = Place::new(engine).await?;
        let clock = ManualClock::at(START_US);
        let registry = Registry::new();
        let (config, shared) = (place.config(), clock.shared());
        let own = Store::open(&config, Domain::Own, schema::OWN, &[], &shared, &registry);
        let own = own.await.unwrap();
        let log =
            Log::open(&LogConfig::in_dir(place.dir().join("log")), shared, &registry).unwrap();
        let receiver = Receiver::default();
        let at = receiver.listen((Ipv4Addr::LOCALHOST, 0).into()).await;
        Some(Self { own, log, clock, registry, receiver, at, _place: place })
    }

    /// A webhook that is told at that address, under the path of its name.
    pub(super) async fn hook_at(
        &self,
        name: &str,
        at: SocketAddr,
        shutdown: &Shutdown,
    ) -> Arc<Hook> {
        let secret = format!("whsec_{}", STANDARD.encode(SECRET));
        let receiver = WebhookConfig {
            name: name.to_owned(),
            url: format!("http://{at}/{name}"),
            secret: secret.into(),
            secret_file: None,
            topics: vec![PostTopic::Created, PostTopic::Updated],
        };
        let config = WebhooksConfig { concurrency_max: 4, ..WebhooksConfig::default() };
        let http = HttpConfig { allow_loopback: true, ..HttpConfig::default() };
        let deps = HookDeps {
            own: self.own.clone(),
            http: HttpClient::new(&http, self.clock.shared(), &self.registry).unwrap(),
            clock: self.clock.shared(),
            registry: self.registry.clone(),
            shutdown: shutdown.clone(),
            log_kept_us: 72 * 3_600_000_000,
        };
        let hook = Hook::new(&receiver, &config, deps).unwrap();
        hook.make_ready(&self.log).await.unwrap();
        hook
    }

    /// Runs webhooks as the program does.
    pub(super) async fn runs_at(&self, names: &[(&str, SocketAddr)]) -> Running {
        let shutdown = Shutdown::new();
        let mut tasks = Vec::new();
        for (name, at) in names {
            let hook = self.hook_at(name, *at, &shutdown).await;
            for topic in hook.topics().iter().copied() {
                let deps = WorkerDeps {
                    store: self.own.clone(),
                    log: self.log.clone(),
                    clock: self.clock.shared(),
                    rng: Rng::seeded(1),
                    registry: self.registry.clone(),
                };
                let quick = WorkerConfig { tick_ms: 10, retry_base_ms: 1, ..hook.worker_config() };
                let worker = Worker::new(Arc::new(hook.of(topic, 0)), deps, topic, 0, quick);
                let stop = shutdown.clone();
                tasks.push(spawn_detached_named("worker", async move {
                    worker.run(&stop).await.unwrap();
                }));
            }
        }
        let (own, log, clock) = (self.own.clone(), self.log.clone(), self.clock.shared());
        let relay = Relay::new(own, log, clock, Rng::seeded(2), &self.registry);
        let stop = shutdown.clone();
        tasks.push(spawn_detached_named("relay", async move { relay.run(&stop).await.unwrap() }));
        Running { shutdown, tasks }
    }

    pub(super) async fn runs(&self, names: &[&str]) -> Running {
        let named: Vec<(&str, SocketAddr)> = names.iter().map(|name| (*name, self.at)).collect();
        self.runs_at(&named).await
    }

    pub(super) async fn append(&self, topic: Topic, key: &str, payload: Vec<u8>, headers: Headers) {
        let item = Append::new(key.as_bytes().to_vec(), payload).with_headers(headers);
        self.log.append(topic, vec![item]).await.unwrap();
    }

    /// An author's post, told of under that id.
    pub(super) async fn posts(&self, who: &str, id: &str) {
        let topic = Topic::PostCreated;
        self.append(topic, &did(who), payload(id), event(topic, who, id)).await;
    }

    pub(super) async fn items(&self, topic: Topic) -> Vec<Item> {
        self.log.read(topic, 0, 0, 1 << 20).await.unwrap()
    }

    /// The items of a topic, once there are so many.
    pub(super) async fn until_items(&self, topic: Topic, count: usize) -> Vec<Item> {
        eventually(&format!("{count} items on {topic}"), || async {
            let items = self.items(topic).await;
            (items.len() >= count).then_some(items)
        })
        .await
    }

    /// Waits until so many deliveries were taken at a path.
    pub(super) async fn until_taken(&self, path: &str, ids: &[&str]) {
        eventually(&format!("{path} takes {ids:?}"), || async {
            (self.receiver.ids(path) == ids).then_some(())
        })
        .await;
    }

    pub(super) async fn rows(&self, sql: &'static str) -> Vec<String> {
        let read = move |tx: &mut Tx| tx.query(sql, &[], |row| row.get::<String>(0));
        let rows: Result<Vec<String>, StoreError> = self.own.read(read).await;
        rows.unwrap()
    }

    /// Consumers and events that were delivered.
    pub(super) async fn inbox(&self) -> Vec<String> {
        self.rows("SELECT consumer || ' ' || event_id FROM inbox ORDER BY consumer, event_id").await
    }

    pub(super) async fn until_inbox(&self, expected: &[&str]) {
        eventually(&format!("the inbox has {expected:?}"), || async {
            (self.inbox().await == expected).then_some(())
        })
        .await;
    }

    pub(super) async fn dead(&self, settled: bool) -> Vec<ParkedEntry> {
        let of = Of::Deliveries;
        let question = ListParked { of, limit: 100, settled, ..ListParked::default() };
        deliveries::list(&self.own, question).await.unwrap().parked
    }

    /// The one that was given up, once it stands so.
    pub(super) async fn until_dead(&self, state: DeliveryState, attempts: i64) -> ParkedEntry {
        eventually(&format!("a delivery is {state:?} after {attempts}"), || async {
            let dead = self.dead(state.is_settled()).await;
            let is_it = |one: &ParkedEntry| one.state == Some(state) && one.attempts == attempts;
            dead.into_iter().find(is_it)
        })
        .await
    }

    pub(super) fn metric(&self, line: &str) -> Option<f64> {
        let text = self.registry.encode();
        text.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok())
    }

    pub(super) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}
