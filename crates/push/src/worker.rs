//! Looks now and then which devices may have something new, asks what it is, and sends it.
//!
//! Who has a device and nothing new costs a few looks into an index; who has none, nothing. A device is told first,
//! and then it is noted: whoever is killed between tells it again. A lease has one process send where several could.

use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use millrace_dataplane::DataplaneError;
use millrace_dataplane::client::Client;
use millrace_dataplane::query::push_news::{self, GetPushNews, PushedNotice};
use millrace_dataplane::query::web_push::{DeleteWebPush, DueDevice, GetPushDue, NotePushed};
use millrace_net::http::HttpClient;
use millrace_runtime::clock::{SharedClock, Stopwatch};
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, Shutdown};
use millrace_store::Store;
use millrace_store::lease::Turn;

use crate::config::PushConfig;
use crate::message;
use crate::metrics::Metrics;
use crate::send::{Outcome, Sender};
use crate::told::{LATE_US, Told};
use crate::vapid::Vapid;

const LEASE: &str = "push";
const LEASE_TTL: Duration = Duration::from_secs(180);
/// Devices that are looked at between two renewals of the lease.
const PAGE: u32 = 64;
/// How much longer than a look the pause behind it is at least.
const PAUSE: u32 = 10;
/// Tries in a row after which a device is given up: about two days.
const FAILURES_MAX: u32 = 50;
/// Between two tries.
const BACKOFF: Backoff = Backoff {
    base: Duration::from_secs(30),
    max: Duration::from_secs(3_600),
    reset_after: Duration::ZERO,
};

/// What it needs.
pub struct PusherDeps {
    /// Where the lease is.
    pub own: Store,
    pub dataplane: Client,
    pub http: HttpClient,
    pub vapid: Vapid,
    /// Where notifications are read.
    pub page: String,
    pub config: PushConfig,
    pub clock: SharedClock,
    pub rng: Rng,
    pub registry: Registry,
}

/// Whoever sends.
pub struct Pusher {
    turn: Turn,
    dataplane: Client,
    sender: Sender,
    page: String,
    gap_us: i64,
    look_every: Duration,
    concurrency: usize,
    clock: SharedClock,
    metrics: Metrics,
}

impl Pusher {
    pub fn new(deps: PusherDeps) -> Self {
        let PusherDeps { own, dataplane, http, vapid, page, config, clock, rng, registry } = deps;
        let turn = Turn::new(&own, &rng, LEASE, LEASE_TTL);
        let timeout = Duration::from_millis(config.timeout_ms.max(1));
        Self {
            turn,
            dataplane,
            sender: Sender { http, vapid, timeout, rng },
            page,
            gap_us: i64::from(config.gap_seconds) * 1_000_000,
            look_every: Duration::from_millis(config.look_ms.max(1)),
            concurrency: (config.concurrency_max as usize).clamp(1, PAGE as usize),
            clock,
            metrics: Metrics::new(&registry),
        }
    }

    /// Looks and sends until it is asked to stop.
    pub async fn run(&self, shutdown: &Shutdown) {
        while !shutdown.is_cancelled() {
            let stopwatch = Stopwatch::start();
            if let Some(Err(error)) = shutdown.or(self.look()).await {
                tracing::warn!(%error, "browsers cannot be told now, trying again");
            }
            let took = stopwatch.elapsed();
            self.metrics.looked(took);
            let pause = self.look_every.max(took * PAUSE).min(Duration::from_secs(60));
            shutdown.or(tokio::time::sleep(pause)).await;
        }
        self.turn.give_up().await;
    }

    /// Tells every device what is new for it, if it is this process that does.
    ///
    /// # Errors
    /// The data-plane cannot be asked, or a store not written.
    pub async fn look(&self) -> Result<(), DataplaneError> {
        let mut after = None;
        loop {
            if !self.turn.take().await? {
                return Ok(());
            }
            let question = GetPushDue { now_us: self.clock.now_us(), after, limit: PAGE };
            let devices = self.dataplane.ask(question).await?.devices;
            let is_last = devices.len() < PAGE as usize;
            let last = devices.last();
            after = last.map(|last| (last.actor.to_string(), last.subscription.endpoint.clone()));
            let mut served = stream::iter(devices)
                .map(|device| async move {
                    let served = self.serve(&device).await;
                    served.inspect_err(|error| {
                        tracing::debug!(actor = %device.actor, %error, "a device is not told now");
                    })
                })
                .buffer_unordered(self.concurrency);
            let mut failed = None;
            while let Some(one) = served.next().await {
                failed = failed.or(one.err());
            }
            match failed {
                Some(error) => return Err(error),
                None if is_last => return Ok(()),
                None => {}
            }
        }
    }

    async fn serve(&self, device: &DueDevice) -> Result<(), DataplaneError> {
        let (actor, after_us) = (device.actor.clone(), device.told_us);
        let limit = push_news::LIMIT_MAX;
        let news = self.dataplane.ask(GetPushNews { actor, after_us, limit }).await?.news;
        let told = Told::parse(&device.told);
        let fresh = told.fresh(news);
        let now_us = self.clock.now_us();
        let mark_us = now_us.saturating_sub(LATE_US).max(device.told_us);
        if fresh.is_empty() {
            // What stands there was told, or is not for it: it need not be looked at for ever.
            if mark_us.saturating_sub(device.told_us) >= LATE_US {
                let told = told.with(&[], mark_us);
                return self.note(device, (mark_us, told), now_us, device.failures).await;
            }
            return Ok(());
        }
        let message = message::of(&fresh, &self.page);
        let outcome = self.sender.send(&device.subscription, &message, now_us).await;
        self.settle(device, outcome, (mark_us, told.with(&fresh, mark_us)), &fresh).await
    }

    /// Notes what became of a message.
    async fn settle(
        &self,
        device: &DueDevice,
        outcome: Outcome,
        told: (i64, Told),
        fresh: &[PushedNotice],
    ) -> Result<(), DataplaneError> {
        let now_us = self.clock.now_us();
        let actor = &device.actor;
        match outcome {
            Outcome::Sent => {
                self.metrics.message("sent");
                tracing::debug!(%actor, news = fresh.len(), "a browser was told");
                self.note(device, told, now_us.saturating_add(self.gap_us), 0).await
            }
            Outcome::Gone(reason) => {
                self.metrics.message("gone");
                tracing::info!(%actor, reason, "a browser is not there any more");
                self.forget(device).await
            }
            Outcome::Failed(reason, wait) => {
                let failures = device.failures.saturating_add(1);
                if failures >= FAILURES_MAX {
                    self.metrics.message("given_up");
                    tracing::info!(%actor, reason, failures, "a browser is given up");
                    return self.forget(device).await;
                }
                self.metrics.message("failed");
                tracing::debug!(%actor, reason, failures, "a browser cannot be told now");
                let delay = self.sender.rng.jitter(BACKOFF.delay(failures - 1));
                let delay = delay.max(wait.unwrap_or_default()).max(BACKOFF.base / 2);
                let delay_us = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
                let before = (device.told_us, Told::parse(&device.told));
                self.note(device, before, now_us.saturating_add(delay_us), failures).await
            }
        }
    }

    async fn note(
        &self,
        device: &DueDevice,
        (told_us, told): (i64, Told),
        next_us: i64,
        failures: u32,
    ) -> Result<(), DataplaneError> {
        let note = NotePushed {
            actor: device.actor.clone(),
            endpoint: device.subscription.endpoint.clone(),
            told_us,
            told: told.text(),
            next_us,
            failures,
        };
        self.dataplane.command(note).await.map(drop)
    }

    async fn forget(&self, device: &DueDevice) -> Result<(), DataplaneError> {
        let actor = device.actor.clone();
        let endpoint = Some(device.subscription.endpoint.clone());
        self.dataplane.command(DeleteWebPush { actor, endpoint }).await.map(drop)
    }
}
