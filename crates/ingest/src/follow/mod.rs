//! Follows one source for ever: connects at its cursor, reads, hands events to the lanes, connects
//! again. What ends a connection is in `SourceError`; what is done about it is decided here.

mod broken;
mod read;

use std::sync::Arc;
use std::time::Duration;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, Shutdown};
use tokio::sync::{Semaphore, mpsc};

use crate::append::Item;
use crate::config::{IngestConfig, OnFutureCursor};
use crate::error::IngestError;
use crate::lane::Lanes;
use crate::metrics::{Metrics, SourceMetrics};
use crate::progress::SourceState;
use crate::source::{IdleWatch, Source, SourceError};
use broken::Broken;

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
}

/// One source being followed.
pub(crate) struct Follow<S> {
    source: S,
    state: Arc<SourceState>,
    deps: FollowDeps,
    counters: SourceMetrics,
    idle: IdleWatch,
    broken: Broken,
    /// Connections in a row that brought no event.
    fruitless: u32,
}

/// Why a connection is not followed any further.
enum End {
    /// The process, or this run, drains.
    Drain,
    /// The connection ended.
    Source(SourceError),
    /// Another part of the run has ended.
    Run,
}

impl<S: Source> Follow<S> {
    pub(crate) fn new(source: S, state: Arc<SourceState>, deps: FollowDeps) -> Self {
        let idle = IdleWatch::new(&deps.config.connection);
        let counters = deps.metrics.of_source(&state.name);
        Self { source, state, deps, counters, idle, broken: Broken::default(), fruitless: 0 }
    }

    /// Runs until the shutdown.
    pub(crate) async fn run(mut self) -> Result<(), IngestError> {
        loop {
            let end = self.connect_and_read().await;
            self.state.connected(false);
            self.deps.metrics.connected.with(&[&self.state.name]).set(0);
            match end {
                End::Drain => return Ok(()),
                End::Run => return Err(IngestError::PartEnded("lane")),
                End::Source(error) => {
                    self.ended(&error);
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
        let cursor = self.broken.cursor(self.resume_at());
        let shutdown = self.deps.shutdown.clone();
        let mut stream = match shutdown.or(self.source.connect(cursor)).await {
            None => return End::Drain,
            Some(Ok(stream)) => stream,
            Some(Err(error)) => return End::Source(error),
        };
        tracing::info!(source.name = self.state.name, cursor, "connected");
        self.state.connected(true);
        self.deps.metrics.connected.with(&[&self.state.name]).set(1);
        self.broken.connected();
        self.read(&mut stream, cursor).await
    }

    /// Where to go on: after what was read in this process or covered by the stored cursor, else
    /// where the configuration says.
    fn resume_at(&self) -> Option<i64> {
        let (received, _) = self.state.received();
        received.or_else(|| self.state.cursor()).or(self.state.start)
    }

    fn ended(&mut self, error: &SourceError) {
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
    }

    /// Whether the source is to be read again from its beginning.
    fn restart_at_oldest(&mut self, error: &SourceError) -> bool {
        let restart = self.deps.config.on_future_cursor == OnFutureCursor::RestartAtOldest;
        if restart {
            tracing::warn!(source.name = self.state.name, %error, "reading everything the source still has");
            self.state.reset(0);
            self.broken = Broken::default();
        }
        restart
    }

    /// How long to wait before connecting again.
    fn pause(&mut self) -> Duration {
        let connection = &self.deps.config.connection;
        let backoff = Backoff {
            base: Duration::from_millis(connection.backoff_first_ms),
            max: Duration::from_millis(connection.backoff_max_ms),
            reset_after: Duration::ZERO,
        };
        let pause = self.deps.rng.jitter(backoff.delay(self.fruitless));
        self.fruitless = self.fruitless.saturating_add(1);
        pause
    }
}
