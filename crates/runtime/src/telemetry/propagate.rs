//! One trace over two processes of ours: the caller's span goes along as W3C's `traceparent`, and
//! whoever answers `/internal` continues it. Nobody else's header is looked at.

use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The header's name.
pub const TRACEPARENT: &str = "traceparent";

/// The span at hand as the header's value; `None` outside of traces.
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        let flags = u8::from(span.is_sampled());
        format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id())
    })
}

/// Makes `span` a part of the caller's trace. A header that cannot be read changes nothing.
pub fn continue_from(span: &Span, traceparent: Option<&str>) {
    let Some(header) = traceparent else { return };
    let parent = TraceContextPropagator::new().extract(&Header(header));
    if parent.span().span_context().is_valid() {
        // Refused only for a span that has begun already; then it is a trace of its own.
        let _ = span.set_parent(parent);
    }
}

struct Header<'a>(&'a str);

impl Extractor for Header<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}
