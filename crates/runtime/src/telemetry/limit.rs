//! The bound on lines a second, as a writer around the real one.

use std::io::Write as _;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Map, Value};
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::writer::OptionalWriter;

use super::json::JsonLines;
use super::{LogFormat, TelemetryConfig};
use crate::clock::Stopwatch;

/// A maker of writers that yields nothing for lines above the bound.
#[derive(Debug, Clone)]
pub(super) struct Limited<M> {
    inner: M,
    json: Option<JsonLines>,
    lines_max: u32,
    window: Arc<Mutex<Window>>,
}

/// The second at hand.
#[derive(Debug)]
struct Window {
    since: Stopwatch,
    second: u64,
    written: u32,
    dropped: u64,
    dropped_total: u64,
}

impl<M> Limited<M> {
    pub(super) fn new(inner: M, config: &TelemetryConfig, run_id: &str) -> Self {
        let window = Window {
            since: Stopwatch::start(),
            second: 0,
            written: 0,
            dropped: 0,
            dropped_total: 0,
        };
        Self {
            inner,
            json: (config.format == LogFormat::Json).then(|| JsonLines::new(config, run_id)),
            lines_max: config.lines_per_second_max,
            window: Arc::new(Mutex::new(window)),
        }
    }

    pub(super) fn dropped_total(&self) -> u64 {
        self.window.lock().dropped_total
    }

    /// Lets a line pass or not, and how many were dropped before it, said once.
    fn admit(&self, level: Level) -> (bool, u64) {
        let mut window = self.window.lock();
        let second = window.since.elapsed().as_secs();
        if second != window.second {
            (window.second, window.written) = (second, 0);
        }
        if level != Level::ERROR && window.written >= self.lines_max {
            window.dropped += 1;
            window.dropped_total += 1;
            return (false, 0);
        }
        window.written = window.written.saturating_add(1);
        (true, std::mem::take(&mut window.dropped))
    }

    fn notice(&self, dropped: u64) -> String {
        let Some(json) = &self.json else { return format!("… {dropped} log lines left out\n") };
        let mut line = Map::from_iter([
            ("level".to_owned(), Value::from("WARN")),
            ("message".to_owned(), Value::from("log lines left out")),
            ("dropped".to_owned(), Value::from(dropped)),
        ]);
        // A line without the time is better than none.
        let _ = json.sign(&mut line);
        format!("{}\n", Value::Object(line))
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Limited<M> {
    type Writer = OptionalWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        OptionalWriter::some(self.inner.make_writer())
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        let (admitted, dropped) = self.admit(*meta.level());
        if !admitted {
            return OptionalWriter::none();
        }
        let mut writer = self.inner.make_writer_for(meta);
        if dropped > 0 {
            // A log that cannot be written has nowhere to say so.
            let _ = writer.write_all(self.notice(dropped).as_bytes());
        }
        OptionalWriter::some(writer)
    }
}
