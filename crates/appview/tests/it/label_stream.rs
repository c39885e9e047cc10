//! The stream of labels issued here: raw, and as ingest follows it.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use millrace_appview::config::LimitsConfig;
use millrace_appview::{AppviewConfig, AppviewDeps};
use millrace_atproto::Did;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::entry::{Entry, EntryBody};
use millrace_atproto::label::{LabelFrame, SentLabel};
use millrace_dataplane::query::issued_label::{IssueLabels, SignedLabel};
use millrace_ingest::{ConnectionConfig, Ingest, IngestConfig, IngestDeps, LabelersConfig};
use millrace_log::{Log, LogConfig, Topic};
use millrace_net::{HttpClient, HttpConfig, PdsClient, Resolver, ResolverConfig};
use millrace_runtime::config::Secret;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Shutdown, Supervisor, TaskSet};
use millrace_store::testing::{Engine, Place};
use millrace_store::{Domain, Store};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::people::did;
use crate::world::{ADMIN_TOKEN, World, near_and_far, session};

near_and_far!(
    what_is_said_is_told_in_order,
    ingest_follows_what_is_issued_here,
    who_does_not_read_is_let_go,
    followers_are_bounded,
);

const DEADLINE: Duration = Duration::from_secs(60);
const KEY: [u8; 32] = [1; 32];
/// More than sockets hold.
const LABELS: usize = 6_000;

/// A service at an address of its own that says who it is there, on the tables of a world.
struct Labeler {
    world: World,
    did: Did,
    port: u16,
    registry: Registry,
    shutdown: Shutdown,
    _tasks: TaskSet<()>,
    _place: Place,
}

impl Labeler {
    async fn start(world: World, limits: LimitsConfig) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let did = Did::parse(&format!("did:web:localhost%3A{port}")).unwrap();
        let key = Secret::from(data_encoding::HEXLOWER.encode(&KEY).as_str());
        let (registry, shutdown, mut tasks) = (Registry::new(), Shutdown::new(), TaskSet::new());
        let http = outside(&world, &registry);
        let resolver = ResolverConfig::default();
        let clock = world.clock.shared();
        let place = Place::new(Engine::Sqlite).await.unwrap();
        let session = session(&place, &world.clock, &registry).await;
        let ingest = "http://127.0.0.1:1".parse().unwrap();
        let ingest = millrace_ingest::Remote::new(ingest, None, DEADLINE).unwrap();
        let appview = millrace_appview::build(AppviewDeps {
            feeds: None,
            config: AppviewConfig {
                service_did: did.clone(),
                service_key: Some(key.try_into().unwrap()),
                public_url: format!("http://127.0.0.1:{port}").try_into().unwrap(),
                limits,
                ..AppviewConfig::default()
            },
            dataplane: world.dataplane.clone(),
            ingest: millrace_ingest::Client::Remote(std::sync::Arc::new(ingest)),
            resolver: Resolver::new(http.clone(), resolver, clock.clone(), &registry).unwrap(),
            http,
            admin_token: Some(Secret::from(ADMIN_TOKEN)),
            session,
            listening: None,
            rng: Rng::from_entropy(),
            clock,
            registry: registry.clone(),
            shutdown: shutdown.clone(),
        })
        .unwrap();
        tasks.spawn("labeler", async move { axum::serve(listener, appview.router).await.unwrap() });
        Self { world, did, port, registry, shutdown, _tasks: tasks, _place: place }
    }

    /// The operator says something, or takes it back.
    async fn says(&self, val: &str, neg: bool) {
        let label = json!({ "uri": did("alice"), "val": val, "neg": neg });
        let url = format!("http://127.0.0.1:{}/api/v1/admin/labels/issue", self.port);
        let request = reqwest::Client::new().post(url).bearer_auth(ADMIN_TOKEN);
        let answer = request.json(&json!({ "labels": [label] })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    }

    async fn follow(&self, query: &str) -> Stream {
        self.follow_by(TcpSocket::new_v4().unwrap(), query).await
    }

    async fn follow_by(&self, socket: TcpSocket, query: &str) -> Stream {
        let socket = socket.connect((Ipv4Addr::LOCALHOST, self.port).into()).await.unwrap();
        let url =
            format!("ws://127.0.0.1:{}/xrpc/com.atproto.label.subscribeLabels{query}", self.port);
        Stream(client_async(url, socket).await.unwrap().0)
    }

    async fn until_metric(&self, line: &str) {
        let told = async {
            while !self.registry.encode().lines().any(|found| found == line) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(DEADLINE, told).await;
        assert!(told.is_ok(), "no {line} in\n{}", self.registry.encode());
    }
}

fn outside(world: &World, registry: &Registry) -> HttpClient {
    let config = HttpConfig { allow_loopback: true, ..HttpConfig::default() };
    HttpClient::new(&config, world.clock.shared(), registry).unwrap()
}

struct Stream(WebSocketStream<TcpStream>);

/// What a message says.
#[derive(Debug, PartialEq)]
enum Told {
    Label(i64, String, bool),
    Error(String),
    Closed,
}

impl Stream {
    /// The next message with content; none when the connection is closed.
    async fn message(&mut self) -> Option<Bytes> {
        loop {
            let message = tokio::time::timeout(DEADLINE, self.0.next()).await.unwrap();
            match message {
                Some(Ok(Message::Binary(bytes))) => return Some(bytes),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    async fn next(&mut self) -> Told {
        match self.message().await {
            Some(bytes) => told(&bytes),
            None => Told::Closed,
        }
    }

    /// Takes labels without looking at them, as many as come; how many, and what follows.
    async fn skip(&mut self, labels_max: usize) -> (usize, Option<String>) {
        let mut labels = 0;
        while labels < labels_max {
            let Some(bytes) = self.message().await else { return (labels, None) };
            match LabelFrame::parse(&bytes).unwrap() {
                LabelFrame::Labels(_) => labels += 1,
                LabelFrame::Error { error, .. } => return (labels, Some(error.to_owned())),
                other => panic!("unexpected: {other:?}"),
            }
        }
        (labels, None)
    }

    async fn label(&mut self) -> (i64, String, bool) {
        match self.next().await {
            Told::Label(seq, val, neg) => (seq, val, neg),
            other => panic!("no label: {other:?}"),
        }
    }
}

fn told(bytes: &[u8]) -> Told {
    match LabelFrame::parse(bytes).unwrap() {
        LabelFrame::Labels(frame) => {
            let labels: Vec<SentLabel<'_>> = frame.labels().map(Result::unwrap).collect();
            let [label] = labels[..] else { panic!("{} labels in a message", labels.len()) };
            let key = SigningKey::from_bytes(Curve::K256, &KEY).unwrap();
            label.verify(&key.public()).unwrap();
            Told::Label(frame.seq, label.val.to_owned(), label.neg.unwrap_or(false))
        }
        LabelFrame::Error { error, .. } => Told::Error(error.to_owned()),
        other => panic!("unexpected: {other:?}"),
    }
}

async fn what_is_said_is_told_in_order(world: World) {
    let labeler = Labeler::start(world, LimitsConfig::default()).await;
    labeler.says("a", false).await;
    labeler.says("b", false).await;
    let mut whole = labeler.follow("?cursor=0").await;
    let (first, ..) = whole.label().await;
    let (second, val, neg) = whole.label().await;
    assert!(second > first);
    assert_eq!((val.as_str(), neg), ("b", false));
    let mut from = labeler.follow(&format!("?cursor={first}")).await;
    assert_eq!(from.label().await, (second, "b".to_owned(), false), "behind the cursor");
    let mut live = labeler.follow("").await;
    labeler.until_metric("millrace_appview_label_followers 3.0").await;
    labeler.says("a", true).await;
    for stream in [&mut whole, &mut from] {
        let (seq, val, neg) = stream.label().await;
        assert!(seq > second);
        assert_eq!((val.as_str(), neg), ("a", true));
    }
    // It may have begun before or behind that; it is told whatever comes now.
    labeler.says("c", false).await;
    while live.label().await.1 != "c" {}
    let last = whole.label().await.0;
    // What was taken back is told as that, and once.
    let mut again = labeler.follow("?cursor=0").await;
    for expected in [("b", false), ("a", true), ("c", false)] {
        let (_, val, neg) = again.label().await;
        assert_eq!((val.as_str(), neg), expected);
    }
    let mut future = labeler.follow(&format!("?cursor={}", last + 1)).await;
    assert_eq!(future.next().await, Told::Error("FutureCursor".to_owned()));
    assert_eq!(future.next().await, Told::Closed);
    labeler.shutdown.cancel();
    assert_eq!(again.next().await, Told::Closed, "the process drains");
}

/// A log that ingest fills with what this labeler says.
struct Consumer {
    log: Log,
    supervisor: Supervisor,
    store: Store,
}

impl Consumer {
    async fn start(labeler: &Labeler, place: &Place) -> Self {
        let (registry, clock) = (Registry::new(), labeler.world.clock.shared());
        let log = Log::open(&LogConfig::in_dir(place.dir()), clock.clone(), &registry).unwrap();
        let config = place.config();
        let migrations = millrace_ingest::MIGRATIONS;
        let store = Store::open(&config, Domain::Ingest, migrations, &[], &clock, &registry);
        let store = store.await.unwrap();
        let http = outside(&labeler.world, &registry);
        let resolver = ResolverConfig { refresh_interval_ms: 0, ..ResolverConfig::default() };
        let supervisor = Supervisor::with_rng(&registry, Rng::seeded(1));
        let labelers =
            LabelersConfig { dids: vec![labeler.did.to_string()], ..LabelersConfig::default() };
        let connection = ConnectionConfig {
            backoff_first_ms: 5,
            backoff_max_ms: 50,
            ..ConnectionConfig::default()
        };
        let deps = IngestDeps {
            ahead: None,
            log: log.clone(),
            store: store.clone(),
            resolver: Resolver::new(http.clone(), resolver, clock.clone(), &registry).unwrap(),
            pds: PdsClient::new(http),
            clock,
            rng: Rng::seeded(2),
            config: IngestConfig {
                labelers,
                connection,
                checkpoint_ms: 5,
                ..IngestConfig::default()
            },
            registry,
        };
        Ingest::start(deps, &supervisor).unwrap();
        Self { log, supervisor, store }
    }

    async fn stop(self) {
        self.supervisor.shutdown();
        self.supervisor.join(Duration::from_secs(15)).await.unwrap();
        self.log.close().await;
        self.store.close().await;
    }

    async fn labels(&self) -> Vec<(String, bool)> {
        let mut found = Vec::new();
        for partition in 0..self.log.partitions(Topic::NetworkEntries) {
            let items = self.log.read(Topic::NetworkEntries, partition, 0, 8 << 20).await.unwrap();
            for item in items {
                let EntryBody::Labels { labels } = Entry::decode(&item.payload).unwrap().body
                else {
                    continue;
                };
                for label in &labels {
                    let label = SentLabel::parse(label).unwrap();
                    found.push((label.val.to_owned(), label.neg.unwrap_or(false)));
                }
            }
        }
        found
    }

    async fn until_labels(&self, expected: &[(&str, bool)]) {
        let expected: Vec<(String, bool)> =
            expected.iter().map(|(val, neg)| ((*val).to_owned(), *neg)).collect();
        let logged = async {
            while self.labels().await != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let logged = tokio::time::timeout(DEADLINE, logged).await;
        assert!(logged.is_ok(), "{:?}, expected {expected:?}", self.labels().await);
    }
}

async fn ingest_follows_what_is_issued_here(world: World) {
    let labeler = Labeler::start(world, LimitsConfig::default()).await;
    let document: Value =
        reqwest::get(format!("http://127.0.0.1:{}/.well-known/did.json", labeler.port))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
    assert_eq!(document["service"][2]["id"], "#atproto_labeler");
    labeler.says("a", false).await;
    let place = Place::new(Engine::Sqlite).await.unwrap();
    let consumer = Consumer::start(&labeler, &place).await;
    consumer.until_labels(&[("a", false)]).await;
    labeler.says("b", false).await;
    labeler.world.clock.advance(Duration::from_secs(1));
    labeler.says("a", true).await;
    consumer.until_labels(&[("a", false), ("b", false), ("a", true)]).await;
    consumer.stop().await;
    labeler.says("c", false).await;
    let consumer = Consumer::start(&labeler, &place).await;
    consumer.until_labels(&[("a", false), ("b", false), ("a", true), ("c", false)]).await;
    consumer.stop().await;
}

async fn who_does_not_read_is_let_go(world: World) {
    let limits = LimitsConfig { label_send_timeout_ms: 1_000, ..LimitsConfig::default() };
    let labeler = Labeler::start(world, limits).await;
    let label = |n: usize| SignedLabel {
        src: labeler.did.clone(),
        uri: format!("did:web:{n}.{}", "x".repeat(2_000)),
        cid: None,
        val: "spam".to_owned(),
        neg: false,
        cts: "2026-01-01T00:00:00.000Z".to_owned(),
        exp: None,
        sig: "AAAA".to_owned(),
    };
    for batch in 0..LABELS / 100 {
        let labels = (0..100).map(|n| label(batch * 100 + n)).collect();
        let command = IssueLabels { labels, reason: String::new() };
        labeler.world.dataplane.command(command).await.unwrap();
    }
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut slow = labeler.follow_by(socket, "?cursor=0").await;
    let line = "millrace_appview_label_streams_ended_total{reason=\"too_slow\"} 1";
    labeler.until_metric(line).await;
    let (labels, end) = slow.skip(LABELS).await;
    assert_eq!(end.as_deref(), Some("ConsumerTooSlow"), "behind {labels} labels");
    assert!(labels < LABELS);
    // Whoever reads is told everything meanwhile.
    let mut quick = labeler.follow("?cursor=0").await;
    assert_eq!(quick.skip(LABELS).await, (LABELS, None));
}

async fn followers_are_bounded(world: World) {
    let limits = LimitsConfig { label_followers_max: 1, ..LimitsConfig::default() };
    let labeler = Labeler::start(world, limits).await;
    let first = labeler.follow("").await;
    labeler.until_metric("millrace_appview_label_followers 1.0").await;
    let refused = async |query: &str| {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, labeler.port)).await.unwrap();
        let url = format!("ws://localhost/xrpc/com.atproto.label.subscribeLabels{query}");
        match client_async(url, socket).await {
            Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
                response.status().as_u16()
            }
            other => panic!("not refused: {other:?}"),
        }
    };
    assert_eq!(refused("").await, 503);
    for wrong in ["?cursor=-1", "?cursor=x"] {
        assert_eq!(refused(wrong).await, 400, "{wrong}");
    }
    let url = format!("http://127.0.0.1:{}/xrpc/com.atproto.label.subscribeLabels", labeler.port);
    assert_eq!(reqwest::get(url).await.unwrap().status(), 400, "no handshake");
    drop(first);
    labeler.until_metric("millrace_appview_label_followers 0.0").await;
    labeler.says("a", false).await;
    labeler.follow("?cursor=0").await.label().await;
}
