//! What a line looks like, and how many are written.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(config: &TelemetryConfig, body: impl FnOnce()) -> (String, u64) {
    let lines = Lines::default();
    let sink = lines.clone();
    let limited = Limited::new(move || sink.clone(), config, "run");
    let traces = Traces::of(config, "run").unwrap();
    let tracer = traces.as_ref().map(|traces| traces.provider.tracer(SCOPE));
    let layers = Layers { run_id: "run", tracer, alerts: None };
    let subscriber = subscriber(config, limited.clone(), false, layers).unwrap();
    tracing::subscriber::with_default(subscriber, body);
    (lines.text(), limited.dropped_total())
}

#[test]
fn a_json_line_carries_span_fields_and_the_service() {
    let config = TelemetryConfig {
        format: LogFormat::Json,
        service: "appview".into(),
        env: "test".into(),
        version: "1.2.3".into(),
        ..TelemetryConfig::default()
    };
    let (text, _) = logged(&config, || {
        let _outer = tracing::info_span!("request", trace_id = "abc", attempt = 1).entered();
        let _inner = tracing::info_span!("job", job_id = 7, attempt = 2).entered();
        tracing::warn!(queue.depth = 12, slow = true, "falling behind");
    });
    let mut line: Value = serde_json::from_str(&text).unwrap();
    let mut removed = |name: &str| line.as_object_mut().unwrap().remove(name).unwrap();
    let time = removed("timestamp");
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    assert_eq!(removed("span_id").as_str().map(str::len), Some(16));
    assert_eq!(
        line,
        json!({
            "level": "WARN", "target": "millrace_runtime::telemetry::tests",
            "message": "falling behind", "queue.depth": 12, "slow": true,
            "trace_id": "abc", "job_id": 7, "attempt": 2,
            "service": "appview", "env": "test", "version": "1.2.3", "run_id": "run",
        })
    );
}

#[test]
fn lines_above_the_bound_are_left_out_but_errors_are_not() {
    let config = TelemetryConfig { lines_per_second_max: 3, ..TelemetryConfig::default() };
    let (text, dropped) = logged(&config, || {
        for n in 0..1000 {
            tracing::info!(n, "noise");
        }
        tracing::error!("disk full");
    });
    // The thousand may straddle the border of a second, never more than a few of them.
    assert!(dropped >= 900, "{dropped}");
    assert!(text.contains("disk full") && text.contains("log lines left out"), "{text}");
    assert!(text.lines().count() < 100, "{text}");
}

#[test]
fn the_level_filters_and_a_wrong_one_is_an_error() {
    let config = TelemetryConfig { level: "warn".into(), ..TelemetryConfig::default() };
    let (text, _) = logged(&config, || tracing::info!("quiet"));
    assert_eq!(text, "");

    let wrong = TelemetryConfig { level: "loud=very".into(), ..TelemetryConfig::default() };
    let layers = Layers { run_id: "run", tracer: None, alerts: None };
    let error = subscriber(&wrong, io::sink, false, layers).err().unwrap();
    assert_eq!(error.diagnosis().code, "MR-RUN-003");
    assert!(error.to_string().starts_with("telemetry.level: `loud=very`"), "{error}");
}

#[test]
fn lines_of_one_request_share_a_trace_that_datadog_knows_too() {
    let config =
        TelemetryConfig { format: LogFormat::Json, datadog: true, ..TelemetryConfig::default() };
    let (text, _) = logged(&config, || {
        let request = tracing::info_span!("request").entered();
        tracing::info!("one");
        tracing::info_span!("hydrate").in_scope(|| tracing::info!("two"));
        drop(request);
        tracing::info!("three");
    });
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["trace_id"], lines[1]["trace_id"]);
    assert_ne!(lines[0]["span_id"], lines[1]["span_id"]);
    assert_eq!(lines[2].get("trace_id"), None);
    let low = u64::from_str_radix(&lines[0]["trace_id"].as_str().unwrap()[16..], 16).unwrap();
    assert_eq!(lines[0]["dd.trace_id"], low.to_string());
    let span = u64::from_str_radix(lines[1]["span_id"].as_str().unwrap(), 16).unwrap();
    assert_eq!(lines[1]["dd.span_id"], span.to_string());
}

#[test]
fn a_notice_of_lines_left_out_is_a_line_like_others() {
    let config = TelemetryConfig {
        format: LogFormat::Json,
        lines_per_second_max: 1,
        ..TelemetryConfig::default()
    };
    let (text, _) = logged(&config, || {
        (0..1000).for_each(|n| tracing::info!(n, "noise"));
        tracing::error!("disk full");
    });
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let notice = lines.rfind(|line| line["message"] == "log lines left out").unwrap();
    assert_eq!((&notice["run_id"], &notice["service"]), (&json!("run"), &json!("millrace")));
    assert!(notice["dropped"].as_u64().unwrap() > 0 && notice["timestamp"].is_string());
}
