//! Servers of a test: HTTP by axum, raw bytes, and DNS. Each ends with its handle.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::rdata::TXT;
use hickory_resolver::proto::rr::{RData, Record};
use millrace_net::{HttpClient, HttpConfig, Limits};
use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::supervise::TaskSet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};

/// 2024-01-01T00:00:00Z.
pub const NOW_US: i64 = 1_704_067_200_000_000;

pub const LIMITS: Limits = Limits::new(64 * 1024, Duration::from_secs(10));

/// A server that runs until it is dropped.
pub struct Server {
    pub addr: SocketAddr,
    _tasks: TaskSet<()>,
}

impl Server {
    pub fn run(addr: SocketAddr, task: impl Future<Output = ()> + Send + 'static) -> Self {
        let mut tasks = TaskSet::new();
        tasks.spawn("server", task);
        Self { addr, _tasks: tasks }
    }

    /// Serves `router`.
    pub async fn http(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        Self::run(addr, async move { axum::serve(listener, router).await.unwrap() })
    }

    /// Answers every connection with `bytes` once it has asked, and closes it.
    pub async fn raw(bytes: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        Self::run(addr, async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut asked = [0; 4096];
                let _ = socket.read(&mut asked).await;
                let _ = socket.write_all(bytes).await;
                let _ = socket.shutdown().await;
            }
        })
    }

    /// Answers TXT questions: `texts` of a name, else that there is no such name.
    pub async fn dns(texts: fn(&str) -> &'static [&'static str]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        Self::run(addr, async move {
            let mut bytes = [0; 4096];
            loop {
                let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
                let answer = dns_answer(&bytes[..length], texts);
                socket.send_to(&answer, from).await.unwrap();
            }
        })
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }
}

fn dns_answer(asked: &[u8], texts: fn(&str) -> &'static [&'static str]) -> Vec<u8> {
    let mut message = Message::from_vec(asked).unwrap();
    let name = message.queries[0].name().clone();
    let texts = texts(name.to_utf8().trim_end_matches('.'));
    message.metadata.message_type = MessageType::Response;
    message.metadata.recursion_available = true;
    if texts.is_empty() {
        message.metadata.response_code = ResponseCode::NXDomain;
    }
    for text in texts {
        let data = RData::TXT(TXT::new(vec![(*text).to_owned()]));
        message.add_answer(Record::from_rdata(name.clone(), 60, data));
    }
    message.to_vec().unwrap()
}

/// A client that may ask this machine, and its clock.
pub fn client(config: HttpConfig) -> (HttpClient, ManualClock) {
    let clock = ManualClock::at(NOW_US);
    let config = HttpConfig { allow_loopback: true, ..config };
    (HttpClient::new(&config, clock.shared(), &Registry::new()).unwrap(), clock)
}
