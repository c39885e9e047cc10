//! Follows one source for ever: connects at its cursor, reads, hands events to the lanes, connects
//! again, to another of its hosts if need be. What ends a connection is in `SourceError`; what is done
//! about it is decided here.

mod arrival;
mod broken;
mod gather;
mod read;
mod scope;
mod take;

use std::sync::Arc;
use std::time::Duration;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, Shutdown};
use tokio::sync::{Semaphore, mpsc};

use crate::append::{Change, Item};
use crate::brake::Brake;
use crate::codes;
use crate::config::{IngestConfig, OnFutureCursor, SourceKind};
use crate::error::IngestError;
use crate::lane::Lanes;
use crate::metrics::{Metrics, SourceMetrics};
use crate::model::Gap;
use crate::progress::SourceState;
use crate::scope::Scope;
use crate::source::{IdleWatch, Source, SourceError};
use arrival::Resumed;
use broken::Broken;
use gather::Gather;

/// How far before the last event another Jetstream is joined, whose numbers are not known but its
/// times are.
const OTHER_HOST_REWIND_US: i64 = 60 * 1_000_000;

/// What following a source works with.
#[derive(Clone)]
pub(crate) struct FollowDeps {
    pub(crate) config: Arc<IngestConfig>,
    pub(crate) lanes: Lanes,
    pub(crate) items: mpsc::Sender<Item>,
    /// Bytes in flight, over all sources.
    pub(crate) inflight: Arc<Semaphore>,
    pub(crate) clock: SharedClock,
    pub(crate) rng: Rng,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) shutdown: Shutdown,
    pub(crate) scope: Arc<Scope>,
    pub(crate) brake: Brake,
}

/// One source being followed.
pub(crate) struct Follow<S> {
    source: S,
    state: Arc<SourceState>,
    deps: FollowDeps,
    counters: SourceMetrics,
    idle: IdleWatch,
    broken: Broken,
    gather: Gather,
    /// Connections in a row that brought no event.
    fruitless: u32,
    /// The source does not keep our cursor any more: its oldest event is next.
    too_old: bool,
}

/// Why a connection is not followed any further.
enum End {
    /// The process, or this run, drains.
    Drain,
    /// The connection ended.
    Source(SourceError),
    /// The host that is preferred is tried again.
    Return,
    /// Nothing is to be read for now.
    Braked,
    /// Another part of the run has ended.
    Run,
}

impl<S: Source> Follow<S> {
    pub(crate) fn new(source: S, state: Arc<SourceState>, deps: FollowDeps) -> Self {
        let idle = IdleWatch::new(&deps.config.connection);
        let counters = deps.metrics.of_source(&state.name);
        let broken = Broken::new(state.kind.wire());
        Self {
            source,
            state,
            deps,
            counters,
            idle,
            broken,
            gather: Gather::default(),
            fruitless: 0,
            too_old: false,
        }
    }

    /// Runs until the shutdown.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        loop {
            if self.deps.shutdown.or(self.deps.brake.off()).await.is_none() {
                return Ok(());
            }
            let end = self.connect_and_read().await;
            self.state.connected(false);
            self.deps.metrics.connected.with(&[&self.state.name]).set(0);
            match end {
                End::Drain => return Ok(()),
                End::Run => return Err(IngestError::PartEnded("lane")),
                End::Braked => {
                    tracing::info!(
                        source.name = self.state.name,
                        "disconnected: nothing is read for now"
                    );
                    continue;
                }
                End::Return => {
                    tracing::info!(
                        source.name = self.state.name,
                        "the preferred host is tried again"
                    );
                    self.turn_to(0);
                    continue;
                }
                End::Source(error) => {
                    self.ended(&error).await;
                    if error.is_reset() && !self.restart_at_oldest(&error) {
                        self.state.stopped();
                        self.deps.shutdown.cancelled().await;
                        return Ok(());
                    }
                }
            }
            let pause = self.pause();
            if self.deps.shutdown.or(tokio::time::sleep(pause)).await.is_none() {
                return Ok(());
            }
        }
    }

    async fn connect_and_read(&mut self) -> End {
        let resumed = self.resume_at().await;
        let shutdown = self.deps.shutdown.clone();
        let (state, cursor) = (Arc::clone(&self.state), resumed.cursor);
        let connecting = self.source.connect(state.endpoint(), cursor);
        let mut stream = match shutdown.or(connecting).await {
            None => return End::Drain,
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return End::Source(error),
        };
        let host = self.state.endpoint().address();
        tracing::info!(source.name = self.state.name, host, cursor, "connected");
        self.state.connected(true);
        self.deps.metrics.connected.with(&[&self.state.name]).set(1);
        self.broken.connected();
        let end = self.read(&mut stream, resumed).await;
        match end {
            // They are read again, whole.
            End::Drain | End::Run => end,
            End::Source(_) | End::Return | End::Braked => {
                self.hand_on_all().map_or(end, |_| End::Run)
            }
        }
    }

    /// Where to go on: after what was read in this process or covered by the stored cursor, else
    /// where the configuration says.
    async fn resume_at(&mut self) -> Resumed {
        let (received, received_us) = self.state.received();
        let position = received.or_else(|| self.state.cursor());
        if self.too_old || position == Some(0) {
            return Resumed { cursor: Some(0), position: position.filter(|last| *last > 0) };
        }
        if let Some(last) = position {
            let cursor = match self.broken.cursor(position) {
                Some(cursor) if cursor == last => last.saturating_sub(self.state.rewind_us).max(1),
                beyond => beyond.unwrap_or(last),
            };
            return Resumed { cursor: Some(cursor), position };
        }
        let (_, host) = self.state.hosts();
        match received_us.filter(|_| host > 0) {
            None => Resumed { cursor: self.state.start, position: None },
            Some(time_us) if self.state.kind == SourceKind::JetstreamV2 => {
                let cursor = Some(time_us.saturating_sub(OTHER_HOST_REWIND_US));
                Resumed { cursor, position: None }
            }
            // Another host's numbers, from now on. The preferred host goes on where it was left.
            Some(_) => {
                self.gap("fallback", None, None).await;
                Resumed::default()
            }
        }
    }

    async fn ended(&mut self, error: &SourceError) {
        let code = error.code();
        self.deps.metrics.connections.with(&[&self.state.name, error.label()]).inc();
        self.state.failed(format!("[{}] {error}", code.id));
        if matches!(error, SourceError::Idle(_)) {
            self.idle.silent();
        } else {
            self.idle.disconnected();
        }
        if error.is_reset() {
            tracing::error!(source.name = self.state.name, code = code.id, %error, hint = code.remedy, "the source was reset");
        } else {
            tracing::warn!(source.name = self.state.name, code = code.id, %error, "connection ended; it is made again");
        }
        if matches!(error, SourceError::CursorTooOld { .. }) {
            let from = self.state.received().0;
            self.gap("cursor_too_old", from, None).await;
            self.too_old = true;
        }
        let (hosts, host) = self.state.hosts();
        if error.is_out_of_reach() && hosts > 1 {
            self.turn_to((host + 1) % hosts);
        }
    }

    fn turn_to(&mut self, host: usize) {
        self.state.turn_to(host);
        self.broken = Broken::new(self.state.kind.wire());
        self.too_old = false;
    }

    /// Notes that events between these positions may be missing.
    async fn gap(&mut self, reason: &'static str, from: Option<i64>, to: Option<i64>) {
        let code = codes::SUSPECT_RANGE;
        tracing::error!(
            source.name = self.state.name,
            code = code.id,
            reason,
            from,
            to,
            hint = code.remedy,
            "a part of the stream may be missing"
        );
        let noticed_us = self.deps.clock.now_us();
        let gap = Gap { reason: reason.to_owned(), from, to, noticed_us };
        self.state.gap(gap.clone());
        self.deps.metrics.gaps.with(&[&self.state.name, reason]).inc();
        let change = Change::Gap(self.state.name.clone(), Box::new(gap));
        // Nobody takes it while the run ends; the log has told of it.
        let _ = self.deps.items.send(Item { changes: vec![change], ..Item::default() }).await;
    }

    /// Whether the source is to be read again from its beginning.
    fn restart_at_oldest(&mut self, error: &SourceError) -> bool {
        let restart = self.deps.config.on_future_cursor == OnFutureCursor::RestartAtOldest;
        if restart {
            tracing::warn!(source.name = self.state.name, %error, "reading everything the source still has");
            self.state.reset(0);
            self.broken = Broken::new(self.state.kind.wire());
        }
        restart
    }

    /// How long to wait before connecting again. Other hosts are tried without waiting longer.
    fn pause(&mut self) -> Duration {
        let connection = &self.deps.config.connection;
        let backoff = Backoff {
            base: Duration::from_millis(connection.backoff_first_ms),
            max: Duration::from_millis(connection.backoff_max_ms),
            reset_after: Duration::ZERO,
        };
        let hosts = u32::try_from(self.state.hosts().0).unwrap_or(1).max(1);
        let pause = self.deps.rng.jitter(backoff.delay(self.fruitless / hosts));
        self.fruitless = self.fruitless.saturating_add(1);
        pause
    }
}
