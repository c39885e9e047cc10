//! An event that was read: its place in the stream is looked at, its bytes are claimed, and it goes to
//! its account's lane; of a Jetstream, when its commit is whole.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_atproto::Did;
use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};
use tokio::time::Instant;

use super::arrival::{Arrival, Turn};
use super::{End, Follow};
use crate::append::{Change, Item};
use crate::lane::{EVENT_FRAME_BYTES, Event, LaneMsg, Message};
use crate::progress::Ticket;
use crate::source::{Head, Source, SourceError};
use crate::tables::rejects::Rejected;

/// Events that the cursor may be behind; beyond, reading waits. They take 16 bytes each.
const OUTSTANDING_MAX: usize = 1_000_000;
/// By how much an event under a number that was passed must be newer than all others to show that
/// the source counts anew: hosts' clocks differ by seconds, and a relay passes their times on.
const NEWER_US: i64 = 60 * 1_000_000;
/// How often a reader looks whether the cursor has caught up.
const OUTSTANDING_PAUSE: Duration = Duration::from_millis(50);

impl<S: Source> Follow<S> {
    /// Takes an event in. `Some` ends the connection.
    pub(super) async fn event(
        &mut self,
        arrival: &mut Arrival,
        mut head: Head,
        message: Bytes,
    ) -> Option<End> {
        let now_us = self.deps.clock.now_us();
        if let Some(end) = self.turn(arrival, &mut head, now_us).await {
            return Some(end);
        }
        let (received, received_us) = self.state.received();
        if let Some(last) = received
            && self.state.kind.wire().ascends()
            && head.seq <= last
        {
            return self.repeated(&head, last, received_us);
        }
        if self.is_out_of_scope(&head) {
            return self.pass_over(&head, now_us).await;
        }
        let bytes = message.len().saturating_add(EVENT_FRAME_BYTES);
        let permit = match self.room(bytes).await {
            Ok(permit) => permit,
            Err(end) => return Some(end),
        };
        self.broken.good();
        self.fruitless = 0;
        self.too_old = false;
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
            message: Message::new(self.state.kind.wire(), head.kind, message),
            source: Arc::clone(&self.state),
            seq: head.seq,
            time_us: head.time_us,
            again: arrival.is_again(head.seq),
            ticket: Some(ticket),
            permit: Some(permit),
            received_us: now_us,
            retried: false,
            told: None,
        };
        self.hand_on(event, head.rev)
    }

    /// Looks whether the stream goes on where it was left. `Some` ends the connection.
    async fn turn(&mut self, arrival: &mut Arrival, head: &mut Head, now_us: i64) -> Option<End> {
        let last = self.state.received().0;
        let jumps = &self.deps.metrics.jumps;
        match arrival.event(head.seq, last, now_us)? {
            Turn::Gap { reason, from, to } => self.gap(reason, Some(from), Some(to)).await,
            Turn::Ahead => {
                jumps.with(&[&self.state.name, "forward"]).inc();
                head.seq = now_us;
                head.time_us = Some(now_us);
            }
            Turn::Back(to) => {
                jumps.with(&[&self.state.name, "backward"]).inc();
                tracing::warn!(
                    source.name = self.state.name,
                    from = last,
                    to,
                    "the source went back; it is followed from there"
                );
                self.state.reset(to);
            }
            Turn::Reset { from } => {
                let to = head.seq;
                return Some(End::Source(SourceError::SequenceReset { from, to }));
            }
        }
        None
    }

    /// Waits for room for so many bytes.
    pub(super) async fn room(&mut self, bytes: usize) -> Result<OwnedSemaphorePermit, End> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let inflight = Arc::clone(&self.deps.inflight);
        let full = self.state.outstanding() >= OUTSTANDING_MAX;
        match Arc::clone(&inflight).try_acquire_many_owned(permits) {
            Ok(permit) if !full => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(End::Run),
            Ok(_) | Err(TryAcquireError::NoPermits) => {}
        }
        // What is gathered holds room, and would hold it for as long as we wait for some.
        if let Some(end) = self.hand_on_all() {
            return Err(end);
        }
        let room = async {
            while self.state.outstanding() >= OUTSTANDING_MAX {
                tokio::time::sleep(OUTSTANDING_PAUSE).await;
            }
            inflight.acquire_many_owned(permits).await
        };
        match self.deps.shutdown.or(room).await {
            None => Err(End::Drain),
            Some(Err(_)) => Err(End::Run),
            Some(Ok(permit)) => Ok(permit),
        }
    }

    /// Hands an event to its lane; the operation of a commit with the others of that commit.
    fn hand_on(&mut self, event: Event, rev: Option<String>) -> Option<End> {
        let (before, event) = match rev {
            Some(rev) => (self.gather.operation(rev, event, Instant::now()), None),
            None => (self.gather.whole(&event.did), Some(event)),
        };
        before.into_iter().chain(event).find_map(|event| self.send(event))
    }

    /// Hands on the commits that nothing more will come of.
    pub(super) fn hand_on_whole(&mut self, now: Instant) -> Option<End> {
        while let Some(event) = self.gather.next_whole(now) {
            if let Some(end) = self.send(event) {
                return Some(end);
            }
        }
        None
    }

    /// Hands on everything that was gathered.
    pub(super) fn hand_on_all(&mut self) -> Option<End> {
        while let Some(event) = self.gather.oldest() {
            if let Some(end) = self.send(event) {
                return Some(end);
            }
        }
        None
    }

    fn send(&self, event: Event) -> Option<End> {
        self.deps.lanes.send(LaneMsg::Event(event)).is_err().then_some(End::Run)
    }

    pub(super) fn show(&self, head: &Head, now_us: i64) {
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

    /// Counts and keeps a message that reaches no lane.
    pub(super) async fn reject(
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
