//! Holding events behind a question, within bounds: so many bytes for one account, so many for all.
//! When they are used up the account's events are dropped and it is marked desynchronized: the
//! repository is the truth and will be fetched.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::slot::{Phase, Slot, Wait, Waiting};
use super::{Event, Lane};
use crate::metrics::Metrics;

/// What an event costs in memory beside its bytes.
pub(crate) const EVENT_FRAME_BYTES: usize = 512;

/// Bytes of held events, over all lanes.
#[derive(Debug)]
pub(crate) struct HeldBudget {
    used: AtomicUsize,
    max: usize,
}

impl HeldBudget {
    pub(crate) fn new(max: usize) -> Self {
        Self { used: AtomicUsize::new(0), max }
    }

    /// Claims bytes; false if there is no room.
    fn claim(&self, bytes: usize) -> bool {
        self.used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= self.max)
            })
            .is_ok()
    }

    /// Whether those who wait for long must make room for those who wait for a moment.
    fn is_short(&self) -> bool {
        self.used.load(Ordering::Relaxed) > self.max / 2
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn show(&self, metrics: &Metrics) {
        metrics
            .held_bytes
            .set(i64::try_from(self.used.load(Ordering::Relaxed)).unwrap_or(i64::MAX));
    }
}

/// What an event counts for while it is held.
pub(super) fn cost(event: &Event) -> usize {
    event.message.bytes().saturating_add(EVENT_FRAME_BYTES)
}

impl Lane {
    /// Holds an event at the end of the queue.
    pub(super) fn hold(&mut self, slot: &mut Slot, mut event: Event) {
        let bytes = cost(&event);
        let Phase::Waiting(waiting) = &mut slot.phase else {
            debug_assert!(false, "only a waiting account holds events");
            return;
        };
        let fits = waiting.bytes.saturating_add(bytes) <= self.deps.config.held_did_bytes_max;
        if !fits || !self.deps.held.claim(bytes) {
            self.overflow(slot, Some(event));
            return;
        }
        waiting.bytes += bytes;
        // From here on its bytes count as held, no longer as in flight.
        event.permit = None;
        let settled = slot.marked.is_some().then(|| event.ticket.take()).flatten();
        waiting.events.push_back(event);
        self.deps.held.show(&self.deps.metrics);
        if let Some(ticket) = settled {
            self.settle(slot, vec![ticket]);
        }
    }

    /// Starts waiting, with `event` first in the queue.
    pub(super) fn wait_for(&mut self, slot: &mut Slot, wait: Wait, event: Option<Event>) {
        let since_us = self.deps.clock.now_us();
        slot.phase = Phase::Waiting(Waiting { wait, events: VecDeque::new(), bytes: 0, since_us });
        if let Some(event) = event {
            self.hold(slot, event);
        }
    }

    /// Takes everything that is held; the account is open again.
    pub(super) fn release(&mut self, slot: &mut Slot) -> VecDeque<Event> {
        let Phase::Waiting(waiting) = std::mem::replace(&mut slot.phase, Phase::Open) else {
            return VecDeque::new();
        };
        self.deps.held.give_back(waiting.bytes);
        self.deps.held.show(&self.deps.metrics);
        waiting.events
    }

    /// Holds again what was released and could not be judged, in the same order.
    pub(super) fn hold_rest(&mut self, slot: &mut Slot, rest: VecDeque<Event>) {
        for event in rest {
            match slot.phase {
                Phase::Waiting(_) => self.hold(slot, event),
                // An overflow on the way opened it.
                _ => self.arrive(slot, event),
            }
        }
    }

    /// Drops what is held of an account that waits for long, if others need the room. Its row says
    /// already that the repository has to be fetched.
    pub(super) fn make_room(&mut self, slot: &mut Slot) {
        if self.deps.held.is_short() {
            self.overflow(slot, None);
        }
    }

    /// No room: what is held of this account goes, and `event` with it.
    fn overflow(&mut self, slot: &mut Slot, event: Option<Event>) {
        self.deps.metrics.held_overflows.inc();
        let Phase::Waiting(waiting) = &mut slot.phase else { return };
        let bytes = std::mem::take(&mut waiting.bytes);
        let mut dropped = std::mem::take(&mut waiting.events);
        dropped.extend(event);
        self.deps.held.give_back(bytes);
        self.deps.held.show(&self.deps.metrics);
        tracing::warn!(
            did = %slot.did,
            events = dropped.len(),
            "too much waits for this account; its repository will be fetched instead"
        );
        let tickets = dropped.into_iter().filter_map(|event| event.ticket).collect();
        if let Phase::Waiting(Waiting { wait: Wait::Repo { lossy, .. }, .. }) = &mut slot.phase {
            *lossy = true;
            self.settle(slot, tickets);
        } else {
            slot.phase = Phase::Open;
            slot.marked = None;
            self.desynchronize(slot, "held_overflow", tickets);
        }
    }
}
