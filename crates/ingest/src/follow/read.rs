//! One connection: what each message is, and what ends it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::arrival::{Arrival, Resumed};
use super::{End, Follow};
use crate::source::{Frames, Head, Kind, Read, Source, SourceError};

/// Bytes of what a source says that are shown.
const SAID_BYTES_MAX: usize = 300;

impl<S: Source> Follow<S> {
    /// Reads until the connection ends.
    pub(super) async fn read(&mut self, stream: &mut S::Stream, resumed: Resumed) -> End {
        let (shutdown, brake) = (self.deps.shutdown.clone(), self.deps.brake.clone());
        let mut arrival = Arrival::new(self.state.kind.wire(), resumed);
        let mut last = Instant::now();
        let return_at = self.return_at(last);
        loop {
            if return_at.is_some_and(|at| at <= Instant::now()) {
                return End::Return;
            }
            if brake.is_on() {
                return End::Braked;
            }
            let allowed = self.idle.allowed();
            let message = tokio::select! {
                biased;
                () = shutdown.cancelled() => return End::Drain,
                () = brake.on() => return End::Braked,
                message = stream.next() => message,
                () = at(self.gather.due()) => match self.hand_on_whole(Instant::now()) {
                    Some(end) => return end,
                    None => continue,
                },
                () = at(return_at) => return End::Return,
                () = tokio::time::sleep_until(last + allowed) => {
                    let silent_ms = u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX);
                    return End::Source(SourceError::Idle(silent_ms));
                }
            };
            let (message, read) = match message {
                Ok(message) => {
                    let read = self.message(&message, resumed.cursor);
                    (message, read)
                }
                Err(error) => (Bytes::new(), Err(self.placed(error).await)),
            };
            match read {
                Ok(Read::Event(head)) => {
                    last = Instant::now();
                    self.idle.event(last);
                    if let Some(end) = self.event(&mut arrival, head, message).await {
                        return end;
                    }
                    // Waiting for room was ours, not the source's silence.
                    last = Instant::now();
                    if let Some(end) = self.hand_on_whole(last) {
                        return end;
                    }
                }
                Ok(Read::Info { name, message }) => {
                    self.info(&name, message.as_deref(), resumed).await;
                }
                Ok(Read::Error { .. } | Read::Unknown) => {}
                Err(error) => {
                    if let Some(error) = self.passable(error, &message).await {
                        return End::Source(error);
                    }
                }
            }
        }
    }

    /// When the preferred host is to be tried again, if this is another.
    fn return_at(&self, now: Instant) -> Option<Instant> {
        let (_, host) = self.state.hosts();
        let after = Duration::from_millis(self.deps.config.connection.fallback_return_ms);
        (host > 0).then(|| now + after)
    }

    /// What a message is. An error that the source reports ends the connection.
    fn message(&mut self, message: &Bytes, cursor: Option<i64>) -> Result<Read, SourceError> {
        let counters = &self.counters;
        counters.bytes.add(message.len() as u64);
        let read = self.state.kind.wire().read(message).map_err(|reason| {
            SourceError::InvalidFrame { after_seq: self.state.received().0, reason }
        })?;
        let counter = match &read {
            Read::Event(Head { kind, .. }) => match kind {
                Kind::Commit => &counters.commits,
                Kind::Sync => &counters.syncs,
                Kind::Identity => &counters.identities,
                Kind::Account => &counters.accounts,
                Kind::Other => &counters.others,
            },
            Read::Error { error, message } => {
                return Err(reported(error, message.as_deref(), cursor));
            }
            Read::Info { .. } | Read::Unknown => &counters.others,
        };
        counter.inc();
        Ok(read)
    }

    async fn info(&mut self, info: &str, message: Option<&str>, resumed: Resumed) {
        let message = message.map(shown);
        // Who asks for the oldest event is told that his cursor is too old; that is no news.
        let asked_for = resumed.position.is_none() || self.too_old;
        if info != "OutdatedCursor" || asked_for {
            tracing::info!(
                source.name = self.state.name,
                info = shown(info),
                message,
                "the source told us"
            );
            return;
        }
        // Accounts that lost events are found by `since` and `prevData` at their next commit.
        tracing::error!(
            source.name = self.state.name,
            message,
            "the cursor was older than what the source keeps: a part of the stream is lost"
        );
        self.gap("cursor_too_old", resumed.position, None).await;
    }

    /// Fills in where a message stood that could not be read, and passes over it if it is known.
    async fn placed(&mut self, error: SourceError) -> SourceError {
        let after = self.state.received().0;
        match error {
            SourceError::Oversize { bytes_max, .. } => {
                if self.broken.oversize(after) {
                    let head = Head::unnumbered();
                    let detail =
                        format!("a message of more than {bytes_max} bytes after seq {after:?}");
                    self.reject(&head, "oversize", &detail, &Bytes::new(), None).await;
                }
                SourceError::Oversize { after_seq: after, bytes_max }
            }
            SourceError::InvalidFrame { reason, .. } => {
                SourceError::InvalidFrame { after_seq: after, reason }
            }
            other => other,
        }
    }

    /// An invalid frame ends the connection, but at the same place only once; `None` passes over it.
    async fn passable(&mut self, error: SourceError, message: &Bytes) -> Option<SourceError> {
        let SourceError::InvalidFrame { after_seq, reason } = &error else { return Some(error) };
        if !self.broken.unreadable(*after_seq) {
            return Some(error);
        }
        let head = Head::unnumbered();
        let detail = format!("after seq {after_seq:?}: {reason}");
        self.reject(&head, "invalid_frame", &detail, message, None).await.map(|_| error)
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

fn shown(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SAID_BYTES_MAX)).unwrap_or(text)
}

fn reported(error: &str, message: Option<&str>, cursor: Option<i64>) -> SourceError {
    match error {
        "FutureCursor" => SourceError::FutureCursor { cursor },
        "ConsumerTooSlow" => SourceError::ConsumerTooSlow,
        other => SourceError::Reported {
            name: shown(other).to_owned(),
            message: shown(message.unwrap_or_default()).to_owned(),
        },
    }
}
