//! Log lines that are alerts: those of [`super::raise`], and every ERROR.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::{Alerts, Kind, TARGET};

/// Hands alerts on.
#[derive(Debug)]
pub struct AlertLayer {
    alerts: Alerts,
}

impl AlertLayer {
    pub(super) fn new(alerts: Alerts) -> Self {
        Self { alerts }
    }

    /// Whether a line may be an alert.
    pub(crate) fn concerns(meta: &Metadata<'_>) -> bool {
        meta.is_event() && (meta.target() == TARGET || *meta.level() == Level::ERROR)
    }
}

impl<S: Subscriber> Layer<S> for AlertLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let target = event.metadata().target();
        if target == TARGET {
            if let Some(kind) = Kind::named(&line.kind) {
                self.alerts.take(kind, &line.subject, &line.message, line.resolved);
            }
            return;
        }
        if !line.error.is_empty() {
            // A String takes every write.
            let _ = write!(line.message, ": {}", line.error);
        }
        self.alerts.take(Kind::ErrorLogged, target, &line.message, false);
    }
}

/// The fields that matter to an alert; others may hold what must not leave the machine.
#[derive(Default)]
struct Line {
    kind: String,
    subject: String,
    message: String,
    error: String,
    resolved: bool,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "alert" => value.clone_into(&mut self.kind),
            "subject" => value.clone_into(&mut self.subject),
            "message" => value.clone_into(&mut self.message),
            "error" => value.clone_into(&mut self.error),
            _ => {}
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "resolved" {
            self.resolved = value;
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "error" => self.error = format!("{value:?}"),
            _ => {}
        }
    }
}
