//! What an operator must know of. [`raise`] may be called anywhere, as logging may: an alert is a log
//! line with a kind and a subject, which the layer here counts and hands to the one task that posts
//! to the webhook. Every line at ERROR is an alert too.
//!
//! What must stay true: nobody waits for the webhook; one alert about one thing is posted once within
//! its cooldown; what is not delivered is counted; delivery never logs an error, which would be an
//! alert again.

mod config;
mod deliver;
mod kind;
mod layer;
mod ledger;
mod message;
pub mod watch;

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::clock::{Clock as _, SystemClock};
use crate::metrics::{CounterVec, GaugeVec, Registry};
use crate::telemetry::{TelemetryConfig, TelemetryError};

pub use config::AlertsConfig;
pub use deliver::DeliveryError;
pub use kind::{Kind, Level};
pub use layer::AlertLayer;

use deliver::Webhook;
use ledger::{Ledger, Told};
use message::{Message, Origin};

/// The target of the log lines that are alerts.
const TARGET: &str = "millrace_runtime::alert";
/// Alerts that wait for the webhook.
const QUEUE_MAX: usize = 256;
/// Bytes of a text that are kept.
const TEXT_BYTES_MAX: usize = 1_000;

/// Tells the operator: `subject` says which source, task or file; the same kind and subject are one
/// alert.
pub fn raise(kind: Kind, subject: &str, text: impl fmt::Display) {
    let name = kind.name();
    match kind.level() {
        Level::Critical | Level::High => {
            tracing::error!(target: TARGET, alert = name, subject, "{text}");
        }
        Level::Medium | Level::Low => {
            tracing::warn!(target: TARGET, alert = name, subject, "{text}");
        }
    }
}

/// It is over.
pub fn resolve(kind: Kind, subject: &str, text: impl fmt::Display) {
    let name = kind.name();
    tracing::info!(target: TARGET, alert = name, subject, resolved = true, "{text}");
}

/// Alerts of the process, on their way. Clones are the same.
#[derive(Debug, Clone)]
pub struct Alerts {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: AlertsConfig,
    origin: Origin,
    webhook: Option<Webhook>,
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    ledger: Ledger,
    queue: VecDeque<Message>,
    metrics: Option<Metrics>,
    closed: bool,
}

#[derive(Debug, Clone)]
struct Metrics {
    raised: CounterVec,
    active: GaugeVec,
    deliveries: CounterVec,
}

impl Metrics {
    fn new(registry: &Registry) -> Self {
        let metrics = Self {
            raised: registry.counter_with(
                "millrace_runtime_alerts",
                "Alerts raised, by kind and level",
                &["kind", "level"],
            ),
            active: registry.gauge_with(
                "millrace_runtime_alerts_active",
                "Alerts raised and not yet over, by kind; only of situations that can be seen to end",
                &["kind"],
            ),
            deliveries: registry.counter_with(
                "millrace_runtime_alert_deliveries",
                "Alerts by what became of them: delivered, failed after all attempts, dropped because too many waited, or held because the same was told lately",
                &["outcome"],
            ),
        };
        // A series that is not there cannot be compared with anything.
        for kind in Kind::ALL {
            metrics.raised.with(&[kind.name(), kind.level().as_str()]).add(0);
            metrics.active.with(&[kind.name()]).set(0);
        }
        for outcome in ["delivered", "failed", "dropped", "held"] {
            metrics.deliveries.with(&[outcome]).add(0);
        }
        metrics
    }
}

impl Alerts {
    /// # Errors
    /// The webhook is no URL.
    pub(crate) fn new(
        config: &AlertsConfig,
        telemetry: &TelemetryConfig,
        run_id: &str,
    ) -> Result<Self, TelemetryError> {
        let webhook = Webhook::of(config).map_err(TelemetryError::Webhook)?;
        let inner = Inner {
            config: config.clone(),
            origin: Origin::of(telemetry, run_id),
            webhook,
            state: Mutex::default(),
            filled: Notify::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What hands log lines that are alerts to this.
    pub(crate) fn layer(&self) -> AlertLayer {
        AlertLayer::new(self.clone())
    }

    /// Counts in `registry` from now on. The task that delivers, where there is a webhook.
    pub(crate) fn start(&self, registry: &Registry) -> Option<impl Future<Output = ()> + use<>> {
        self.inner.state.lock().metrics = Some(Metrics::new(registry));
        self.inner.webhook.is_some().then(|| deliver::run(self.clone()))
    }

    /// What waits is tried once more, and the task ends.
    pub(crate) fn close(&self) {
        self.inner.state.lock().closed = true;
        self.inner.filled.notify_one();
    }

    /// Takes note of an alert. Must not log.
    fn take(&self, kind: Kind, subject: &str, text: &str, resolved: bool) {
        let now_us = SystemClock.now_us();
        let inner = &*self.inner;
        let cooldown_us = i64::try_from(inner.config.cooldown_ms).unwrap_or(i64::MAX / 1_000);
        let mut state = inner.state.lock();
        let told = if resolved {
            state.ledger.resolve(kind, subject)
        } else {
            state.ledger.raise(kind, subject, now_us, cooldown_us.saturating_mul(1_000))
        };
        if let Some(metrics) = &state.metrics {
            if !resolved {
                metrics.raised.with(&[kind.name(), kind.level().as_str()]).inc();
            }
            metrics.active.with(&[kind.name()]).set(state.ledger.active(kind));
        }
        let wanted = inner.webhook.is_some() && kind.level() >= inner.config.level_min;
        match told {
            _ if !wanted => {}
            Told::Nothing => state.count("held"),
            Told::Unknown => {}
            Told::Now { times } => {
                if state.queue.len() >= QUEUE_MAX {
                    state.count("dropped");
                    return;
                }
                let text = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text);
                let message = Message::new(kind, subject, text, times, resolved, now_us);
                state.queue.push_back(message);
                drop(state);
                inner.filled.notify_one();
            }
        }
    }

    /// The next alert to deliver; `None` when it is over.
    async fn next(&self) -> Option<Message> {
        loop {
            {
                let mut state = self.inner.state.lock();
                if let Some(message) = state.queue.pop_front() {
                    return Some(message);
                }
                if state.closed {
                    return None;
                }
            }
            self.inner.filled.notified().await;
        }
    }

    /// Until it is over.
    async fn closing(&self) {
        while !self.is_closed() {
            self.inner.filled.notified().await;
        }
    }

    fn is_closed(&self) -> bool {
        self.inner.state.lock().closed
    }

    fn count(&self, outcome: &'static str) {
        self.inner.state.lock().count(outcome);
    }
}

impl State {
    fn count(&self, outcome: &'static str) {
        if let Some(metrics) = &self.metrics {
            metrics.deliveries.with(&[outcome]).inc();
        }
    }
}

/// Posts one alert of kind [`Kind::Test`] now, and says what became of it.
///
/// # Errors
/// There is no webhook, or it did not take the alert.
pub async fn test(config: &AlertsConfig, telemetry: &TelemetryConfig) -> Result<(), DeliveryError> {
    let webhook = Webhook::of(config).map_err(DeliveryError::Url)?;
    let webhook = webhook.ok_or(DeliveryError::NoWebhook)?;
    let text = "this is a test: alerts arrive here";
    let message = Message::new(Kind::Test, "test", text, 1, false, SystemClock.now_us());
    webhook.post(&message, &Origin::of(telemetry, "test")).await
}

#[cfg(test)]
mod tests;
