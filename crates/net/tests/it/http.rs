//! Addresses, redirects, sizes, times and pauses.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::http::header::{AUTHORIZATION, HOST, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::get;
use futures_util::stream;
use millrace_net::{HttpClient, HttpConfig, HttpError, Limits, Request};
use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use tokio::sync::Semaphore;

use crate::server::{LIMITS, NOW_US, Server, client};

fn to(location: String) -> (StatusCode, [(axum::http::HeaderName, String); 1]) {
    (StatusCode::FOUND, [(LOCATION, location)])
}

#[tokio::test]
async fn this_machine_is_not_asked_unless_allowed() {
    let server = Server::http(Router::new().route("/", get(|| async { "hi" }))).await;
    let clock = ManualClock::at(NOW_US).shared();
    let strict = HttpClient::new(&HttpConfig::default(), clock, &Registry::new()).unwrap();
    let refused = |url: String| {
        let strict = strict.clone();
        async move { strict.get(&url, LIMITS).await.unwrap_err() }
    };
    assert!(matches!(refused(server.url("/")).await, HttpError::Url { .. }));
    let https = format!("https://{}/", server.addr);
    assert!(matches!(refused(https).await, HttpError::Forbidden { reason: "loopback", .. }));
    let named = format!("https://localhost:{}/", server.addr.port());
    assert!(matches!(refused(named).await, HttpError::Forbidden { reason: "loopback", .. }));

    let (allowed, _) = client(HttpConfig::default());
    assert_eq!(allowed.get(&server.url("/"), LIMITS).await.unwrap().body, "hi");
}

#[tokio::test]
async fn redirects_do_not_lead_inside() {
    let targets = [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "file:///etc/passwd",
        "http://user:pw@example.com/",
        "//192.168.1.1/",
    ];
    let router = Router::new()
        .route("/{n}", get(move |Path(n): Path<usize>| async move { to(targets[n].to_owned()) }));
    let server = Server::http(router).await;
    let (client, _) = client(HttpConfig::default());
    for (n, target) in targets.iter().enumerate() {
        let error = client.get(&server.url(&format!("/{n}")), LIMITS).await.unwrap_err();
        let refused = matches!(error, HttpError::Forbidden { .. } | HttpError::Url { .. });
        assert!(refused && !error.is_retryable(), "{target}: {error}");
    }
}

#[tokio::test]
async fn redirects_are_followed_but_not_for_ever() {
    let router = Router::new().route(
        "/{left}",
        get(|Path(left): Path<usize>| async move {
            match left {
                0 => Err("there"),
                left => Ok(to(format!("./{}", left - 1))),
            }
        }),
    );
    let server = Server::http(router).await;
    let (client, _) = client(HttpConfig::default());
    assert_eq!(client.get(&server.url("/5"), LIMITS).await.unwrap().body, "there");
    let error = client.get(&server.url("/6"), LIMITS).await.unwrap_err();
    assert!(matches!(error, HttpError::Redirects { .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_to_nowhere_is_an_error() {
    let server = Server::http(Router::new().route("/", get(|| async { StatusCode::FOUND }))).await;
    let (client, _) = client(HttpConfig::default());
    let error = client.get(&server.url("/"), LIMITS).await.unwrap_err();
    assert!(matches!(error, HttpError::Redirects { reason: "to nowhere", .. }), "{error}");
}

#[tokio::test]
async fn credentials_stay_at_their_origin() {
    let told = |headers: HeaderMap| async move {
        format!("{} {}", headers.contains_key(AUTHORIZATION), headers[HOST].to_str().unwrap())
    };
    let other = Server::http(Router::new().route("/told", get(told))).await;
    let elsewhere = other.url("/told");
    let router = Router::new()
        .route("/told", get(told))
        .route("/here", get(|| async { to("/told".to_owned()) }))
        .route("/away", get(move || async move { to(elsewhere) }));
    let server = Server::http(router).await;
    let (client, _) = client(HttpConfig::default());
    let ask = |path: &str| {
        let request = Request::get(server.url(path))
            .header(AUTHORIZATION, HeaderValue::from_static("Bearer x"))
            .header(HOST, HeaderValue::from_static("alice.test"));
        let client = client.clone();
        async move { client.get_with(request, LIMITS).await.unwrap().body }
    };
    assert_eq!(ask("/told").await, "true alice.test");
    assert_eq!(ask("/here").await, format!("true {}", server.addr));
    assert_eq!(ask("/away").await, format!("false {}", other.addr));
}

#[tokio::test]
async fn bodies_are_cut_off_at_their_bound() {
    let endless = || async {
        Body::from_stream(stream::repeat_with(|| {
            Ok::<_, Infallible>(Bytes::from(vec![b'x'; 1024]))
        }))
    };
    let router = Router::new()
        .route("/announced", get(|| async { vec![b'x'; 10_001] }))
        .route("/fits", get(|| async { vec![b'x'; 10_000] }))
        .route("/endless", get(endless));
    let server = Server::http(router).await;
    let (client, _) = client(HttpConfig::default());
    let limits = Limits::new(10_000, Duration::from_secs(10));
    assert_eq!(client.get(&server.url("/fits"), limits).await.unwrap().body.len(), 10_000);
    for path in ["/announced", "/endless"] {
        let error = client.get(&server.url(path), limits).await.unwrap_err();
        assert!(matches!(error, HttpError::TooLarge { bytes_max: 10_000, .. }), "{path}: {error}");
    }
    let mut body = client.get_stream(&server.url("/endless"), limits).await.unwrap();
    let mut held = 0;
    let error = loop {
        match body.next_chunk().await {
            Ok(chunk) => held += chunk.unwrap().len(),
            Err(error) => break error,
        }
    };
    assert!(held <= 10_000 && matches!(error, HttpError::TooLarge { .. }), "{held}: {error}");
}

#[tokio::test]
async fn slow_answers_and_slow_bodies_are_given_up() {
    let stalled = || async {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"begin"))]);
        Body::from_stream(futures_util::StreamExt::chain(first, stream::pending()))
    };
    let router = Router::new()
        .route("/never", get(std::future::pending::<&'static str>))
        .route("/stalled", get(stalled));
    let server = Server::http(router).await;
    let (client, _) = client(HttpConfig::default());
    let soon = Limits::new(1000, Duration::from_millis(50));
    let error = client.get(&server.url("/never"), soon).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { doing: "waiting for an answer", .. }), "{error}");
    assert!(error.is_retryable());

    let error = client.get(&server.url("/stalled"), soon).await.unwrap_err();
    assert!(matches!(error, HttpError::Timeout { doing: "receiving the body", .. }), "{error}");

    let idle = Limits::new(1000, Duration::from_secs(60)).idle(Duration::from_millis(50));
    let mut body = client.get_stream(&server.url("/stalled"), idle).await.unwrap();
    assert_eq!(body.next_chunk().await.unwrap().unwrap(), "begin");
    let error = body.next_chunk().await.unwrap_err();
    assert!(
        matches!(error, HttpError::Timeout { doing: "waiting for more of the body", .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_cut_short_is_not_taken_for_whole() {
    let cases: [&'static [u8]; 3] = [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nbegin\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-le",
    ];
    let (client, _) = client(HttpConfig::default());
    for bytes in cases {
        let server = Server::raw(bytes).await;
        let error = client.get(&server.url("/"), LIMITS).await.unwrap_err();
        assert!(matches!(error, HttpError::Truncated { .. }), "{error}");
        assert!(error.is_retryable());
    }
}

#[tokio::test]
async fn nobody_listening_is_retryable() {
    let closed = Server::raw(b"").await.addr;
    let (client, _) = client(HttpConfig::default());
    let error = client.get(&format!("http://127.0.0.1:{}/", closed.port()), LIMITS).await;
    let error = error.unwrap_err();
    assert!(matches!(error, HttpError::Connect { .. } | HttpError::Truncated { .. }), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_host_that_asks_for_a_pause_gets_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let busy = move || {
        counted.fetch_add(1, Ordering::SeqCst);
        async { (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "30")], "slow down") }
    };
    let server = Server::http(Router::new().route("/", get(busy))).await;
    let (client, _) = client(HttpConfig::default());
    let error = client.get(&server.url("/"), LIMITS).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert!(
        matches!(&error, HttpError::RateLimited { body, .. } if body == "slow down"),
        "{error}"
    );

    let error = client.get(&server.url("/"), LIMITS).await.unwrap_err();
    let wait = error.retry_after().unwrap();
    assert!(
        matches!(error, HttpError::RateLimited { .. }) && wait > Duration::from_secs(20),
        "{error}"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 1, "not asked during the pause");
}

#[tokio::test]
async fn statuses_are_errors_with_their_wait_and_body() {
    let router = Router::new()
        .route(
            "/busy",
            get(|| async { (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "7")], "later") }),
        )
        .route("/gone", get(|| async { StatusCode::GONE }));
    let server = Server::http(router).await;
    let (client, _) = client(HttpConfig::default());
    let error = client.get(&server.url("/busy"), LIMITS).await.unwrap_err();
    assert_eq!((error.status(), error.retry_after()), (Some(503), Some(Duration::from_secs(7))));
    assert!(error.is_retryable());
    let error = client.get(&server.url("/gone"), LIMITS).await.unwrap_err();
    assert_eq!((error.status(), error.is_retryable()), (Some(410), false));
    let sent = client.send(Request::get(server.url("/gone")), LIMITS).await.unwrap();
    assert_eq!(sent.status, 410);
}

#[tokio::test]
async fn one_host_is_asked_a_few_things_at_a_time() {
    let under_way = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let go_on = Arc::new(Semaphore::new(0));
    let (counted, peak, hold) = (Arc::clone(&under_way), Arc::clone(&most), Arc::clone(&go_on));
    let slow = move || {
        let (counted, peak, hold) = (Arc::clone(&counted), Arc::clone(&peak), Arc::clone(&hold));
        async move {
            peak.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            hold.acquire().await.unwrap().forget();
            counted.fetch_sub(1, Ordering::SeqCst);
            "done"
        }
    };
    let server = Server::http(Router::new().route("/", get(slow))).await;
    let (client, _) = client(HttpConfig { per_host_concurrency_max: 2, ..HttpConfig::default() });
    let url = server.url("/");
    let requests = futures_util::future::join_all((0..6).map(|_| client.get(&url, LIMITS)));
    let release = async {
        while under_way.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        go_on.add_permits(6);
    };
    let both = async { tokio::join!(requests, release) };
    let (answers, ()) = tokio::time::timeout(Duration::from_secs(10), both).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn json_that_is_none_is_an_error() {
    let server = Server::http(Router::new().route("/", get(|| async { "<html>" }))).await;
    let (client, _) = client(HttpConfig::default());
    let error = client.get_json::<Vec<u8>>(&server.url("/"), LIMITS).await.unwrap_err();
    assert!(matches!(error, HttpError::Json { .. }), "{error}");
}

#[tokio::test]
async fn where_redirects_are_forbidden_one_is_an_error() {
    let server = Server::http(
        Router::new()
            .route("/moved", get(|| async { (StatusCode::FOUND, [(LOCATION, "/there")]) })),
    )
    .await;
    let (client, _) = client(HttpConfig::default());
    let request = Request::get(server.url("/moved")).unredirected();
    let error = client.send(request, LIMITS).await.unwrap_err();
    let reason = "none is followed here";
    assert!(
        matches!(error, HttpError::Redirects { reason: told, .. } if told == reason),
        "{error}"
    );
}
