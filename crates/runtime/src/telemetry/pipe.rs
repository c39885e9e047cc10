//! Finished spans on their way to the collector: a queue bounded in items and bytes, and the one
//! task that empties it. What must stay true: whoever ends a span never waits; what does not fit,
//! or could not be delivered, is dropped and counted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::{Context, Value};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter as _, SpanProcessor};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::metrics::{CounterVec, Registry};

/// Spans that wait.
const QUEUE_SPANS_MAX: usize = 8_192;
/// Bytes of them.
const QUEUE_BYTES_MAX: usize = 8 << 20;
/// Spans of one request to the collector.
const BATCH_SPANS_MAX: usize = 512;
/// Longest wait for more spans before a batch is sent.
const LINGER: Duration = Duration::from_millis(1_000);
/// Pause after a batch that the collector did not take.
const PAUSE: Duration = Duration::from_millis(2_000);

/// Spans between those who end them and the collector.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    queue: Mutex<Queue>,
    filled: Notify,
    pub(super) counts: Counts,
}

/// What became of spans.
#[derive(Debug, Default)]
pub(super) struct Counts {
    exported: AtomicU64,
    dropped_full: AtomicU64,
    dropped_failed: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    spans: VecDeque<SpanData>,
    bytes: usize,
    closed: bool,
}

impl Pipe {
    /// Takes a span, or drops and counts it.
    pub(super) fn offer(&self, span: SpanData) {
        let bytes = bytes_of(&span);
        let mut queue = self.queue.lock();
        let full = queue.spans.len() >= QUEUE_SPANS_MAX || queue.bytes + bytes > QUEUE_BYTES_MAX;
        if full || queue.closed {
            drop(queue);
            self.counts.dropped_full.fetch_add(1, Ordering::Relaxed);
            return;
        }
        queue.bytes += bytes;
        queue.spans.push_back(span);
        let enough = queue.spans.len() == 1 || queue.spans.len() == BATCH_SPANS_MAX;
        drop(queue);
        if enough {
            self.filled.notify_one();
        }
    }

    /// No more spans are taken; the task sends what is there and ends.
    pub(super) fn close(&self) {
        self.queue.lock().closed = true;
        self.filled.notify_one();
    }

    /// Sends batch after batch until closed and empty.
    pub(super) async fn run(self: Arc<Self>, exporter: opentelemetry_otlp::SpanExporter) {
        loop {
            self.wait().await;
            let (batch, closed) = self.take();
            if batch.is_empty() {
                if closed {
                    return;
                }
                continue;
            }
            let spans = batch.len() as u64;
            match exporter.export(batch).await {
                Ok(()) => {
                    self.counts.exported.fetch_add(spans, Ordering::Relaxed);
                }
                Err(error) => {
                    let before = self.counts.dropped_failed.fetch_add(spans, Ordering::Relaxed);
                    if before == 0 {
                        tracing::warn!(%error, "the collector of traces takes none; spans are dropped and counted");
                    }
                    if closed {
                        return;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Until there is a batch, or something and the patience is over, or the end.
    async fn wait(&self) {
        let ready = |queue: &Queue| queue.closed || queue.spans.len() >= BATCH_SPANS_MAX;
        while self.queue.lock().spans.is_empty() && !self.queue.lock().closed {
            self.filled.notified().await;
        }
        if !ready(&self.queue.lock()) {
            // Either is fine: what is there is sent.
            let _ = tokio::time::timeout(LINGER, self.filled.notified()).await;
        }
    }

    fn take(&self) -> (Vec<SpanData>, bool) {
        let mut queue = self.queue.lock();
        let spans = queue.spans.len().min(BATCH_SPANS_MAX);
        let batch: Vec<SpanData> = queue.spans.drain(..spans).collect();
        queue.bytes = queue.bytes.saturating_sub(batch.iter().map(bytes_of).sum());
        (batch, queue.closed)
    }

    /// Has the counts shown.
    pub(super) fn register(self: &Arc<Self>, registry: &Registry) {
        let spans = registry.counter_with(
            "millrace_runtime_spans",
            "Spans of traces, by what became of them: exported, dropped because the queue was full, dropped because the collector did not take them",
            &["outcome"],
        );
        let (pipe, shown) = (Arc::clone(self), Counts::default());
        registry.before_encode(move || pipe.counts.show(&shown, &spans));
    }
}

impl Counts {
    /// Adds to the series what came since they were last `shown`.
    fn show(&self, shown: &Counts, spans: &CounterVec) {
        for (outcome, count, shown) in [
            ("exported", &self.exported, &shown.exported),
            ("dropped_full", &self.dropped_full, &shown.dropped_full),
            ("dropped_failed", &self.dropped_failed, &shown.dropped_failed),
        ] {
            let now = count.load(Ordering::Relaxed);
            let before = shown.swap(now, Ordering::Relaxed);
            spans.with(&[outcome]).add(now.saturating_sub(before));
        }
    }
}

/// About what a span takes in memory.
fn bytes_of(span: &SpanData) -> usize {
    let attributes = span.attributes.iter().map(|attribute| {
        let text = match &attribute.value {
            Value::String(text) => text.as_str().len(),
            _ => 0,
        };
        size_of_val(attribute) + attribute.key.as_str().len() + text
    });
    size_of_val(span) + span.name.len() + attributes.sum::<usize>()
}

/// The end of the SDK's spans.
#[derive(Debug)]
pub(super) struct IntoPipe(pub(super) Arc<Pipe>);

impl SpanProcessor for IntoPipe {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            self.0.offer(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.0.close();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::journey::span_of;
    use super::*;

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let pipe = Pipe::default();
        for n in 0..QUEUE_SPANS_MAX + 7 {
            let trace = (n as u128 + 1).to_be_bytes();
            pipe.offer(span_of("step", trace, 1, None, (1, 2), &[("entries", 3)]));
        }
        assert_eq!(pipe.counts.dropped_full.load(Ordering::Relaxed), 7);
        let (batch, closed) = pipe.take();
        assert_eq!((batch.len(), closed), (BATCH_SPANS_MAX, false));
        while !pipe.take().0.is_empty() {}
        assert_eq!(pipe.queue.lock().bytes, 0);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let pipe = Pipe::default();
        let mut span = span_of("step", [7; 16], 1, None, (1, 2), &[]);
        span.name = "n".repeat(QUEUE_BYTES_MAX).into();
        pipe.offer(span);
        assert_eq!(pipe.counts.dropped_full.load(Ordering::Relaxed), 1);
        assert!(pipe.queue.lock().spans.is_empty());
    }
}
