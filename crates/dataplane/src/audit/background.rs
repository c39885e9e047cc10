//! The audit that runs beside everything else, at a rate that nobody notices, round after round.
//!
//! Where several processes share the tables, one of them holds the lease and audits.

use std::time::Duration;

use millrace_runtime::metrics::{Counter, GaugeVec, Registry};
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::Shutdown;
use millrace_store::lease::Turn;
use millrace_store::{Store, StoreError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AuditOptions, AuditReport, Check, Walk, checks};

/// `[dataplane.audit]`: how gently everything derived is counted again in the background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditConfig {
    /// Rows looked at in a second; 0 turns the background audit off.
    pub rows_per_second: u32,
    /// Most rows of one question.
    pub slice_rows_max: u32,
    /// Pause between two rounds, in seconds.
    pub pause_s: u32,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { rows_per_second: 200, slice_rows_max: 200, pause_s: 3_600 }
    }
}

/// How long a process that fell silent keeps the lease.
const LEASE_TTL: Duration = Duration::from_secs(120);
const LEASE: &str = "dataplane-audit";
/// Pause of a process that does not hold the lease, or whose question failed.
const WAIT: Duration = Duration::from_secs(60);
/// Drift of a round that is logged line by line.
const LOGGED_MAX: usize = 10;

/// The background audit of one store.
pub struct Background {
    store: Store,
    config: AuditConfig,
    turn: Turn,
    told_since_us: Box<dyn Fn() -> i64 + Send + Sync>,
    drift: GaugeVec,
    rows: Counter,
    rounds: Counter,
}

impl Background {
    /// `told_since_us`: see [`AuditOptions::told_since_us`], asked at the time.
    pub fn new(
        store: Store,
        config: AuditConfig,
        told_since_us: impl Fn() -> i64 + Send + Sync + 'static,
        rng: &Rng,
        registry: &Registry,
    ) -> Self {
        Self {
            turn: Turn::new(&store, rng, LEASE, LEASE_TTL),
            store,
            config,
            told_since_us: Box::new(told_since_us),
            drift: registry.gauge_with(
                "millrace_dataplane_audit_drift_rows",
                "Rows that the last finished round of the background audit found to differ from what they are derived of, by check.",
                &["check"],
            ),
            rows: registry.counter(
                "millrace_dataplane_audit_rows_total",
                "Rows the background audit has looked at.",
            ),
            rounds: registry.counter(
                "millrace_dataplane_audit_rounds_total",
                "Rounds the background audit has finished.",
            ),
        }
    }

    /// Audits until asked to stop.
    pub async fn run(&self, shutdown: &Shutdown) {
        if self.config.rows_per_second == 0 {
            return;
        }
        while !shutdown.is_cancelled() {
            let pause = match self.round(shutdown).await {
                Ok(true) => Duration::from_secs(u64::from(self.config.pause_s)),
                Ok(false) => WAIT,
                Err(error) => {
                    tracing::warn!(%error, "the background audit could not go on, and begins anew later");
                    WAIT
                }
            };
            let _ = shutdown.or(tokio::time::sleep(pause)).await;
        }
    }

    /// One round; false when it was not this process's, or was cut short.
    async fn round(&self, shutdown: &Shutdown) -> Result<bool, StoreError> {
        let mut report = AuditReport::default();
        for check in checks() {
            if !self.check(check, &mut report, shutdown).await? {
                return Ok(false);
            }
        }
        for check in checks() {
            let drift = report.drift.get(check.name()).copied().unwrap_or(0);
            self.drift.with(&[check.name()]).set(i64::try_from(drift).unwrap_or(i64::MAX));
        }
        self.rounds.inc();
        self.log(&report);
        Ok(true)
    }

    async fn check(
        &self,
        check: &'static dyn Check,
        report: &mut AuditReport,
        shutdown: &Shutdown,
    ) -> Result<bool, StoreError> {
        let options = AuditOptions {
            slice_rows_max: self.config.slice_rows_max,
            told_since_us: (self.told_since_us)(),
            ..AuditOptions::default()
        };
        let mut walk = Walk::new(check, &options);
        loop {
            if !self.turn.take().await? {
                return Ok(false);
            }
            let Some(looked) = walk.next(&self.store).await? else { return Ok(true) };
            self.rows.add(looked.rows);
            let rows = looked.rows.max(1);
            report.add(looked);
            let pause = Duration::from_secs(1)
                .mul_f64(rows as f64 / f64::from(self.config.rows_per_second));
            if shutdown.or(tokio::time::sleep(pause)).await.is_none() {
                return Ok(false);
            }
        }
    }

    fn log(&self, report: &AuditReport) {
        if report.total() == 0 {
            tracing::debug!(rows = report.rows, "the background audit found no drift");
            return;
        }
        for drift in report.listed.iter().take(LOGGED_MAX) {
            tracing::warn!(
                check = drift.check,
                subject = drift.subject,
                expected = drift.expected,
                found = drift.found,
                "drift"
            );
        }
        tracing::warn!(
            drift = report.total(),
            rows = report.rows,
            "the background audit found drift: `millrace audit` lists it, `millrace repair` mends it"
        );
    }
}
