//! Where an event enters: held if its account waits for something, else judged.

use std::collections::VecDeque;
use std::time::Duration;

use millrace_atproto::frame::Frame;

use super::slot::{Phase, Slot, Wait};
use super::{Event, IdentityAnswer, Lane, LaneMsg, Message};
use crate::lookup::Ask;
use crate::source::Kind;
use crate::tables::scope::OUT_OF_SCOPE;

/// An event that cannot be judged yet, and what it waits for.
pub(super) type MustWait = Option<(Wait, Event)>;

impl Lane {
    /// Reads the account's row before anything else; the message waits for it.
    pub(super) fn load_first(&mut self, slot: &mut Slot, msg: LaneMsg) -> Option<LaneMsg> {
        match &mut slot.phase {
            Phase::New => match msg {
                LaneMsg::Event(_)
                | LaneMsg::Want { .. }
                | LaneMsg::Followed { .. }
                | LaneMsg::BeginResync { .. }
                | LaneMsg::Moved { .. }
                | LaneMsg::Identity { answer: IdentityAnswer::Tombstoned, .. } => {
                    slot.phase = Phase::Loading(vec![msg]);
                    if self.deps.loads.send(slot.did.clone()).is_err() {
                        self.closed = true;
                    }
                    None
                }
                // An answer to a question nobody waits for any more.
                _ => None,
            },
            Phase::Loading(waiting) => match msg {
                LaneMsg::Loaded { .. } => Some(msg),
                other => {
                    waiting.push(other);
                    None
                }
            },
            Phase::Open | Phase::Waiting(_) => Some(msg),
        }
    }

    /// An event was read.
    pub(super) fn arrive(&mut self, slot: &mut Slot, event: Event) {
        let Phase::Waiting(waiting) = &slot.phase else {
            if let Some((wait, event)) = self.judge(slot, event) {
                self.wait_on(slot, wait, event);
            }
            return;
        };
        let overtakes = match event.message.kind() {
            // A hint; it must reach the look-up that others may be waiting for.
            Kind::Identity => true,
            // While a repository is fetched the account may end.
            Kind::Account => matches!(waiting.wait, Wait::Repo { .. }),
            _ => false,
        };
        if !overtakes {
            self.hold(slot, event);
        } else if let Some((_, event)) = self.judge(slot, event) {
            self.hold(slot, event);
        }
    }

    /// Decides about one event, or says what must be known first.
    pub(super) fn judge(&mut self, slot: &mut Slot, event: Event) -> MustWait {
        if self.is_out_of_scope(slot, &event) {
            event.source.passed_over();
            self.skip(slot, event, OUT_OF_SCOPE);
            return None;
        }
        let bytes = match event.message.clone() {
            Message::Frame(bytes) => bytes,
            Message::Jetstream { wire, first, more, .. } => {
                return self.jetstream(slot, event, wire, &first, &more);
            }
        };
        match Frame::parse(&bytes) {
            Ok(Frame::Commit(frame)) => self.commit(slot, event, &frame),
            Ok(Frame::Sync(frame)) => self.sync(slot, event, &frame),
            Ok(Frame::Identity(frame)) => self.identity_hint(slot, event, frame.handle),
            Ok(Frame::Account(frame)) => self.account_status(slot, event, &frame),
            Ok(_) => {
                self.skip(slot, event, "no_account");
                None
            }
            Err(error) => {
                self.reject(slot, event, "malformed", &error.to_string());
                None
            }
        }
    }

    /// Holds the event until the answer comes, and asks.
    pub(super) fn wait_on(&mut self, slot: &mut Slot, wait: Wait, event: Event) {
        self.wait_for(slot, wait, Some(event));
        if !matches!(slot.phase, Phase::Waiting(_)) {
            // There was no room to hold it: nobody waits for an answer.
            return;
        }
        match wait {
            Wait::Key => self.ask_key(slot),
            Wait::Status => {
                slot.status_asked_us = Some(self.deps.clock.now_us());
                self.ask(Ask::Status { did: slot.did.clone() });
            }
            Wait::Repo { .. } => {}
        }
    }

    /// Asks for the identity, unless that is under way.
    pub(super) fn ask_key(&mut self, slot: &mut Slot) {
        if !slot.keys.asked {
            slot.keys.asked = true;
            let anew = std::mem::take(&mut slot.keys.stale);
            // Whoever announces changes of an identity all the time must not make us ask all the time.
            let between = Duration::from_millis(self.deps.config.identity.refresh_pause_ms);
            let age_us = self.deps.clock.now_us().saturating_sub(slot.keys.fetched_us);
            let age = Duration::from_micros(u64::try_from(age_us).unwrap_or(0));
            let pause = if anew { between.saturating_sub(age) } else { Duration::ZERO };
            self.ask(Ask::Identity { did: slot.did.clone(), anew, pause });
        }
    }

    pub(super) fn ask(&mut self, ask: Ask) {
        if self.deps.asks.send(ask).is_err() {
            self.closed = true;
        }
    }

    /// Judges what was held, until something must wait again.
    pub(super) fn drain(&mut self, slot: &mut Slot) {
        let events = self.release(slot);
        self.judge_all(slot, events);
    }

    pub(super) fn judge_all(&mut self, slot: &mut Slot, mut events: VecDeque<Event>) {
        while let Some(event) = events.pop_front() {
            if let Some((wait, event)) = self.judge(slot, event) {
                self.wait_on(slot, wait, event);
                self.hold_rest(slot, events);
                return;
            }
        }
        self.unmark(slot);
    }
}
