//! Alerts against a webhook on loopback: delivered once, tried again, and harmless when it is down.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

use super::*;
use crate::config::Secret;
use crate::supervise::spawn_detached_named;

const WITHIN: Duration = Duration::from_secs(120);

/// What came in, and what is answered.
#[derive(Clone)]
struct Sink {
    answers: Arc<Mutex<VecDeque<u16>>>,
    posts: mpsc::UnboundedSender<(HeaderMap, Bytes)>,
}

async fn take(Shared(sink): Shared<Sink>, headers: HeaderMap, body: Bytes) -> StatusCode {
    sink.posts.send((headers, body)).unwrap();
    let status = sink.answers.lock().pop_front().unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

/// A webhook that answers so, then 200.
async fn sink(answers: &[u16]) -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let (posts, received) = mpsc::unbounded_channel();
    let answers = Arc::new(Mutex::new(answers.iter().copied().collect()));
    let router = Router::new().route("/hook", post(take)).with_state(Sink { answers, posts });
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    spawn_detached_named("sink", async move { axum::serve(socket, router).await.unwrap() });
    (url, received)
}

fn config(url: &str) -> AlertsConfig {
    AlertsConfig { webhook_url: Some(Secret::from(url)), ..AlertsConfig::default() }
}

/// Alerts that run, and a registry that counts them.
fn running(config: &AlertsConfig) -> (Alerts, Registry, tokio::task::JoinHandle<()>) {
    let telemetry = TelemetryConfig { env: "test".to_owned(), ..TelemetryConfig::default() };
    let alerts = Alerts::new(config, &telemetry, "run").unwrap();
    let registry = Registry::new();
    let delivery = alerts.start(&registry).unwrap();
    (alerts, registry, spawn_detached_named("alerts", delivery))
}

/// As the process logs.
fn logged(alerts: &Alerts, body: impl FnOnce()) {
    let layer = alerts.layer().with_filter(filter_fn(AlertLayer::concerns));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), body);
}

async fn next(received: &mut mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) -> (HeaderMap, Value) {
    let (headers, body) = tokio::time::timeout(WITHIN, received.recv()).await.unwrap().unwrap();
    (headers, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn an_alert_is_posted_once_with_its_level_and_text() {
    let (url, mut received) = sink(&[]).await;
    let (alerts, registry, task) = running(&config(&url));
    logged(&alerts, || {
        for _ in 0..5 {
            raise(Kind::SourceSilent, "relay", "nothing for 300 s");
        }
        raise(Kind::DiskBudgetStop, "data", "no room");
        tracing::error!(error = %"torn page", "the log is damaged");
        tracing::warn!("not an alert");
    });
    let (_, first) = next(&mut received).await;
    assert_eq!(first["text"], "[HIGH] millrace test: relay: nothing for 300 s");
    assert_eq!((&first["level"], &first["kind"]), (&"HIGH".into(), &"source_silent".into()));
    assert_eq!((&first["env"], &first["run_id"]), (&"test".into(), &"run".into()));
    assert_eq!(next(&mut received).await.1["level"], "CRITICAL");
    let logged = next(&mut received).await.1;
    assert_eq!(
        (&logged["kind"], &logged["message"]),
        (&"error_logged".into(), &"the log is damaged: torn page".into())
    );
    alerts.close();
    task.await.unwrap();
    assert!(received.try_recv().is_err(), "nothing is posted twice");
    let scrape = registry.encode();
    for line in [
        "millrace_runtime_alerts_total{kind=\"source_silent\",level=\"HIGH\"} 5",
        "millrace_runtime_alerts_total{kind=\"error_logged\",level=\"HIGH\"} 1",
        "millrace_runtime_alert_deliveries_total{outcome=\"delivered\"} 3",
        "millrace_runtime_alert_deliveries_total{outcome=\"held\"} 4",
        "millrace_runtime_alerts_active{kind=\"source_silent\"} 1",
    ] {
        assert!(scrape.contains(line), "{line}\n{scrape}");
    }
}

#[tokio::test]
async fn a_webhook_that_fails_is_asked_again_with_the_same_delivery() {
    let (url, mut received) = sink(&[503, 429]).await;
    let (alerts, registry, task) = running(&config(&url));
    logged(&alerts, || raise(Kind::ApplyLag, "dataplane", "behind"));
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(next(&mut received).await.0["x-millrace-delivery"].clone());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    alerts.close();
    task.await.unwrap();
    assert!(received.try_recv().is_err());
    assert!(registry.encode().contains("deliveries_total{outcome=\"delivered\"} 1"));
}

#[tokio::test]
async fn a_refusal_is_not_repeated() {
    let (url, mut received) = sink(&[404]).await;
    let (alerts, registry, task) = running(&config(&url));
    logged(&alerts, || raise(Kind::ApplyLag, "dataplane", "behind"));
    next(&mut received).await;
    logged(&alerts, || raise(Kind::ApplyLag, "other", "behind"));
    assert_eq!(next(&mut received).await.1["subject"], "other");
    alerts.close();
    task.await.unwrap();
    assert!(registry.encode().contains("deliveries_total{outcome=\"failed\"} 1"));
}

#[tokio::test]
async fn a_webhook_that_is_down_costs_nobody_anything() {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    drop(socket);
    let (alerts, registry, task) = running(&config(&url));
    logged(&alerts, || {
        for n in 0..QUEUE_MAX + 20 {
            raise(Kind::TaskFailed, &n.to_string(), "failed");
        }
    });
    alerts.close();
    tokio::time::timeout(WITHIN, task).await.unwrap().unwrap();
    let scrape = registry.encode();
    assert!(scrape.contains("deliveries_total{outcome=\"dropped\"} 20"), "{scrape}");
    assert!(scrape.contains("deliveries_total{outcome=\"failed\"} 256"), "{scrape}");
}

#[tokio::test]
async fn ends_are_told_and_low_levels_are_not() {
    let (url, mut received) = sink(&[]).await;
    let config = AlertsConfig { level_min: Level::High, ..config(&url) };
    let (alerts, _, task) = running(&config);
    logged(&alerts, || {
        raise(Kind::EntriesParked, "dataplane", "3 parked");
        raise(Kind::ApplyLag, "dataplane", "behind");
        resolve(Kind::ApplyLag, "dataplane", "caught up");
    });
    assert_eq!(next(&mut received).await.1["kind"], "apply_lag");
    let (_, end) = next(&mut received).await;
    assert_eq!(
        (&end["resolved"], &end["text"]),
        (&true.into(), &"[RESOLVED] millrace test: dataplane: caught up".into())
    );
    alerts.close();
    task.await.unwrap();
    assert!(received.try_recv().is_err());
}

#[tokio::test]
async fn a_body_is_signed_with_the_secret() {
    let (url, mut received) = sink(&[]).await;
    let config = AlertsConfig { webhook_secret: Some(Secret::from("key")), ..config(&url) };
    test(&config, &TelemetryConfig::default()).await.unwrap();
    let (headers, body) = received.recv().await.unwrap();
    let given = headers["x-millrace-signature"].to_str().unwrap().strip_prefix("sha256=").unwrap();
    let tag: Vec<u8> = (0..given.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&given[at..at + 2], 16).unwrap())
        .collect();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"key");
    ring::hmac::verify(&key, &body, &tag).unwrap();
    assert!(ring::hmac::verify(&key, b"another body", &tag).is_err());
}

#[tokio::test]
async fn a_test_says_what_is_wrong() {
    let check = async |config: &AlertsConfig| {
        test(config, &TelemetryConfig::default()).await.unwrap_err().to_string()
    };
    assert_eq!(check(&AlertsConfig::default()).await, "alerts.webhook_url is not set");
    assert!(check(&config("ftp://example")).await.contains("http://"));
    let (url, _received) = sink(&[500]).await;
    assert_eq!(check(&config(&url)).await, "the webhook answered 500");
}
