//! Alerts about what the metrics show: sources that are away or silent, tables that fall behind, entries
//! that are parked. The same rules, for Prometheus, stand in `deploy/prometheus`.

use std::time::Duration;

use millrace_runtime::alert::watch::{Rule, Test, Watch, samples};
use millrace_runtime::alert::{self, AlertsConfig, Kind};

use super::Common;

/// How often the metrics are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long tables may be behind before it counts: a batch is not a fault.
const LAG_HOLD_US: i64 = 30_000_000;

pub(super) fn start(config: &AlertsConfig, common: &Common) {
    let mut watch = Watch::new(rules(config), us(config.cooldown_ms));
    let (registry, clock) = (common.registry.clone(), common.clock.clone());
    common.supervisor.spawn_once("alerts.watch", move |shutdown| async move {
        while shutdown.or(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            for found in watch.look(&samples(&registry.encode()), clock.now_us()) {
                let subject = Some(found.subject.as_str()).filter(|name| !name.is_empty());
                let subject = subject.unwrap_or("this process");
                if found.resolved {
                    alert::resolve(found.kind, subject, &found.text);
                } else {
                    alert::raise(found.kind, subject, &found.text);
                }
            }
        }
        Ok(())
    });
}

fn rules(config: &AlertsConfig) -> Vec<Rule> {
    let silent_us = us(config.source_silent_ms);
    #[expect(clippy::cast_precision_loss, reason = "bounds far below 2^53")]
    let (lag_entries, lag_seconds) =
        (config.lag_entries_max as f64, config.lag_ms_max as f64 / 1_000.0);
    vec![
        Rule {
            kind: Kind::SourceDisconnected,
            metric: "millrace_ingest_connected",
            by: "source",
            test: Test::Below(1.0),
            hold_us: silent_us,
            text: "the source cannot be reached; nothing of it arrives",
        },
        Rule {
            kind: Kind::SourceSilent,
            metric: "millrace_ingest_frames_total",
            by: "source",
            test: Test::Still { unless_zero: "millrace_ingest_connected" },
            hold_us: silent_us,
            text: "the source is connected and sends nothing; {} events until now",
        },
        Rule {
            kind: Kind::ApplyLag,
            metric: "millrace_store_lag_entries",
            by: "projection",
            test: Test::Above(lag_entries),
            hold_us: LAG_HOLD_US,
            text: "{} entries wait to be applied",
        },
        Rule {
            kind: Kind::ApplyLag,
            metric: "millrace_store_lag_seconds",
            by: "projection",
            test: Test::Above(lag_seconds),
            hold_us: LAG_HOLD_US,
            text: "the oldest entry not yet applied is {} seconds old",
        },
        Rule {
            kind: Kind::EntriesParked,
            metric: "millrace_store_parked_entries",
            by: "projection",
            test: Test::Above(0.0),
            hold_us: 0,
            text: "{} entries could not be applied and are parked: see `millrace dlq list`",
        },
        Rule {
            kind: Kind::EntriesParked,
            metric: "millrace_webhooks_given_up",
            by: "webhook",
            test: Test::Above(0.0),
            hold_us: 0,
            text: "{} events were not taken: see `millrace dlq list --of deliveries`",
        },
        Rule {
            kind: Kind::DiskBudgetWarn,
            metric: "millrace_disk_level",
            by: "",
            test: Test::Above(0.0),
            hold_us: 0,
            text: "the disk fills up: see `millrace status`",
        },
        Rule {
            kind: Kind::DiskBudgetStop,
            metric: "millrace_disk_level",
            by: "",
            test: Test::Above(1.0),
            hold_us: 0,
            text: "the disk is full: ingest has stopped reading",
        },
        Rule {
            kind: Kind::ProjectionLeftBehind,
            metric: "millrace_projection_needs_rebuild",
            by: "projection",
            test: Test::Above(0.0),
            hold_us: 0,
            text: "entries it has not read are gone from the log: see `millrace rebuild`",
        },
        Rule {
            kind: Kind::IntegrityDrift,
            metric: "millrace_dataplane_audit_drift_rows",
            by: "check",
            test: Test::Above(0.0),
            hold_us: 0,
            text: "{} rows differ from what they are derived of: see `millrace repair`",
        },
    ]
}

fn us(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000)
}
