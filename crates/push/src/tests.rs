//! A data-plane, a push service of the test's own, and browsers that read what came.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use millrace_atproto::cbor;
use millrace_atproto::cid::Cid;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::client::{Client, Local};
use millrace_dataplane::metrics::Metrics;
use millrace_dataplane::query::mute::MuteActor;
use millrace_dataplane::query::notifications::UpdateSeen;
use millrace_dataplane::query::preferences::{Preference, PutNotificationPreferences};
use millrace_dataplane::query::push::{Device, Platform, RegisterPush, UnregisterPush};
use millrace_dataplane::query::push_news::PushedNotice;
use millrace_dataplane::query::web_push::{PushSubscription, PutWebPush};
use millrace_dataplane::query::{Context, OwnCommand};
use millrace_dataplane::reason::Reason;
use millrace_dataplane::schema;
use millrace_dataplane::worker::Dataplane;
use millrace_log::Item;
use millrace_net::http::{HttpClient, HttpConfig};
use millrace_runtime::clock::{Clock as _, ManualClock};
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_sim::entries::{self, did};
use millrace_store::testing::{Engine, Place};
use millrace_store::worker::Projection as _;
use millrace_store::{Dictionary, Domain, Store, StoreError};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify};

use crate::encrypt::browser::Browser;
use crate::vapid::Vapid;
use crate::{PushConfig, Pusher, PusherDeps};

/// 2026-01-01T00:00:00Z
const START_US: i64 = 1_767_225_600_000_000;
const LIKE: &str = "app.bsky.feed.like";
const FOLLOW: &str = "app.bsky.graph.follow";
const POST: &str = "app.bsky.feed.post";

pub(crate) fn notice(who: &str, sort_at_us: i64) -> PushedNotice {
    let author = did(who);
    PushedNotice {
        uri: format!("at://{author}/{LIKE}/1"),
        reason: Reason::Like,
        handle: Some(format!("{who}.test")),
        author,
        sort_at_us,
    }
}

/// What a push service took: path, headers, body.
type Taken = Vec<(String, HeaderMap, Bytes)>;

/// A push service.
#[derive(Clone, Default)]
struct Service {
    taken: Arc<Mutex<Taken>>,
    /// What it answers, by path; 201 otherwise.
    statuses: Arc<Mutex<HashMap<String, u16>>>,
    /// Where it is set, a request is taken and never answered.
    holds: Arc<std::sync::atomic::AtomicBool>,
    came: Arc<Notify>,
}

async fn take(
    State(service): State<Service>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    service.taken.lock().await.push((path.clone(), headers, body));
    service.came.notify_one();
    if service.holds.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    let status = service.statuses.lock().await.get(&path).copied().unwrap_or(201);
    StatusCode::from_u16(status).unwrap()
}

fn vapid() -> Vapid {
    Vapid::new(&"07".repeat(32), "mailto:ops@example.com".to_owned()).unwrap()
}

fn pusher(own: &Store, client: &Client, clock: &ManualClock) -> Pusher {
    let http = HttpConfig { allow_loopback: true, ..HttpConfig::default() };
    let registry = Registry::new();
    Pusher::new(PusherDeps {
        own: own.clone(),
        dataplane: client.clone(),
        http: HttpClient::new(&http, clock.shared(), &registry).unwrap(),
        vapid: vapid(),
        page: "/dashboard/notifications".to_owned(),
        config: PushConfig { timeout_ms: 30_000, ..PushConfig::default() },
        clock: clock.shared(),
        rng: Rng::from_entropy(),
        registry,
    })
}

/// Everything around a sender.
struct World {
    client: Client,
    own: Store,
    store: Store,
    projection: Dataplane,
    clock: ManualClock,
    service: Service,
    base: String,
    pusher: Pusher,
    n: AtomicI64,
    _place: Place,
}

impl World {
    async fn open(engine: Engine) -> Option<Self> {
        let place = Place::new(engine).await?;
        let clock = ManualClock::at(START_US);
        let shared = clock.shared();
        let (registry, config) = (Registry::new(), place.config());
        let dictionary = Dictionary::open(&config, &shared, &registry).await.unwrap();
        let own =
            Store::open(&config, Domain::Own, schema::OWN, &[], &shared, &registry).await.unwrap();
        let attach = [Domain::Dictionary, Domain::Own];
        let store =
            Store::open(&config, Domain::Dataplane, schema::DATAPLANE, &attach, &shared, &registry)
                .await
                .unwrap();
        let (own_of, store_of) = (own.clone(), store.clone());
        let local =
            Local { store: store_of, own: own_of, context: Context::default(), clock: shared };
        let service = Service::default();
        let routes =
            Router::new().route("/{path}", axum::routing::post(take)).with_state(service.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        millrace_runtime::supervise::spawn_detached_named("push service", async move {
            axum::serve(listener, routes).await.unwrap();
        });
        let client = Client::Local(Arc::new(local));
        let pusher = pusher(&own, &client, &clock);
        Some(Self {
            client,
            pusher,
            own,
            store,
            projection: Dataplane::new(dictionary, Metrics::new(&registry)),
            clock,
            service,
            base,
            n: AtomicI64::new(1),
            _place: place,
        })
    }

    /// Another process that sends.
    fn other_pusher(&self) -> Pusher {
        pusher(&self.own, &self.client, &self.clock)
    }

    async fn writes(&self, who: &str, collection: &str, mut record: Value) -> String {
        let n = self.n.fetch_add(1, Ordering::Relaxed);
        self.clock.advance(Duration::from_millis(10));
        record["$type"] = json!(collection);
        if record.get("createdAt").is_none() {
            record["createdAt"] = json!(format_ms_us(self.clock.now_us()));
        }
        let bytes = cbor::encode(&cbor::record_from_json(&record).unwrap());
        let rkey = entries::tid(n).to_string();
        let op = entries::put(collection, &rkey, bytes);
        let mut entry = entries::commit(&did(who), n, vec![op]);
        entry.header.time_us = self.clock.now_us();
        let payload = Bytes::from(entry.encode().unwrap());
        let item = Item {
            offset: n,
            appended_us: entry.header.time_us,
            payload,
            headers: millrace_log::Headers::default(),
        };
        let prepared = self.projection.prepare(&[item]).await.unwrap();
        let projection = self.projection.clone();
        let write = move |tx: &mut millrace_store::Tx| {
            let failed = |error| StoreError::Aborted { reason: format!("{error:?}") };
            projection.write(tx, prepared).map_err(failed)
        };
        self.store.write(write).await.unwrap();
        entries::uri(&did(who), collection, &rkey)
    }

    /// A like that says when it was made.
    async fn likes_at(&self, who: &str, post: &str, made_us: i64) {
        let cid = Cid::of_dag_cbor(b"x").to_string();
        let made_at = format_ms_us(made_us);
        let like = json!({ "subject": { "uri": post, "cid": cid }, "createdAt": made_at });
        self.writes(who, LIKE, like).await;
    }

    async fn likes(&self, who: &str, post: &str) {
        self.likes_at(who, post, self.clock.now_us() + 10_000).await;
    }

    async fn follows(&self, who: &str, whom: &str) {
        self.writes(who, FOLLOW, json!({ "subject": did(whom) })).await;
    }

    async fn posts(&self, who: &str) -> String {
        self.writes(who, POST, json!({ "text": "x" })).await
    }

    async fn does<C: OwnCommand>(&self, command: C) {
        self.client.command(command).await.unwrap();
    }

    fn subscription(&self, name: &str) -> (Browser, PushSubscription) {
        let seed = name.as_bytes()[0];
        let key = SigningKey::generate(Curve::P256, &mut |bytes| bytes.fill(seed));
        let browser = Browser { key, auth: [seed; 16] };
        let keys = browser.keys();
        (browser, PushSubscription { endpoint: format!("{}/{name}", self.base), keys })
    }

    /// Alice's browser of that name is to be told.
    async fn subscribes(&self, name: &str) -> Browser {
        let (browser, subscription) = self.subscription(name);
        let actor = did("alice");
        self.does(PutWebPush { actor, subscription, devices_max: 10, session_id: None }).await;
        browser
    }

    async fn wishes(&self, reason: Reason, list: bool, push: bool) {
        let wish = Preference { reason, only_follows: false, list, push };
        let actor = did("alice");
        self.does(PutNotificationPreferences { actor, preferences: vec![wish] }).await;
    }

    async fn looks(&self) {
        self.pusher.look().await.unwrap();
    }

    /// What came since this was asked last, as a browser reads it.
    async fn came(&self, browser: &Browser) -> Vec<Value> {
        let taken = std::mem::take(&mut *self.service.taken.lock().await);
        let messages = taken.iter().map(|(_, headers, body)| {
            assert_eq!(headers["content-encoding"], "aes128gcm");
            assert_eq!(headers["ttl"], "86400");
            let said = headers["authorization"].to_str().unwrap();
            assert!(said.starts_with("vapid t=") && said.ends_with(&vapid().public_key()));
            serde_json::from_slice(&browser.decrypt(body).unwrap()).unwrap()
        });
        messages.collect()
    }

    fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn browsers(&self) -> i64 {
        let count = |tx: &mut millrace_store::Tx| -> Result<i64, StoreError> {
            tx.query_one("SELECT count(*) FROM web_push", &[], |row| row.get(0))
        };
        self.own.read(count).await.unwrap()
    }
}

macro_rules! on_every_engine {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::run(super::Engine::Sqlite, super::$name).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::run(super::Engine::Postgres, super::$name).await;
            })+
        }
    };
}

async fn run<F: Future<Output = ()>>(engine: Engine, test: impl FnOnce(World) -> F) {
    if let Some(world) = World::open(engine).await {
        test(world).await;
    }
}

on_every_engine!(
    told_once_and_together,
    preferences_and_marks_are_obeyed,
    who_is_gone_is_forgotten,
    what_fails_is_tried_again_and_given_up,
    killed_in_the_middle_it_is_told_again,
    registered_devices_that_are_browsers_are_told,
    what_comes_late_is_told,
    one_process_sends,
);

async fn told_once_and_together(world: World) {
    let post = world.posts("alice").await;
    world.follows("zoe", "alice").await;
    let browser = world.subscribes("one").await;
    world.looks().await;
    assert!(world.came(&browser).await.is_empty(), "what was before is not told");
    world.likes("bob", &post).await;
    world.looks().await;
    let came = world.came(&browser).await;
    assert_eq!(came.len(), 1);
    assert_eq!(came[0]["title"], format!("{} liked your post", did("bob")));
    assert_eq!((&came[0]["count"], &came[0]["types"]), (&json!(1), &json!(["LIKE"])));
    for name in ["carol", "dan", "erin"] {
        world.likes(name, &post).await;
        world.looks().await;
    }
    assert!(world.came(&browser).await.is_empty(), "not so soon");
    world.later(30);
    world.looks().await;
    let came = world.came(&browser).await;
    assert_eq!((came.len(), &came[0]["title"]), (1, &json!("3 new notifications")));
    for _ in 0..30 {
        world.later(60);
        world.looks().await;
    }
    assert!(world.came(&browser).await.is_empty());
}

async fn preferences_and_marks_are_obeyed(world: World) {
    let post = world.posts("alice").await;
    let browser = world.subscribes("one").await;
    let told = async || {
        world.later(60);
        world.looks().await;
        world.came(&browser).await.len()
    };
    world.wishes(Reason::Like, true, false).await;
    world.likes("bob", &post).await;
    assert_eq!(told().await, 0);
    // What is pushed need not be listed.
    world.wishes(Reason::Like, false, true).await;
    world.likes("carol", &post).await;
    assert_eq!(told().await, 1);
    world.likes("dan", &post).await;
    let seen_at_us = world.clock.now_us() + 1;
    world.does(UpdateSeen { actor: did("alice"), seen_at_us }).await;
    assert_eq!(told().await, 0, "it was seen meanwhile");
    let mute = MuteActor {
        actor: did("alice"),
        subject: did("erin"),
        only_reposts: false,
        only_quoteposts: false,
    };
    world.does(mute).await;
    world.likes("erin", &post).await;
    assert_eq!(told().await, 0);
    world.likes("frank", &post).await;
    assert_eq!(told().await, 1);
}

async fn who_is_gone_is_forgotten(world: World) {
    let post = world.posts("alice").await;
    world.subscribes("one").await;
    let (_, mut subscription) = world.subscription("two");
    subscription.keys.p256dh = subscription.keys.auth.clone();
    world
        .does(PutWebPush { actor: did("alice"), subscription, devices_max: 10, session_id: None })
        .await;
    assert_eq!(world.browsers().await, 2);
    world.service.statuses.lock().await.insert("one".to_owned(), 410);
    world.likes("bob", &post).await;
    world.looks().await;
    assert_eq!(world.service.taken.lock().await.len(), 1, "nobody writes to what has no key");
    assert_eq!(world.browsers().await, 0);
}

async fn what_fails_is_tried_again_and_given_up(world: World) {
    let post = world.posts("alice").await;
    let browser = world.subscribes("one").await;
    let fine = world.subscribes("two").await;
    world.service.statuses.lock().await.insert("one".to_owned(), 500);
    world.likes("bob", &post).await;
    world.looks().await;
    world.looks().await;
    let taken = std::mem::take(&mut *world.service.taken.lock().await);
    let of = |path: &str| taken.iter().filter(|one| one.0 == path).count();
    assert_eq!((of("one"), of("two")), (1, 1), "the other is told, and it waits");
    let other = taken.iter().find(|one| one.0 == "two").unwrap();
    assert!(fine.decrypt(&other.2).is_some() && browser.decrypt(&other.2).is_none());
    world.later(60);
    world.looks().await;
    assert_eq!(world.came(&browser).await.len(), 1, "it is tried again");
    world.service.statuses.lock().await.clear();
    world.later(120);
    world.looks().await;
    let came = world.came(&browser).await;
    assert_eq!((came.len(), &came[0]["count"]), (1, &json!(1)), "and told in the end");
    world.service.statuses.lock().await.insert("one".to_owned(), 500);
    for n in 0..60 {
        world.likes(&format!("p{n}"), &post).await;
        world.later(3_700);
        world.looks().await;
    }
    assert_eq!(world.browsers().await, 1, "and given up");
}

async fn killed_in_the_middle_it_is_told_again(world: World) {
    let post = world.posts("alice").await;
    let browser = world.subscribes("one").await;
    world.likes("bob", &post).await;
    world.service.holds.store(true, Ordering::Relaxed);
    let pusher = world.other_pusher();
    tokio::select! {
        _ = pusher.look() => panic!("the push service does not answer"),
        () = world.service.came.notified() => {}
    }
    drop(pusher);
    world.service.holds.store(false, Ordering::Relaxed);
    assert_eq!(world.came(&browser).await.len(), 1);
    // Somebody else's lease runs out.
    world.later(200);
    world.looks().await;
    assert_eq!(world.came(&browser).await.len(), 1);
    world.later(200);
    world.looks().await;
    assert!(world.came(&browser).await.is_empty());
}

async fn registered_devices_that_are_browsers_are_told(world: World) {
    let post = world.posts("alice").await;
    let (browser, subscription) = world.subscription("one");
    let mut token = serde_json::to_value(&subscription).unwrap();
    token["expirationTime"] = Value::Null;
    let device = |platform, token: &str| Device {
        platform,
        app_id: "app".to_owned(),
        token: token.to_owned(),
    };
    let web = device(Platform::Web, &token.to_string());
    for device in [web.clone(), device(Platform::Web, "opaque"), device(Platform::Ios, "x")] {
        let actor = did("alice");
        world.does(RegisterPush { actor, device, age_restricted: false, devices_max: 9 }).await;
    }
    assert_eq!(world.browsers().await, 1, "of the others nobody knows how");
    world.likes("bob", &post).await;
    world.looks().await;
    assert_eq!(world.came(&browser).await.len(), 1);
    world.does(UnregisterPush { actor: did("alice"), device: web }).await;
    assert_eq!(world.browsers().await, 0);
}

async fn what_comes_late_is_told(world: World) {
    let post = world.posts("alice").await;
    let browser = world.subscribes("one").await;
    world.later(100);
    world.likes("bob", &post).await;
    world.looks().await;
    assert_eq!(world.came(&browser).await.len(), 1);
    // It says that it was made a minute before the other.
    world.likes_at("carol", &post, world.clock.now_us() - 60_000_000).await;
    world.later(30);
    world.looks().await;
    let came = world.came(&browser).await;
    assert_eq!((came.len(), &came[0]["count"]), (1, &json!(1)));
}

async fn one_process_sends(world: World) {
    let post = world.posts("alice").await;
    let browser = world.subscribes("one").await;
    let (first, second) = (world.other_pusher(), world.other_pusher());
    first.look().await.unwrap();
    world.likes("bob", &post).await;
    second.look().await.unwrap();
    let by_second = world.came(&browser).await.len();
    first.look().await.unwrap();
    let by_first = world.came(&browser).await.len();
    // Who has the tables alone needs no lease.
    let expected = if world.own.is_shared() { (1, 0) } else { (0, 1) };
    assert_eq!((by_first, by_second), expected);
}
