//! `#commit` and `#sync`: the way most events take.

use millrace_atproto::Tid;
use millrace_atproto::crypto::PublicKey;
use millrace_atproto::entry::EntryBody;
use millrace_atproto::frame::{CommitFrame, SyncFrame};
use millrace_atproto::sync::{SyncVerdict, verify_sync};
use millrace_runtime::telemetry::journey;

use super::events::MustWait;
use super::slot::{Slot, Wait};
use super::verify::{self, Accepted, How, Kind, Refusal};
use super::{Event, Lane, StatusAnswer};
use crate::append::{Change, Item};
use crate::labelers;
use crate::model::SyncState;
use crate::progress::Ticket;

/// Appended to the source's name in entries whose commit was not verified. How far the source is
/// visible is told under its plain name, by marks.
pub const UNVERIFIED: &str = "+unverified";

impl Lane {
    pub(super) fn commit(
        &mut self,
        slot: &mut Slot,
        mut event: Event,
        frame: &CommitFrame<'_>,
    ) -> MustWait {
        if !slot.active() && !self.came_back(slot, &mut event) {
            return self.of_inactive(slot, event, frame.rev);
        }
        if slot.sync_state() == Some(SyncState::Desynchronized) {
            self.of_desynchronized(slot, event);
            return None;
        }
        let how = verify::how(&self.deps.config, &self.deps.rng);
        let verdict = match how {
            How::Unverified => verify::chain_only(frame, slot.chain().as_ref(), event.received_us),
            How::Full => match self.key(slot) {
                Key::Known(key) => {
                    self.verifying = journey::begin();
                    let watch = millrace_runtime::clock::Stopwatch::start();
                    let verdict =
                        verify::full(frame, &key, slot.chain().as_ref(), event.received_us);
                    self.deps.metrics.verify_seconds.observe_duration(watch.elapsed());
                    verdict
                }
                Key::Missing => Err(Refusal::no_key()),
                Key::Unknown => return Some((Wait::Key, event)),
            },
        };
        match verdict {
            Ok(accepted) => self.judged(slot, event, frame, accepted, how),
            Err(refusal) if refusal.is_order() => {
                // Another source may lag behind this one.
                let rev = Tid::parse(frame.rev).unwrap_or(Tid::from_time(0, 0));
                let event = self.left_to_another(slot, event, rev)?;
                self.refuse(slot, event, &refusal)
            }
            Err(refusal) => self.refuse(slot, event, &refusal),
        }
    }

    /// A commit that is good in itself. Where the tree before it is not known, because a source without
    /// proofs moved the revision, that is all that could be checked: revisions decide about the rest.
    fn judged(
        &mut self,
        slot: &mut Slot,
        event: Event,
        frame: &CommitFrame<'_>,
        accepted: Accepted,
        how: How,
    ) -> MustWait {
        let Some(known) = slot.rev().filter(|_| slot.chain().is_none()) else {
            self.accept(slot, event, accepted, how, Vec::new());
            return None;
        };
        let since = frame.since.and_then(|since| Tid::parse(since).ok());
        if accepted.rev == known {
            self.confirm(slot, event, accepted);
        } else if accepted.rev < known && slot.told.as_ref().is_some_and(|t| t.knows(accepted.rev))
        {
            self.skip(slot, event, "stale");
        } else if accepted.rev < known {
            // Passed over by a source that sees but a part, or before this run.
            self.desynchronize(slot, "unproven_ahead", event.ticket.into_iter().collect());
        } else if since == Some(known) {
            self.accept(slot, event, accepted, how, Vec::new());
        } else {
            return self.refuse(slot, event, &Refusal::gap());
        }
        None
    }

    /// The commit that was taken without proofs comes with them: from here on the chain is whole.
    fn confirm(&mut self, slot: &mut Slot, event: Event, accepted: Accepted) {
        self.deps.metrics.skipped.with(&[&event.source.name, "confirmed"]).inc();
        event.source.judged(event.seq);
        let account = slot.account(event.received_us);
        account.data = accepted.data;
        account.updated_us = event.received_us;
        slot.teller = Some(std::sync::Arc::clone(&event.source));
        let (account, tickets) = (self.row(slot), event.ticket.into_iter().collect());
        self.send(slot, Item { account, tickets, permit: event.permit, ..Item::default() });
    }

    pub(super) fn sync(
        &mut self,
        slot: &mut Slot,
        event: Event,
        frame: &SyncFrame<'_>,
    ) -> MustWait {
        if !slot.active() {
            self.skip(slot, event, "account_inactive");
            return None;
        }
        if slot.sync_state() == Some(SyncState::Desynchronized) {
            self.of_desynchronized(slot, event);
            return None;
        }
        let key = match self.key(slot) {
            Key::Known(key) => key,
            Key::Missing => return self.refuse(slot, event, &Refusal::no_key()),
            Key::Unknown => return Some((Wait::Key, event)),
        };
        let chain = slot.chain();
        match verify_sync(frame, &key, chain.as_ref(), event.received_us, &verify::limits()) {
            Ok(SyncVerdict::InSync) => self.skip(slot, event, "in_sync"),
            // Its last commit came without proofs; this one is older, or the same.
            Ok(SyncVerdict::Diverged(state))
                if chain.is_none() && slot.rev().is_some_and(|known| state.rev <= known) =>
            {
                self.skip(slot, event, "in_sync");
            }
            Ok(SyncVerdict::Diverged(_)) if slot.rev().is_some() => {
                event.source.judged(event.seq);
                self.desynchronize(slot, "sync_event", event.ticket.into_iter().collect());
            }
            // A stranger's state: its chain starts here, and nothing is fetched.
            Ok(SyncVerdict::Diverged(state)) => {
                event.source.judged(event.seq);
                let changes = self.first_sight(slot);
                let account = slot.account(event.received_us);
                account.rev = Some(state.rev);
                account.data = Some(state.data);
                account.updated_us = event.received_us;
                let account = self.row(slot);
                let tickets = event.ticket.into_iter().collect();
                self.send(
                    slot,
                    Item { account, tickets, changes, permit: event.permit, ..Item::default() },
                );
            }
            Err(reject) => return self.refuse(slot, event, &Refusal::from(reject)),
        }
        None
    }

    /// A commit is taken, with what else is to be saved.
    pub(super) fn accept(
        &mut self,
        slot: &mut Slot,
        event: Event,
        accepted: Accepted,
        how: How,
        more: Vec<Change>,
    ) {
        let now_us = self.deps.clock.now_us();
        let mut changes = self.first_sight(slot);
        changes.extend(more);
        let pds = slot.keys.identity.as_ref().and_then(|identity| identity.pds.clone());
        let account = slot.account(now_us);
        account.rev = Some(accepted.rev);
        account.data = accepted.data;
        account.pds = pds.or_else(|| account.pds.take());
        account.updated_us = now_us;
        if account.next_try_us.is_none() {
            account.error = None;
        }
        if !event.source.kind.is_jetstream() {
            slot.teller = Some(std::sync::Arc::clone(&event.source));
        }
        self.caught_up(slot);
        let source = match how {
            How::Full => event.source.name.clone(),
            How::Unverified => format!("{}{UNVERIFIED}", event.source.name),
        };
        // Of a commit whose tree is not known nothing may be left after what was refused.
        let empty = accepted.ops.is_empty() && accepted.data.is_none();
        let declared = labelers::declared_by(&accepted.ops);
        changes.extend(declared.map(|is| Change::LabelerDeclared(slot.did.clone(), is)));
        let body = EntryBody::Commit { ops: accepted.ops };
        let entry = match self.entry(slot, source, Some(event.seq), event.received_us, body) {
            Ok(entry) => entry,
            Err(error) => {
                // Its records fit into a repository but not into one entry: they come in chunks.
                changes.push(self.rejected(&event, "entry_too_large", &error.to_string()));
                self.send(slot, Item { changes, permit: event.permit, ..Item::default() });
                self.desynchronize(slot, "entry_too_large", event.ticket.into_iter().collect());
                return;
            }
        };
        event.source.judged(event.seq);
        match how {
            How::Full => self.deps.metrics.verified_fully.inc(),
            How::Unverified => self.deps.metrics.verified_not.inc(),
        }
        self.deps.metrics.invalid_records.add(accepted.invalid_records as u64);
        let account = self.row(slot);
        self.send(
            slot,
            Item {
                entry: Some(entry).filter(|_| !empty),
                entry_of: event.ticket.as_ref().filter(|_| how == How::Full).map(Ticket::position),
                tickets: event.ticket.into_iter().collect(),
                account,
                changes,
                permit: event.permit,
                ..Item::default()
            },
        );
    }

    fn refuse(&mut self, slot: &mut Slot, mut event: Event, refusal: &Refusal) -> MustWait {
        match refusal.kind {
            Kind::Stale => self.skip(slot, event, refusal.reason),
            Kind::Signature if !event.retried && self.may_refresh(slot) => {
                event.retried = true;
                slot.keys.refreshed_us = Some(self.deps.clock.now_us());
                slot.keys.stale = true;
                return Some((Wait::Key, event));
            }
            Kind::Desync => {
                let change = self.rejected(&event, refusal.reason, &refusal.detail);
                self.send(
                    slot,
                    Item { changes: vec![change], permit: event.permit, ..Item::default() },
                );
                self.desynchronize(slot, refusal.reason, event.ticket.into_iter().collect());
            }
            Kind::Signature | Kind::Invalid => {
                self.reject(slot, event, refusal.reason, &refusal.detail)
            }
        }
        None
    }

    /// Whether a bad signature may be answered by another look at the DID document.
    fn may_refresh(&self, slot: &Slot) -> bool {
        let pause_us = ms_to_us(self.deps.config.identity.refresh_min_ms);
        let now_us = self.deps.clock.now_us();
        slot.keys.refreshed_us.is_none_or(|last_us| now_us.saturating_sub(last_us) >= pause_us)
    }

    /// The account's signing key, if it is known and fresh.
    fn key(&self, slot: &Slot) -> Key {
        let keys = &slot.keys;
        let age_us = self.deps.clock.now_us().saturating_sub(keys.fetched_us);
        match &keys.identity {
            Some(identity)
                if !keys.stale && age_us < ms_to_us(self.deps.config.identity.key_ttl_ms) =>
            {
                identity.signing_key.map_or(Key::Missing, Key::Known)
            }
            _ => Key::Unknown,
        }
    }

    /// What an account seen for the first time leads to.
    pub(super) fn first_sight(&mut self, slot: &mut Slot) -> Vec<Change> {
        if slot.account.is_some() {
            return Vec::new();
        }
        let now_us = self.deps.clock.now_us();
        slot.account(now_us).next_try_us = self.is_wanted_whole(slot).then_some(now_us);
        vec![Change::IdentityWanted(slot.did.clone(), now_us)]
    }

    /// Whether what was written before it was seen is to be fetched.
    pub(super) fn is_wanted_whole(&self, slot: &Slot) -> bool {
        let config = &self.deps.config.backfill;
        let wanted = config.is_all() || self.deps.wanted.contains(slot.did.as_str());
        wanted && self.is_followed(slot)
    }

    /// An event of an account whose repository has to be fetched: the repository will contain it.
    pub(super) fn of_desynchronized(&mut self, slot: &mut Slot, event: Event) {
        let now_us = self.deps.clock.now_us();
        let account = slot.account(now_us);
        if account.next_try_us.is_none() {
            account.next_try_us = Some(now_us);
            self.save(slot, Vec::new());
        }
        self.skip(slot, event, "desynchronized");
    }

    /// A commit of an inactive account: either late, or the account is active again and we have not
    /// heard. Its host is asked, but not often.
    pub(super) fn of_inactive(&mut self, slot: &mut Slot, event: Event, rev: &str) -> MustWait {
        let pause_us = ms_to_us(self.deps.config.identity.status_check_min_ms);
        let now_us = self.deps.clock.now_us();
        let ask =
            slot.status_asked_us.is_none_or(|last_us| now_us.saturating_sub(last_us) >= pause_us);
        if ask && event.told.is_none() {
            return Some((Wait::Status, event));
        }
        // Nobody may tell of it again. If the account comes back its repository is fetched.
        let new = Tid::parse(rev).is_ok_and(|rev| slot.rev().is_none_or(|known| rev > known));
        let account = slot.account(now_us);
        if new && matches!(account.sync_state, SyncState::Complete | SyncState::Partial) {
            account.sync_state = SyncState::Desynchronized;
            account.error = Some("missed_while_inactive".to_owned());
            account.next_try_us = None;
            self.save(slot, Vec::new());
        }
        self.skip(slot, event, "account_inactive");
        None
    }

    /// Whether the host said that the account is active after all.
    pub(super) fn came_back(&mut self, slot: &mut Slot, event: &mut Event) -> bool {
        let Some(StatusAnswer::Known(told)) = &event.told else { return false };
        if !told.active {
            return false;
        }
        let status = told.status.clone();
        let cause = super::account::Cause::told(event.source.name.clone());
        self.set_status(slot, true, status, None, cause);
        true
    }
}

/// What is known of a signing key.
enum Key {
    Known(PublicKey),
    /// The DID document has none.
    Missing,
    /// It must be looked up.
    Unknown,
}

pub(super) fn ms_to_us(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000)
}
