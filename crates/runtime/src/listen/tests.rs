//! Clients that take their time, and those beside them.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::{ConnectionsConfig, serve};
use crate::metrics::Registry;
use crate::supervise::{Shutdown, spawn_detached_named};

/// Longest wait for anything.
const DEADLINE: Duration = Duration::from_secs(20);
/// What a client does not take more than, and what a slow answer takes more than.
const HEAD_MS: u64 = 200;
const ANSWER: Duration = Duration::from_millis(3 * HEAD_MS);

struct Listening {
    addr: SocketAddr,
    shutdown: Shutdown,
    registry: Registry,
    /// A permit for each slow request that has begun.
    begun: Arc<Semaphore>,
    task: JoinHandle<()>,
}

async fn listening(connections_max: usize) -> Listening {
    let begun = Arc::new(Semaphore::new(0));
    let slowly = Arc::clone(&begun);
    let slow = async move || {
        slowly.add_permits(1);
        sleep(ANSWER).await;
    };
    let router = Router::new()
        .route("/", get(async |ConnectInfo(addr): ConnectInfo<SocketAddr>| addr.ip().to_string()))
        .route("/slow", get(slow))
        .route("/large", get(async || vec![b'x'; 32 << 20]));
    let config = ConnectionsConfig {
        connections_max,
        header_timeout_ms: HEAD_MS,
        idle_timeout_ms: HEAD_MS,
        ..ConnectionsConfig::default()
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    let (shutdown, registry) = (Shutdown::new(), Registry::new());
    let (told, counted) = (shutdown.clone(), registry.clone());
    let task = spawn_detached_named("listener", async move {
        serve("test", socket, router, &config, &counted, told).await;
    });
    Listening { addr, shutdown, registry, begun, task }
}

impl Listening {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.addr).await.unwrap()
    }

    /// What an ordinary client is answered at this path.
    async fn get(&self, path: &str) -> String {
        let mut stream = self.connect().await;
        ask(&mut stream, path).await
    }

    fn counted(&self, line: &str) -> bool {
        self.registry.encode().lines().any(|printed| printed == line)
    }
}

/// Asks and reads until the connection ends.
async fn ask(stream: &mut TcpStream, path: &str) -> String {
    let head = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(DEADLINE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

/// Waits until the other side has ended the connection.
async fn until_cut_off(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // Reset or closed: either way it is over.
    let _ = timeout(DEADLINE, stream.read_to_end(&mut rest)).await.unwrap();
}

#[tokio::test]
async fn who_drips_a_head_is_cut_off_and_others_are_served() {
    let listening = listening(16).await;
    let (mut reader, mut writer) = listening.connect().await.into_split();
    let dripping = spawn_detached_named("slow client", async move {
        writer.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
        // Until the other side does not take any more.
        while writer.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(listening.get("/").await.ends_with("127.0.0.1"));
    let mut rest = Vec::new();
    let _ = timeout(DEADLINE, reader.read_to_end(&mut rest)).await.unwrap();
    timeout(DEADLINE, dripping).await.unwrap().unwrap();
    assert!(listening.get("/").await.ends_with("127.0.0.1"));
    let line = "millrace_runtime_connections_cut_off_total{listener=\"test\",reason=\"head\"} 1";
    assert!(listening.counted(line), "{}", listening.registry.encode());
}

#[tokio::test]
async fn silence_is_bounded_whatever_is_spoken() {
    let listening = listening(16).await;
    let settings: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for first in [b"".as_slice(), b"P", b"PRI * HTTP/2.0", settings] {
        let mut stream = listening.connect().await;
        stream.write_all(first).await.unwrap();
        until_cut_off(&mut stream).await;
    }
    // And after an answer.
    let mut stream = listening.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    until_cut_off(&mut stream).await;
}

#[tokio::test]
async fn who_does_not_read_is_cut_off() {
    let listening = listening(1).await;
    let mut stream = listening.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    // There is one place, and it is given to the next.
    assert!(listening.get("/").await.ends_with("127.0.0.1"));
}

#[tokio::test]
async fn an_answer_may_take_its_time() {
    let listening = listening(16).await;
    assert!(listening.get("/slow").await.starts_with("HTTP/1.1 200"));
    crate::tls::install_provider();
    let http2 = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let url = format!("http://{}/slow", listening.addr);
    let answer = timeout(DEADLINE, http2.get(url).send()).await.unwrap().unwrap();
    assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_2));
}

#[tokio::test]
async fn draining_finishes_what_is_under_way() {
    let listening = listening(16).await;
    let mut asking = listening.connect().await;
    asking.write_all(b"GET /slow HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let mut idle = listening.connect().await;
    let _begun = timeout(DEADLINE, listening.begun.acquire()).await.unwrap().unwrap();
    listening.shutdown.cancel();
    let mut answer = String::new();
    timeout(DEADLINE, asking.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    until_cut_off(&mut idle).await;
    timeout(DEADLINE, listening.task).await.unwrap().unwrap();
}
