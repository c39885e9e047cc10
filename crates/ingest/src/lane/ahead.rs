//! Several sources tell of one account, and one of them is ahead: a Jetstream, whose word is not proven,
//! or a second firehose whose commits do not continue what is known, because the first one lags.
//!
//! The source that told of the account so far is given time to tell of that revision too; its commits
//! continue each other, and are verified. Meanwhile the fetch of the repository is planned, on disk, and
//! called off when it is not needed: whatever becomes of either source, nothing is lost, and while all
//! goes well nothing is fetched.

use std::sync::Arc;

use millrace_atproto::Tid;

use super::slot::Slot;
use super::{Event, Lane};
use crate::progress::SourceState;

/// How long a source that keeps up may take to tell of a revision that others told of.
const PATIENCE_US: i64 = 60 * 1_000_000;
/// When the repository is fetched if nobody tells of the revision.
const FETCH_AFTER_US: i64 = 2 * PATIENCE_US;

/// A revision that the account's own source has yet to tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ahead {
    rev: Tid,
    since_us: i64,
    /// The fetch of the repository was planned because of it.
    planned: bool,
}

impl Slot {
    /// The source that told of this account last, with proofs, unless it is this one or gone.
    fn other_teller(&self, source: &Arc<SourceState>) -> Option<&Arc<SourceState>> {
        self.teller.as_ref().filter(|teller| !Arc::ptr_eq(teller, source) && teller.is_live())
    }

    /// Whether its source may still tell of what others told of.
    fn may_be_told(&self, now_us: i64) -> bool {
        let since_us = self.ahead.map_or(now_us, |ahead| ahead.since_us);
        self.teller
            .as_ref()
            .is_some_and(|teller| now_us <= since_us + PATIENCE_US || teller.lags(PATIENCE_US))
    }
}

impl Lane {
    /// An event of a revision that is new, from a source that is not the account's own: `None` if it is
    /// settled by leaving the revision to that source.
    pub(super) fn left_to_another(
        &mut self,
        slot: &mut Slot,
        event: Event,
        rev: Tid,
    ) -> Option<Event> {
        let now_us = self.deps.clock.now_us();
        if slot.other_teller(&event.source).is_some() && slot.may_be_told(now_us) {
            self.plan(slot, rev, now_us);
            self.skip(slot, event, "left_to_another");
            return None;
        }
        let own = slot.teller.as_ref().is_some_and(|teller| Arc::ptr_eq(teller, &event.source));
        if !own {
            slot.teller = None;
        }
        match slot.ahead.take() {
            // What was left to the other was not told by it.
            Some(_) if !own => {
                self.desynchronize(slot, "source_silent", event.ticket.into_iter().collect());
                None
            }
            ahead => {
                slot.ahead = ahead;
                Some(event)
            }
        }
    }

    fn plan(&mut self, slot: &mut Slot, rev: Tid, now_us: i64) {
        if slot.ahead.is_some_and(|ahead| ahead.rev >= rev) {
            return;
        }
        let since_us = slot.ahead.map_or(now_us, |ahead| ahead.since_us);
        let account = slot.account(now_us);
        let free = account.next_try_us.is_none();
        if free {
            account.next_try_us = Some(now_us.saturating_add(FETCH_AFTER_US));
            account.error = Some(format!("revision {rev} was told of and did not come yet"));
        }
        let planned = free || slot.ahead.is_some_and(|ahead| ahead.planned);
        slot.ahead = Some(Ahead { rev, since_us, planned });
        if free {
            self.save(slot, Vec::new());
        }
    }

    /// The known revision moved: what was planned may not be needed any more.
    pub(super) fn caught_up(&self, slot: &mut Slot) {
        let Some(ahead) = slot.ahead else { return };
        if slot.rev().is_none_or(|known| known < ahead.rev) {
            // On its way.
            slot.ahead = Some(Ahead { since_us: self.deps.clock.now_us(), ..ahead });
            return;
        }
        slot.ahead = None;
        if let Some(account) = slot.account.as_mut().filter(|_| ahead.planned) {
            account.next_try_us = None;
            account.error = None;
        }
    }

    /// A planned fetch is due: whether the source that may make it needless is still on its way. If so
    /// the fetch is planned anew.
    pub(super) fn put_off(&mut self, slot: &mut Slot) -> bool {
        let now_us = self.deps.clock.now_us();
        let Some(ahead) = slot.ahead.filter(|ahead| ahead.planned) else { return false };
        let on_its_way =
            slot.teller.as_ref().is_some_and(|teller| teller.is_live()) && slot.may_be_told(now_us);
        if !on_its_way {
            return false;
        }
        slot.ahead = Some(ahead);
        slot.account(now_us).next_try_us = Some(now_us.saturating_add(FETCH_AFTER_US));
        self.save(slot, Vec::new());
        true
    }
}
