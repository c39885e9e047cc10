//! One connection: messages become events in the lanes' queues, as far as the bytes in flight allow.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_atproto::frame::{Frame, FrameError};
use millrace_atproto::{Datetime, Did};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::{End, Follow};
use crate::append::{Change, Item};
use crate::config::SEQ_MAX;
use crate::lane::{EVENT_FRAME_BYTES, Event, LaneMsg};
use crate::progress::Ticket;
use crate::source::{Frames, Source, SourceError};
use crate::tables::rejects::Rejected;

/// Events that the cursor may be behind; beyond, reading waits. They take 16 bytes each.
const OUTSTANDING_MAX: usize = 1_000_000;
/// By how much an event under a number that was passed must be newer than all others to show that
/// the source counts anew: hosts' clocks differ by seconds, and a relay passes their times on.
const NEWER_US: i64 = 60 * 1_000_000;
/// How often a reader looks whether the cursor has caught up.
const OUTSTANDING_PAUSE: Duration = Duration::from_millis(50);

/// What a message is to the reader.
enum Read {
    /// An event of an account.
    Event(Head),
    /// Nothing to do.
    Passed,
    /// The connection ends.
    End(SourceError),
}

/// What the reader needs of an event.
struct Head {
    seq: i64,
    did: String,
    time_us: Option<i64>,
    /// Why it is no event after all, though it has a number.
    fault: Option<String>,
}

impl Head {
    /// A message without a number.
    fn unnumbered() -> Self {
        Self { seq: 0, did: String::new(), time_us: None, fault: None }
    }
}

impl<S: Source> Follow<S> {
    /// Reads until the connection ends.
    pub(super) async fn read(&mut self, stream: &mut S::Stream, cursor: Option<i64>) -> End {
        let shutdown = self.deps.shutdown.clone();
        let mut last = Instant::now();
        loop {
            let allowed = self.idle.allowed();
            let message = tokio::select! {
                biased;
                () = shutdown.cancelled() => return End::Drain,
                message = stream.next() => message,
                () = tokio::time::sleep_until(last + allowed) => {
                    let silent_ms = u64::try_from(allowed.as_millis()).unwrap_or(u64::MAX);
                    return End::Source(SourceError::Idle(silent_ms));
                }
            };
            let message = match message {
                Ok(message) => message,
                Err(error) => {
                    let error = self.placed(error).await;
                    match self.passable(error, &Bytes::new()).await {
                        Some(error) => return End::Source(error),
                        None => continue,
                    }
                }
            };
            match self.message(&message, cursor) {
                Read::Passed => {}
                Read::End(error) => match self.passable(error, &message).await {
                    Some(error) => return End::Source(error),
                    None => continue,
                },
                Read::Event(head) => {
                    last = Instant::now();
                    self.idle.event(last);
                    if let Some(end) = self.event(head, message).await {
                        return end;
                    }
                    // Waiting for room was ours, not the source's silence.
                    last = Instant::now();
                }
            }
        }
    }

    /// What a message is.
    fn message(&mut self, message: &Bytes, cursor: Option<i64>) -> Read {
        let counters = &self.counters;
        counters.bytes.add(message.len() as u64);
        let (counter, seq, did, time) = match Frame::parse(message) {
            Ok(Frame::Commit(frame)) => (&counters.commits, frame.seq, frame.repo, frame.time),
            Ok(Frame::Sync(frame)) => (&counters.syncs, frame.seq, frame.did, frame.time),
            Ok(Frame::Identity(frame)) => (&counters.identities, frame.seq, frame.did, frame.time),
            Ok(Frame::Account(frame)) => (&counters.accounts, frame.seq, frame.did, frame.time),
            Ok(Frame::Info { name: info, message }) => {
                self.info(info, message);
                return Read::Passed;
            }
            Ok(Frame::Error { error, message }) => {
                return Read::End(reported(error, message, cursor));
            }
            Ok(Frame::Unknown { .. }) => {
                counters.others.inc();
                return Read::Passed;
            }
            // Its payload alone is bad: it has a number, so that it can be passed.
            Err(FrameError::Payload { kind, seq: Some(seq), did, cause }) if in_range(seq) => {
                counters.others.inc();
                let fault = Some(format!("{kind}: {cause}"));
                return Read::Event(Head {
                    seq,
                    did: did.unwrap_or_default(),
                    time_us: None,
                    fault,
                });
            }
            Err(error) => return Read::End(self.invalid(error.to_string())),
        };
        counter.inc();
        if !in_range(seq) {
            return Read::End(self.invalid(format!("sequence number {seq}")));
        }
        let time_us = Datetime::parse(time).ok().and_then(|time| time.epoch_us());
        Read::Event(Head { seq, did: did.to_owned(), time_us, fault: None })
    }

    fn invalid(&self, reason: String) -> SourceError {
        SourceError::InvalidFrame { after_seq: self.state.received().0, reason }
    }

    fn info(&mut self, info: &str, message: Option<&str>) {
        self.counters.others.inc();
        if info == "OutdatedCursor" {
            // Accounts that lost events are found by `since` and `prevData` at their next commit.
            self.state.gap(self.deps.clock.now_us());
            self.deps.metrics.gaps.with(&[&self.state.name]).inc();
            tracing::error!(
                source.name = self.state.name,
                message,
                "the cursor was older than what the source keeps: a part of the stream is lost"
            );
        }
    }

    /// Takes an event in. `Some` ends the connection.
    async fn event(&mut self, head: Head, message: Bytes) -> Option<End> {
        let (received, received_us) = self.state.received();
        if let Some(last) = received
            && head.seq <= last
        {
            return self.repeated(&head, last, received_us);
        }
        let bytes = message.len().saturating_add(EVENT_FRAME_BYTES);
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let shutdown = self.deps.shutdown.clone();
        let room = async {
            while self.state.outstanding() >= OUTSTANDING_MAX {
                tokio::time::sleep(OUTSTANDING_PAUSE).await;
            }
            Arc::clone(&self.deps.inflight).acquire_many_owned(permits).await
        };
        let permit = match shutdown.or(room).await {
            None => return Some(End::Drain),
            Some(Err(_)) => return Some(End::Run),
            Some(Ok(permit)) => permit,
        };
        self.broken.good();
        self.fruitless = 0;
        let now_us = self.deps.clock.now_us();
        let did = Did::parse(&head.did);
        let Some(ticket) = self.state.begin(head.seq, did.as_ref().ok(), head.time_us, now_us)
        else {
            self.deps.metrics.skipped.with(&[&self.state.name, "repeated"]).inc();
            return None;
        };
        self.show(&head, now_us);
        let did = match (did, &head.fault) {
            (Ok(did), None) => did,
            (_, Some(fault)) => {
                let settled = Some((ticket, permit));
                return self.reject(&head, "malformed", fault, &message, settled).await;
            }
            (Err(error), None) => {
                let settled = Some((ticket, permit));
                return self.reject(&head, "did", &error.to_string(), &message, settled).await;
            }
        };
        let event = Event {
            did,
            bytes: message,
            source: Arc::clone(&self.state),
            seq: head.seq,
            ticket: Some(ticket),
            permit: Some(permit),
            received_us: now_us,
            retried: false,
            told: None,
        };
        self.deps.lanes.send(LaneMsg::Event(event)).is_err().then_some(End::Run)
    }

    fn show(&self, head: &Head, now_us: i64) {
        let metrics = &self.deps.metrics;
        self.counters.received_seq.set(head.seq);
        if let Some(time_us) = head.time_us {
            let lag_us = now_us.saturating_sub(time_us).max(0);
            self.counters.lag_seconds.set(lag_us / 1_000_000);
        }
        let used = self
            .deps
            .config
            .inflight_bytes_max
            .saturating_sub(self.deps.inflight.available_permits());
        metrics.inflight_bytes.set(i64::try_from(used).unwrap_or(i64::MAX));
    }

    /// An event whose number was passed. The source may repeat what it has sent; but if the event is
    /// much newer than all before it, the source has begun to count anew.
    fn repeated(&self, head: &Head, last: i64, received_us: Option<i64>) -> Option<End> {
        let newer = match (head.time_us, received_us) {
            (Some(time_us), Some(received_us)) => time_us.saturating_sub(received_us) > NEWER_US,
            _ => false,
        };
        if head.seq < last && newer {
            return Some(End::Source(SourceError::SequenceReset { from: last, to: head.seq }));
        }
        self.deps.metrics.skipped.with(&[&self.state.name, "repeated"]).inc();
        None
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

    /// Counts and keeps a message that reaches no lane.
    async fn reject(
        &self,
        head: &Head,
        reason: &'static str,
        detail: &str,
        message: &Bytes,
        settled: Option<(Ticket, OwnedSemaphorePermit)>,
    ) -> Option<End> {
        self.deps.metrics.rejected.with(&[&self.state.name, reason]).inc();
        self.state.rejected(reason);
        let sample = message.len().min(self.deps.config.rejected_sample_bytes_max);
        let rejected = Rejected {
            source: self.state.name.clone(),
            seq: (head.seq > 0).then_some(head.seq),
            did: Did::parse(&head.did).ok(),
            reason,
            detail: detail.to_owned(),
            sample: Bytes::copy_from_slice(message.get(..sample).unwrap_or_default()),
            bytes: message.len(),
            seen_us: self.deps.clock.now_us(),
        };
        let (ticket, permit) = settled.unzip();
        let item = Item {
            tickets: ticket.into_iter().collect(),
            changes: vec![Change::Rejected(Box::new(rejected))],
            permit,
            ..Item::default()
        };
        self.deps.items.send(item).await.is_err().then_some(End::Run)
    }
}

fn in_range(seq: i64) -> bool {
    (1..=SEQ_MAX).contains(&seq)
}

fn reported(error: &str, message: Option<&str>, cursor: Option<i64>) -> SourceError {
    match error {
        "FutureCursor" => SourceError::FutureCursor { cursor },
        "ConsumerTooSlow" => SourceError::ConsumerTooSlow,
        other => SourceError::Reported {
            name: other.to_owned(),
            message: message.unwrap_or_default().to_owned(),
        },
    }
}
