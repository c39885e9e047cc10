//! The way of a log entry, from the network to the tables, as one trace. An entry carries 16 bytes
//! of trace id and nothing else, so everybody can tell from it alone whether it is traced, and
//! which span is the first: steps in different tasks and processes meet in one trace.
//!
//! ```text
//! ingest ──┬─ ingest.verify      received … handed on
//!          ├─ log.append         … durable
//!          └─ apply              … committed
//! ```
//!
//! What follows from an entry says so with the first span as W3C's `traceparent` ([`traceparent`]).
//!
//! Where traces are not sent, [`begin`] gives nothing and nothing is measured.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::pipe::Pipe;
use crate::clock::{Clock as _, SystemClock};
use crate::rng::Rng;

/// Traced entries of one step: a batch has more entries, seldom as many traced ones.
const SPANS_OF_STEP_MAX: usize = 64;

/// A trace id as entries carry it.
pub type Trace = [u8; 16];

struct Journeys {
    pipe: Arc<Pipe>,
    below: u64,
    rng: Rng,
}

static JOURNEYS: OnceLock<Journeys> = OnceLock::new();

/// From here on entries are traced, a `ratio` of them.
pub(super) fn install(pipe: Arc<Pipe>, ratio: f64) {
    let journeys = Journeys { pipe, below: below(ratio), rng: Rng::from_entropy() };
    // A process sets its telemetry up once; a second attempt was refused before this.
    let _ = JOURNEYS.set(journeys);
}

/// The numbers below which a trace is sampled.
fn below(ratio: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of 2^63; the cast saturates"
    )]
    let below = (ratio.clamp(0.0, 1.0) * (1_u64 << 63) as f64) as u64;
    below
}

/// As OpenTelemetry samples by ratio: the last eight bytes, without the lowest bit.
fn is_sampled(trace: &Trace, below: u64) -> bool {
    let (high, low) = halves(trace);
    (high, low) != (0, 0) && low >> 1 < below
}

fn halves(trace: &Trace) -> (u64, u64) {
    let all = u128::from_be_bytes(*trace);
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    let halves = ((all >> 64) as u64, all as u64);
    halves
}

/// The first span of an entry's trace.
fn root_of(trace: &Trace) -> u64 {
    let (high, low) = halves(trace);
    (high ^ low).max(1)
}

/// A step that has begun.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    began_us: i64,
}

/// Begins a step; nothing where traces are not sent.
pub fn begin() -> Option<Step> {
    JOURNEYS.get().map(|_| Step { began_us: SystemClock.now_us() })
}

impl Step {
    /// The step is done, for all these entries at once.
    pub fn end(
        self,
        name: &'static str,
        traces: impl IntoIterator<Item = Trace>,
        attributes: &[(&'static str, i64)],
    ) {
        let Some(journeys) = JOURNEYS.get() else { return };
        let now_us = SystemClock.now_us();
        let traced = traces.into_iter().filter(|trace| is_sampled(trace, journeys.below));
        for trace in traced.take(SPANS_OF_STEP_MAX) {
            let (id, parent) = (journeys.rng.next_u64().max(1), root_of(&trace));
            let times = (self.began_us, now_us);
            journeys.pipe.offer(span_of(name, trace, id, Some(parent), times, attributes));
        }
    }
}

/// The first span of an entry's trace as W3C's `traceparent`; `None` where that trace is not sent.
pub fn traceparent(trace: &Trace) -> Option<String> {
    JOURNEYS.get().filter(|journeys| is_sampled(trace, journeys.below)).map(|_| parent(trace))
}

fn parent(trace: &Trace) -> String {
    format!("00-{:032x}-{:016x}-01", u128::from_be_bytes(*trace), root_of(trace))
}

/// The trace that a `traceparent` of ours names.
pub fn trace_of(traceparent: &str) -> Option<Trace> {
    let id = traceparent.strip_prefix("00-")?.get(..32)?;
    u128::from_str_radix(id, 16).ok().map(u128::to_be_bytes)
}

/// The first span of an entry's trace: from `began_us` until now.
pub fn root(name: &'static str, trace: Trace, began_us: i64, attributes: &[(&'static str, i64)]) {
    let Some(journeys) = JOURNEYS.get() else { return };
    if is_sampled(&trace, journeys.below) {
        let times = (began_us, SystemClock.now_us());
        journeys.pipe.offer(span_of(name, trace, root_of(&trace), None, times, attributes));
    }
}

pub(super) fn span_of(
    name: &'static str,
    trace: Trace,
    id: u64,
    parent: Option<u64>,
    (began_us, ended_us): (i64, i64),
    attributes: &[(&'static str, i64)],
) -> SpanData {
    let flags = TraceFlags::SAMPLED;
    let (trace, id) = (TraceId::from_bytes(trace), SpanId::from(id));
    SpanData {
        span_context: SpanContext::new(trace, id, flags, false, TraceState::default()),
        parent_span_id: parent.map_or(SpanId::INVALID, SpanId::from),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.into(),
        start_time: time(began_us),
        end_time: time(ended_us.max(began_us)),
        attributes: attributes.iter().map(|(key, value)| KeyValue::new(*key, *value)).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder(super::SCOPE).build(),
    }
}

fn time(us: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_decides_by_the_id_alone() {
        let check = |trace: u128, ratio: f64, expected: bool| {
            assert_eq!(
                is_sampled(&trace.to_be_bytes(), below(ratio)),
                expected,
                "{trace:x} {ratio}"
            );
        };
        check(0, 1.0, false);
        check(1, 0.0, false);
        check(1, 1.0, true);
        check(u128::MAX, 1.0, true);
        check(u128::MAX, 0.5, false);
        check(0x7fff_ffff_ffff_ffff, 0.5, true);
        check(0x8000_0000_0000_0000, 0.5, false);
    }

    #[test]
    fn a_trace_is_named_and_known_by_its_name() {
        let trace = 0x1122_3344_5566_7788_99aa_bbcc_ddee_ff00_u128.to_be_bytes();
        let name = parent(&trace);
        assert_eq!(name, "00-112233445566778899aabbccddeeff00-8888888888888888-01");
        assert_eq!(trace_of(&name), Some(trace));
        for other in ["", "00-1122", "01-112233445566778899aabbccddeeff00-1-01", "00-é"] {
            assert_eq!(trace_of(other), None, "{other}");
        }
    }

    #[test]
    fn a_root_is_the_same_for_everybody_and_never_zero() {
        assert_eq!(root_of(&[9; 16]), 1);
        let trace = 0x1122_3344_5566_7788_99aa_bbcc_ddee_ff00_u128.to_be_bytes();
        assert_eq!(root_of(&trace), 0x1122_3344_5566_7788 ^ 0x99aa_bbcc_ddee_ff00);
    }
}
