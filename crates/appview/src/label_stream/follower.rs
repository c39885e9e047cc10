//! One connection: what was said from its place on, then what is said, until it goes, is too slow or the process
//! drains.

use std::pin::pin;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use millrace_dataplane::query::issued_sequence::{GetIssuedSequence, IssuedSequence, LIMIT_MAX};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{LabelStream, frames};

/// How often a connection looks for what other processes said.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A connection that was not heard for so long is asked whether it is there, and given up after as long again.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Time for the last message.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

pub(super) struct Follower(LabelStream);

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Gone,
    TooSlow,
    FutureCursor,
    Draining,
    /// Something of ours cannot be read now.
    Unavailable,
}

/// When the other side was heard last.
struct Pulse {
    heard: Instant,
    is_asked: bool,
}

impl Follower {
    pub(super) fn new(stream: LabelStream) -> Self {
        stream.metrics.label_followers.inc();
        Self(stream)
    }

    pub(super) async fn run(self, mut socket: WebSocket, cursor: Option<i64>) {
        let end = self.tell(&mut socket, cursor).await;
        self.0.metrics.label_streams_ended.with(&[end.name()]).inc();
        // Whoever does not take it is let go all the same.
        let _closed = tokio::time::timeout(GOODBYE_MAX, goodbye(&mut socket, end)).await;
    }

    async fn tell(&self, socket: &mut WebSocket, cursor: Option<i64>) -> End {
        match self.tell_all(socket, cursor).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn tell_all(
        &self,
        socket: &mut WebSocket,
        cursor: Option<i64>,
    ) -> Result<std::convert::Infallible, End> {
        let mut said = self.0.issuer.listen();
        let mut pulse = Pulse { heard: Instant::now(), is_asked: false };
        let mut at = match cursor {
            Some(cursor) => cursor,
            None => self.ask(i64::MAX).await?.last,
        };
        loop {
            said.borrow_and_update();
            let page = self.ask(at).await?;
            // Also where a backup was put back while somebody followed.
            if at > page.last {
                return Err(End::FutureCursor);
            }
            let Some(last) = page.labels.last() else {
                self.wait(socket, &mut said, &mut pulse).await?;
                continue;
            };
            at = last.seq;
            self.send(socket, page).await?;
        }
    }

    async fn ask(&self, after: i64) -> Result<IssuedSequence, End> {
        let src = self.0.issuer.did.clone();
        let asked = self.0.dataplane.ask(GetIssuedSequence { src, after, limit: LIMIT_MAX });
        match self.0.shutdown.or(asked).await {
            Some(Ok(page)) => Ok(page),
            Some(Err(error)) => {
                tracing::warn!(%error, "labels issued here cannot be read now; who follows comes again");
                Err(End::Unavailable)
            }
            None => Err(End::Draining),
        }
    }

    /// Signs and sends a page, as a whole within the time there is.
    async fn send(&self, socket: &mut WebSocket, page: IssuedSequence) -> Result<(), End> {
        let Some(key) = self.0.issuer.key.clone() else { return Err(End::Unavailable) };
        let count = page.labels.len() as u64;
        let messages = tokio::task::spawn_blocking(move || frames::of(&page.labels, key.key()));
        let messages = messages.await.map_err(|_| End::Unavailable)?;
        let sending = async {
            for message in messages {
                socket.send(message).await?;
            }
            Ok::<(), axum::Error>(())
        };
        let sent = self.0.shutdown.or(tokio::time::timeout(self.0.send_timeout, sending)).await;
        match sent {
            Some(Ok(Ok(()))) => {
                self.0.metrics.labels_sent.add(count);
                Ok(())
            }
            Some(Ok(Err(_))) => Err(End::Gone),
            Some(Err(_)) => Err(End::TooSlow),
            None => Err(End::Draining),
        }
    }

    /// Until there may be more.
    async fn wait(
        &self,
        socket: &mut WebSocket,
        said: &mut watch::Receiver<()>,
        pulse: &mut Pulse,
    ) -> Result<(), End> {
        let mut pause = pin!(tokio::time::sleep(LOOK_EVERY));
        loop {
            tokio::select! {
                () = self.0.shutdown.cancelled() => return Err(End::Draining),
                changed = said.changed() => return changed.map_err(|_| End::Draining),
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
                    Some(Ok(_)) => *pulse = Pulse { heard: Instant::now(), is_asked: false },
                },
                () = &mut pause => return self.ask_whether_there(socket, pulse).await,
            }
        }
    }

    async fn ask_whether_there(
        &self,
        socket: &mut WebSocket,
        pulse: &mut Pulse,
    ) -> Result<(), End> {
        if pulse.heard.elapsed() < SILENCE_MAX {
            return Ok(());
        }
        if pulse.is_asked {
            return Err(End::Gone);
        }
        let ping = socket.send(Message::Ping(Bytes::new()));
        match tokio::time::timeout(self.0.send_timeout, ping).await {
            Ok(Ok(())) => {
                *pulse = Pulse { heard: Instant::now(), is_asked: true };
                Ok(())
            }
            Ok(Err(_)) => Err(End::Gone),
            Err(_) => Err(End::TooSlow),
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.metrics.label_followers.dec();
    }
}

impl End {
    fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::TooSlow => "too_slow",
            Self::FutureCursor => "future_cursor",
            Self::Draining => "draining",
            Self::Unavailable => "unavailable",
        }
    }
}

async fn goodbye(socket: &mut WebSocket, end: End) -> Result<(), axum::Error> {
    let (refusal, code) = match end {
        End::Gone => return Ok(()),
        End::TooSlow => {
            (Some(("ConsumerTooSlow", "labels are not taken fast enough")), close_code::POLICY)
        }
        End::FutureCursor => {
            (Some(("FutureCursor", "nothing was said here under that number")), close_code::POLICY)
        }
        End::Draining => (None, close_code::AWAY),
        End::Unavailable => (None, close_code::AGAIN),
    };
    if let Some((error, message)) = refusal {
        socket.send(frames::refusal(error, message)).await?;
    }
    socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await
}
