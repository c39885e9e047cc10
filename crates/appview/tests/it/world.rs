//! A whole read side: a log, a data-plane that applies it, and an AppView that is asked over HTTP.
//!
//! What people do is written to the log as ingest would write it; a question first waits until the
//! data-plane shows all of it. Every test runs twice: with the data-plane in the AppView's process,
//! and behind `/internal`.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::{HeaderMap, StatusCode};
use millrace_appview::urls::PublicUrl;
use millrace_appview::{Appview, AppviewConfig, AppviewDeps, Upkeep};
use millrace_atproto::Did;
use millrace_atproto::entry::{Entry, EntryBody, EntryHeader, EntryKind};
use millrace_dataplane::client::{Client, Local, Remote};
use millrace_dataplane::config::NewPost;
use millrace_dataplane::metrics::Metrics;
use millrace_dataplane::query::Context;
use millrace_dataplane::query::progress::GetSourceProgress;
use millrace_dataplane::ranking::Rankings;
use millrace_dataplane::worker::Dataplane;
use millrace_dataplane::{rpc, schema};
use millrace_log::{Append, Log, LogConfig, Topic};
use millrace_net::{HttpClient, HttpConfig, Resolver, ResolverConfig};
use millrace_runtime::clock::{Clock as _, ManualClock};
use millrace_runtime::config::Secret;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Shutdown, TaskSet};
use millrace_store::testing::{Engine, Place};
use millrace_store::worker::{Worker, WorkerConfig, WorkerDeps};
use millrace_store::{Dictionary, Domain, Store};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::directory::Directory;
use crate::homes::Homes;

/// 2026-01-01T00:00:00Z
pub const START_US: i64 = 1_767_225_600_000_000;
pub const SERVICE_DID: &str = "did:web:appview.test";
pub const PASSWORD: &str = "hunter2";
pub const ADMIN_TOKEN: &str = "operator-token";
pub const MODERATION_DID: &str = "did:plc:moderation";
const SECRET: &str = "internal-secret";
/// The source the log's entries come from.
pub const SOURCE: &str = "test";
const SETTLE_TIMEOUT: Duration = Duration::from_secs(120);

/// The domain of who is signed in.
pub(crate) async fn session(place: &Place, clock: &ManualClock, registry: &Registry) -> Store {
    let (config, migrations) = (place.config(), millrace_appview::session::MIGRATIONS);
    let clock = clock.shared();
    Store::open(&config, Domain::Session, migrations, &[], &clock, registry).await.unwrap()
}

/// Where the data-plane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Local,
    Remote,
}

/// Declares tests that run with the data-plane in process and behind `/internal`.
macro_rules! near_and_far {
    ($($name:ident),+ $(,)?) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::world::World::open(crate::world::Reach::Local).await).await;
            })+
        }
        mod remote {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::world::World::open(crate::world::Reach::Remote).await).await;
            })+
        }
    };
}
pub(crate) use near_and_far;

pub struct World {
    pub directory: Directory,
    pub clock: ManualClock,
    pub registry: Registry,
    pub(crate) people: Mutex<People>,
    pub(crate) base: String,
    /// Where the data-plane's own routes are, when it is behind `/internal`.
    http: reqwest::Client,
    pub(crate) log: Log,
    pub(crate) dataplane: Client,
    rankings: Rankings,
    tables: Store,
    pub own: Store,
    pub homes: Option<Homes>,
    /// Whom ingest was told somebody looks at.
    pub looked: crate::ingest_side::Looked,
    internal: Option<Shutdown>,
    pub upkeep: Upkeep,
    shutdown: Shutdown,
    _tasks: TaskSet<()>,
    _place: Place,
}

/// What was done and not yet written to the log.
#[derive(Default)]
pub(crate) struct People {
    pub(crate) entries: Vec<Entry>,
    pub(crate) last_seq: i64,
    /// The root of each post's thread, by URI.
    pub(crate) roots: HashMap<String, crate::people::Ref>,
    pub(crate) known: Vec<Did>,
}

/// What a world has besides.
#[derive(Default)]
struct Wishes {
    homes: bool,
    new_post: NewPost,
    push_key: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

impl World {
    pub async fn open(reach: Reach) -> Self {
        Self::open_with(reach, AppviewConfig::default()).await
    }

    /// With homes that are made.
    pub async fn with_homes(reach: Reach) -> Self {
        let wishes = Wishes { homes: true, ..Wishes::default() };
        Self::start(reach, AppviewConfig::default(), wishes).await
    }

    /// Where whoever follows is told of new posts.
    pub async fn with_followers_told(reach: Reach) -> Self {
        let wishes = Wishes { new_post: NewPost::Followers, ..Wishes::default() };
        Self::start(reach, AppviewConfig::default(), wishes).await
    }

    /// Where browsers are told of notifications.
    pub async fn with_push(reach: Reach, key: &str) -> Self {
        let wishes = Wishes { push_key: Some(key.to_owned()), ..Wishes::default() };
        Self::start(reach, AppviewConfig::default(), wishes).await
    }

    pub async fn open_with(reach: Reach, config: AppviewConfig) -> Self {
        Self::start(reach, config, Wishes::default()).await
    }

    async fn start(reach: Reach, config: AppviewConfig, wishes: Wishes) -> Self {
        let place = Place::new(Engine::Sqlite).await.unwrap();
        let clock = ManualClock::at(START_US);
        let registry = Registry::new();
        let mut tasks = TaskSet::new();
        let shutdown = Shutdown::new();
        let log = Log::open(&LogConfig::in_dir(place.dir()), clock.shared(), &registry).unwrap();
        let (mut local, dictionary) =
            dataplane(&place, &clock, &registry, &log, &mut tasks, &shutdown).await;
        local.context.new_post = wishes.new_post;
        local.context.push_key = wishes.push_key;
        let local = Arc::new(local);
        let homes = match wishes.homes {
            true => Some(Homes::start(&place, &clock, &registry, &log, dictionary, &local).await),
            false => None,
        };
        let (rankings, tables) = (local.context.rankings.clone(), local.store.clone());
        let own = local.own.clone();
        // Before any client of ours, so that TLS is set up once.
        let outside = HttpConfig { allow_loopback: true, ..HttpConfig::default() };
        let outside = HttpClient::new(&outside, clock.shared(), &registry).unwrap();
        let of_homes = homes.as_ref().map(|homes| Arc::clone(&homes.local));
        let (dataplane, feeds, internal) = match reach {
            Reach::Local => {
                (Client::Local(local), of_homes.map(millrace_feeds::Client::Local), None)
            }
            Reach::Remote => {
                let stop = Shutdown::new();
                let mut routes = rpc::routes(local, Some(Secret::from(SECRET)));
                if let Some(homes) = of_homes {
                    let secret = Some(Secret::from(SECRET));
                    routes = routes.merge(millrace_feeds::rpc::routes(homes, secret));
                }
                let url = serve(&mut tasks, "internal", routes, &stop).await;
                let remote =
                    Remote::new(url.parse().unwrap(), Some(Secret::from(SECRET)), SETTLE_TIMEOUT)
                        .unwrap();
                let secret = Some(Secret::from(SECRET));
                let feeds = millrace_feeds::client::Remote::new(
                    url.parse().unwrap(),
                    secret,
                    SETTLE_TIMEOUT,
                );
                let feeds = millrace_feeds::Client::Remote(Arc::new(feeds.unwrap()));
                (Client::Remote(Arc::new(remote)), Some(feeds), Some(stop))
            }
        };
        let directory = Directory::default();
        let directory_url = serve(&mut tasks, "directory", directory.routes(), &shutdown).await;
        let resolver = ResolverConfig {
            plc_url: directory_url.clone(),
            handle_resolver_url: Some(directory_url),
            refresh_interval_ms: 0,
            ..ResolverConfig::default()
        };
        let looked = crate::ingest_side::Looked::default();
        let routes = crate::ingest_side::routes(Arc::clone(&looked));
        let ingest_url = serve(&mut tasks, "ingest", routes, &shutdown).await;
        let ingest =
            millrace_ingest::Remote::new(ingest_url.parse().unwrap(), None, SETTLE_TIMEOUT)
                .unwrap();
        let is_told = config.public_url != AppviewConfig::default().public_url;
        let public_url = match is_told {
            true => config.public_url.clone(),
            false => PublicUrl::parse("https://appview.test").unwrap(),
        };
        let deps = AppviewDeps {
            config: AppviewConfig {
                service_did: Did::parse(SERVICE_DID).unwrap(),
                public_url,
                admin_password: Secret::from(PASSWORD),
                moderation_did: Some(Did::parse(MODERATION_DID).unwrap()),
                feed_publisher: Some(crate::people::did("publisher")),
                trusted_verifiers: vec![crate::people::did("verifier")],
                ..config
            },
            dataplane: dataplane.clone(),
            feeds,
            ingest: millrace_ingest::Client::Remote(Arc::new(ingest)),
            resolver: Resolver::new(outside.clone(), resolver, clock.shared(), &registry).unwrap(),
            http: outside,
            admin_token: Some(Secret::from(ADMIN_TOKEN)),
            session: session(&place, &clock, &registry).await,
            listening: None,
            rng: Rng::from_entropy(),
            clock: clock.shared(),
            registry: registry.clone(),
            shutdown: shutdown.clone(),
        };
        let Appview { router, upkeep, posting: _ } = millrace_appview::build(deps).unwrap();
        let base = serve(&mut tasks, "appview", router, &shutdown).await;
        Self {
            directory,
            clock,
            registry,
            people: Mutex::default(),
            base,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            log,
            dataplane,
            rankings,
            tables,
            own,
            homes,
            looked,
            internal,
            upkeep,
            shutdown,
            _tasks: tasks,
            _place: place,
        }
    }

    /// The data-plane's process goes away.
    pub fn lose_dataplane(&self) {
        self.internal.as_ref().expect("the data-plane is in this process").cancel();
    }

    /// Writes what was done to the log and waits until the data-plane shows it.
    pub async fn settle(&self) {
        let (mut entries, last_seq) = {
            let mut people = self.people.lock();
            (std::mem::take(&mut people.entries), people.last_seq)
        };
        let Some(last) = entries.last() else { return };
        // As ingest does once everything up to here is in the log.
        let header = EntryHeader { kind: EntryKind::Mark, rev: None, ..last.header.clone() };
        entries.push(Entry { header, body: EntryBody::Mark });
        let append =
            |entry: &Entry| Append::new(entry.header.did.as_str(), entry.encode().unwrap());
        self.log.append(Topic::NetworkEntries, entries.iter().map(append).collect()).await.unwrap();
        let shown = async {
            loop {
                let progress = self.dataplane.ask(GetSourceProgress {}).await.unwrap();
                if progress
                    .sources
                    .iter()
                    .any(|source| source.source == SOURCE && source.visible_seq >= last_seq)
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(SETTLE_TIMEOUT, shown)
            .await
            .expect("the data-plane applies what was done");
    }

    /// Whoever has the tables looks for what is best known, now that everything done shows.
    pub async fn rank(&self) {
        self.settle().await;
        self.rankings.refresh(&self.tables).await.unwrap();
    }

    /// A request, sent once everything done before shows.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.settle().await;
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let path = response.url().path().to_owned();
        let text = response.text().await.unwrap();
        crate::answers::note(&path, status, &text);
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    pub fn request(&self, verb: &str, path: &str) -> reqwest::RequestBuilder {
        self.http.request(verb.parse().unwrap(), format!("{}{path}", self.base))
    }

    pub fn query(&self, nsid: &str, params: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.request("GET", &format!("/xrpc/{nsid}")).query(params)
    }

    /// Asks as nobody.
    pub async fn get(&self, nsid: &str, params: &[(&str, &str)]) -> Answer {
        self.send(self.query(nsid, params)).await
    }

    /// Asks as an account, the way its PDS would.
    pub async fn get_as(&self, who: &str, nsid: &str, params: &[(&str, &str)]) -> Answer {
        self.send(self.query(nsid, params).bearer_auth(self.token(who, nsid))).await
    }

    pub async fn post_as(&self, who: &str, nsid: &str, body: &Value) -> Answer {
        let request = self.request("POST", &format!("/xrpc/{nsid}")).json(body);
        self.send(request.bearer_auth(self.token(who, nsid))).await
    }

    pub fn now_us(&self) -> i64 {
        self.clock.now_us()
    }

    /// The metrics as they are scraped.
    pub fn metrics(&self) -> String {
        self.registry.encode()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Answer {
    /// The body of an answer that is one.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.body
    }

    /// Status and error name of a refusal, which always has a message.
    #[track_caller]
    pub fn refused(&self) -> (u16, &str) {
        assert_ne!(self.status, StatusCode::OK, "{}", self.text);
        assert!(
            self.body["message"].as_str().is_some_and(|message| !message.is_empty()),
            "{}",
            self.text
        );
        (self.status.as_u16(), self.body["error"].as_str().unwrap_or_default())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

async fn dataplane(
    place: &Place,
    clock: &ManualClock,
    registry: &Registry,
    log: &Log,
    tasks: &mut TaskSet<()>,
    shutdown: &Shutdown,
) -> (Local, Dictionary) {
    let (config, clock) = (place.config(), clock.shared());
    let dictionary = Dictionary::open(&config, &clock, registry).await.unwrap();
    let own = Store::open(&config, Domain::Own, schema::OWN, &[], &clock, registry).await.unwrap();
    let attach = [Domain::Dictionary, Domain::Own];
    let store =
        Store::open(&config, Domain::Dataplane, schema::DATAPLANE, &attach, &clock, registry)
            .await
            .unwrap();
    let deps = WorkerDeps {
        store: store.clone(),
        log: log.clone(),
        clock: clock.clone(),
        rng: Rng::seeded(7),
        registry: registry.clone(),
    };
    let projection = Arc::new(Dataplane::new(dictionary.clone(), Metrics::new(registry)));
    let worker = Worker::new(projection, deps, Topic::NetworkEntries, 0, WorkerConfig::default());
    let shutdown = shutdown.clone();
    tasks.spawn("worker", async move { worker.run(&shutdown).await.unwrap() });
    let context = Context {
        image_url_pattern: "https://appview.test/img/{preset}/plain/{did}/{cid}".to_owned(),
        rankings: Rankings::default(),
        ..Context::default()
    };
    (Local { store, own, context, clock }, dictionary)
}

/// Serves routes on a free port of loopback; the base URL, without a trailing slash.
async fn serve(tasks: &mut TaskSet<()>, name: &str, routes: Router, stop: &Shutdown) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = stop.clone();
    // Not gracefully: a lost process takes its connections with it.
    tasks.spawn(name, async move {
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        stop.or(async { axum::serve(listener, service).await.unwrap() }).await;
    });
    base
}
