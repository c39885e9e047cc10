//! Traces arrive at a collector: requests over two processes' seams as one trace, entries by the id
//! they carry; and a collector that is gone costs nothing but the spans.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use millrace_runtime::alert::AlertsConfig;
use millrace_runtime::internal::{Caller, guarded};
use millrace_runtime::metrics::Registry;
use millrace_runtime::supervise::spawn_detached_named;
use millrace_runtime::telemetry::{self, TelemetryConfig, journey};
use tokio::sync::mpsc;
use tracing::Instrument as _;

const WITHIN: Duration = Duration::from_secs(120);

/// A span as it came, as far as the tests look.
#[derive(Debug, Clone)]
struct Span {
    trace: Vec<u8>,
    id: Vec<u8>,
    parent: Vec<u8>,
    name: String,
}

/// Fields of a protobuf message: number and bytes; numbers that are no bytes are left out.
fn fields(mut message: &[u8]) -> Vec<(u64, &[u8])> {
    fn varint(message: &mut &[u8]) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = message.split_first()?;
            *message = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    let mut fields = Vec::new();
    while let Some(tag) = varint(&mut message) {
        let bytes = match tag & 7 {
            0 => {
                varint(&mut message).unwrap();
                continue;
            }
            1 => 8,
            2 => varint(&mut message).unwrap() as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (field, rest) = message.split_at(bytes);
        message = rest;
        fields.push((tag >> 3, field));
    }
    fields
}

fn of(message: &[u8], number: u64) -> Vec<&[u8]> {
    fields(message).into_iter().filter(|(n, _)| *n == number).map(|(_, bytes)| bytes).collect()
}

/// The spans of an `ExportTraceServiceRequest`, and what its resource says.
fn read(request: &[u8]) -> (Vec<Span>, BTreeMap<String, String>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (mut spans, mut resource) = (Vec::new(), BTreeMap::new());
    for resource_spans in of(request, 1) {
        for attribute in of(of(resource_spans, 1)[0], 1) {
            let value = of(of(attribute, 2)[0], 1);
            resource.insert(text(of(attribute, 1)[0]), text(value[0]));
        }
        for span in of(resource_spans, 2).into_iter().flat_map(|scope| of(scope, 2)) {
            let bytes = |number| of(span, number).first().map(|b| b.to_vec()).unwrap_or_default();
            let (trace, id, parent) = (bytes(1), bytes(2), bytes(4));
            spans.push(Span { trace, id, parent, name: text(of(span, 5)[0]) });
        }
    }
    (spans, resource)
}

async fn serve(name: &str, router: Router) -> url::Url {
    let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap()).parse().unwrap();
    spawn_detached_named(name, async move { axum::serve(socket, router).await.unwrap() });
    url
}

#[tokio::test]
async fn requests_and_entries_are_traced_to_a_collector() {
    let (sender, mut requests) = mpsc::unbounded_channel::<Bytes>();
    let take = |State(sender): State<mpsc::UnboundedSender<Bytes>>,
                headers: HeaderMap,
                body: Bytes| async move {
        assert_eq!(headers["content-type"], "application/x-protobuf");
        // Whoever listens may be gone.
        let _ = sender.send(body);
    };
    let collector =
        serve("collector", Router::new().route("/v1/traces", post(take)).with_state(sender)).await;
    let config = TelemetryConfig {
        otlp_endpoint: Some(collector.to_string()),
        trace_requests_ratio: 1.0,
        trace_entries_ratio: 1.0,
        service: "millrace-test".to_owned(),
        env: "test".to_owned(),
        version: "1.2.3".to_owned(),
        ..TelemetryConfig::default()
    };
    let telemetry = telemetry::init(&config, &AlertsConfig::default()).unwrap();
    let registry = Registry::new();
    telemetry.start(&registry);

    // A request of one process asks another: one trace.
    let answer = || async {
        tracing::info_span!(target: "millrace_test", "answer").in_scope(|| ());
        axum::Json(7)
    };
    let internal = guarded(Router::new().route("/internal/getSeven", post(answer)), None);
    let caller = Caller::new(serve("internal", internal).await, None, WITHIN).unwrap();
    let asked = async { caller.call::<u8>("getSeven", &()).await.unwrap() };
    assert_eq!(asked.instrument(tracing::info_span!(target: "millrace_test", "request")).await, 7);
    // A stranger's header is not looked at where nobody continues it; entries carry their own ids.
    let trace = [7; 16];
    journey::begin().unwrap().end("log.append", [trace, [0; 16]], &[("entries", 2)]);
    journey::root("ingest", trace, 1_700_000_000_000_000, &[]);
    telemetry.close().await;

    let mut spans = Vec::new();
    while let Ok(request) = requests.try_recv() {
        let (some, resource) = read(&request);
        assert_eq!(resource["service.name"], "millrace-test");
        assert_eq!(resource["deployment.environment.name"], "test");
        assert_eq!(resource["service.version"], "1.2.3");
        assert_eq!(resource["service.instance.id"], telemetry.run_id());
        spans.extend(some);
    }
    let named = |name: &str| {
        spans
            .iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("{name}: {spans:?}"))
            .clone()
    };
    let (request, internal, answer) = (named("request"), named("internal"), named("answer"));
    assert_eq!((&request.trace, &internal.trace), (&internal.trace, &answer.trace));
    assert!(request.parent.is_empty());
    assert_eq!((&internal.parent, &answer.parent), (&request.id, &internal.id));
    let (root, append) = (named("ingest"), named("log.append"));
    assert_eq!((&root.trace[..], &append.trace[..]), (&trace[..], &trace[..]));
    assert!(root.parent.is_empty() && append.parent == root.id);
    assert_eq!(spans.len(), 5, "an entry without an id is not traced: {spans:?}");
    let scrape = registry.encode();
    assert!(scrape.contains("millrace_runtime_spans_total{outcome=\"exported\"} 5"), "{scrape}");
    // After the end nothing is taken and nothing breaks.
    journey::begin().unwrap().end("log.append", [trace], &[]);
    assert!(registry.encode().contains("millrace_runtime_spans_total{outcome=\"dropped_full\"} 1"));
}
