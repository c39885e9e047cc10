//! The task that looks at the disk: it warns, has ingest stop reading before there is no room left,
//! and has it go on when there is again. Whoever reads and writes here is served meanwhile.

use std::path::PathBuf;
use std::time::Duration;

use millrace_ingest::Local;
use millrace_log::{Log, Topic};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::{Gauge, GaugeVec, Registry};
use millrace_runtime::supervise::{Policy, Supervisor};
use millrace_store::{EngineKind, Store, StoreError};

use crate::codes;
use crate::config::{Config, DiskConfig};
use crate::disk::growth::Samples;
use crate::disk::marks::{self, Room};
use crate::disk::{Disk, DiskReport, Level, measure};

/// What the task works with.
#[derive(Clone)]
pub(super) struct Budget {
    config: DiskConfig,
    folders: Vec<PathBuf>,
    /// The database's whole size is asked of this store, where tables are in one.
    database: Option<Store>,
    log: Log,
    clock: SharedClock,
    metrics: Metrics,
    disk: Disk,
}

#[derive(Clone)]
struct Metrics {
    used: GaugeVec,
    budget: Gauge,
    free: Gauge,
    level: Gauge,
    growth: Gauge,
}

impl Budget {
    pub(super) fn new(
        config: &Config,
        log: Log,
        store: &Store,
        clock: SharedClock,
        registry: &Registry,
    ) -> Self {
        let folders = [Some(config.data_dir.clone()), config.log().dir, config.store().dir];
        let in_database = config.store.engine == EngineKind::Postgres;
        Self {
            config: config.disk.clone(),
            folders: folders.into_iter().flatten().collect(),
            database: in_database.then(|| store.clone()),
            log,
            clock,
            metrics: Metrics::new(registry),
            disk: Disk::default(),
        }
    }

    /// Where the latest report is.
    pub(super) fn disk(&self) -> Disk {
        self.disk.clone()
    }

    /// Looks once, before anything is read from outside.
    pub(super) async fn look_first(&self) -> Samples {
        let mut samples = Samples::default();
        self.look(&mut samples).await;
        samples
    }

    /// Brakes ingest if it must be, and starts the task.
    pub(super) fn start(
        self,
        samples: Samples,
        ingest: std::sync::Arc<Local>,
        supervisor: &Supervisor,
    ) {
        brake(&self.disk.report(), &ingest);
        supervisor.spawn("disk.budget", Policy::restart(), move |shutdown| {
            let (budget, ingest, mut samples) = (self.clone(), ingest.clone(), samples.clone());
            async move {
                let mut ticks =
                    tokio::time::interval(Duration::from_millis(budget.config.check_ms));
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                while shutdown.or(ticks.tick()).await.is_some() {
                    budget.look(&mut samples).await;
                    brake(&budget.disk.report(), &ingest);
                }
                Ok(())
            }
        });
    }

    /// Measures, judges and reports. What cannot be measured leaves everything as it was.
    async fn look(&self, samples: &mut Samples) {
        let folders = self.folders.clone();
        let measured = tokio::task::spawn_blocking(move || {
            let used = measure::files(&folders)?;
            Ok::<_, std::io::Error>((
                used,
                folders.first().and_then(|dir| measure::free_bytes(dir).ok()),
            ))
        });
        let (mut by_domain, free_bytes) = match measured.await {
            Ok(Ok(measured)) => measured,
            Ok(Err(error)) => return tracing::warn!(%error, "the disk cannot be measured"),
            Err(error) => return tracing::warn!(%error, "the disk cannot be measured"),
        };
        match self.database_bytes().await {
            Ok(bytes) => by_domain.extend(bytes.map(|bytes| ("postgres".to_owned(), bytes))),
            Err(error) => return tracing::debug!(%error, "the database's size cannot be asked"),
        }
        let before = self.disk.report();
        let used_bytes = by_domain.values().sum();
        let level = marks::level(before.level, Room { used_bytes, free_bytes }, &self.config);
        let now_us = self.clock.now_us();
        let growth = match self.entries().await {
            Some(entries) => samples.add(now_us, used_bytes, entries),
            None => before.growth,
        };
        let mut report = DiskReport {
            level,
            reason: None,
            used_bytes,
            budget_bytes: self.config.budget_bytes,
            free_bytes,
            by_domain,
            growth,
            measured_us: now_us,
        };
        report.reason = reason(&report);
        self.metrics.show(&report);
        tell(before.level, &report);
        self.disk.set(report);
    }

    async fn database_bytes(&self) -> Result<Option<u64>, StoreError> {
        let Some(store) = &self.database else { return Ok(None) };
        let bytes: Option<i64> = store
            .read(|tx| {
                tx.query_opt("SELECT pg_database_size(current_database())", &[], |row| row.get(0))
            })
            .await?;
        Ok(bytes.and_then(|bytes| u64::try_from(bytes).ok()))
    }

    /// Entries ever taken in.
    async fn entries(&self) -> Option<i64> {
        let topic = Topic::NetworkEntries;
        let mut entries = 0;
        for partition in 0..self.log.partitions(topic) {
            entries += self.log.tail(topic, partition).await.ok()?;
        }
        Some(entries)
    }
}

/// Ingest reads, or does not.
fn brake(report: &DiskReport, ingest: &Local) {
    ingest.brake(report.reason.clone().filter(|_| report.level == Level::Stop));
}

/// What to say of a level that is not fine.
fn reason(report: &DiskReport) -> Option<String> {
    let code = match report.level {
        Level::Fine => return None,
        Level::Warn => codes::DISK_FILLS,
        Level::Stop => codes::DISK_STOP,
    };
    let budget = report.budget_bytes.map(|bytes| format!(" of {bytes}")).unwrap_or_default();
    let free = report.free_bytes.map(|bytes| format!(", {bytes} are free")).unwrap_or_default();
    Some(format!("[{}] {}: {} bytes{budget} used{free}", code.id, code.title, report.used_bytes))
}

/// Says once that a mark was passed, or left.
fn tell(before: Level, report: &DiskReport) {
    if report.level == before {
        return;
    }
    let DiskReport { used_bytes, budget_bytes, free_bytes, .. } = report;
    match report.level {
        Level::Fine => tracing::info!(used_bytes, "there is room on the disk again"),
        Level::Warn if before == Level::Stop => {
            tracing::info!(used_bytes, "there is room again: ingest reads on");
        }
        Level::Warn => {
            let code = codes::DISK_FILLS;
            tracing::warn!(
                code = code.id,
                used_bytes,
                budget_bytes,
                free_bytes,
                hint = code.remedy,
                "{}",
                code.title
            );
        }
        Level::Stop => {
            let code = codes::DISK_STOP;
            tracing::error!(
                code = code.id,
                used_bytes,
                budget_bytes,
                free_bytes,
                hint = code.remedy,
                "{}",
                code.title
            );
        }
    }
}

impl Metrics {
    fn new(registry: &Registry) -> Self {
        Self {
            used: registry.gauge_with(
                "millrace_disk_used_bytes",
                "Bytes in use by domain, without pages that can be used again",
                &["domain"],
            ),
            budget: registry
                .gauge("millrace_disk_budget_bytes", "Bytes that may be used; 0 = no budget"),
            free: registry
                .gauge("millrace_disk_free_bytes", "Free bytes of the data folder's disk"),
            level: registry.gauge(
                "millrace_disk_level",
                "0 = there is room, 1 = a warning was given, 2 = ingest has stopped reading",
            ),
            growth: registry.gauge(
                "millrace_disk_growth_bytes_per_day",
                "Bytes a day that become used, by the last hour; 0 until it is known",
            ),
        }
    }

    fn show(&self, report: &DiskReport) {
        let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        for (domain, bytes) in &report.by_domain {
            self.used.with(&[domain]).set(gauge(*bytes));
        }
        self.budget.set(gauge(report.budget_bytes.unwrap_or(0)));
        self.free.set(gauge(report.free_bytes.unwrap_or(0)));
        self.level.set(match report.level {
            Level::Fine => 0,
            Level::Warn => 1,
            Level::Stop => 2,
        });
        self.growth.set(report.growth.map_or(0, |growth| growth.bytes_per_day));
    }
}
