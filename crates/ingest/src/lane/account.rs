//! `#account` and `#identity`: what an account's host says of it, and a hint that its DID document
//! changed.
//!
//! A status is true *at the host that emitted it*. After a migration the old host still says
//! "deactivated"; so whoever is not the account's present PDS is not simply believed: the later event
//! wins, and where that leaves a doubt the present PDS is asked. Times of different hosts leave one too.

use std::collections::VecDeque;

use millrace_atproto::entry::EntryBody;
use millrace_atproto::frame::AccountFrame;
use millrace_atproto::{Datetime, Handle};

use super::commit::ms_to_us;
use super::events::MustWait;
use super::slot::{Slot, Wait};
use super::{Event, Lane, StatusAnswer};
use crate::append::{Change, Item};
use crate::config::SourceKind;
use crate::lookup::Ask;
use crate::model::SyncState;
use crate::progress::Ticket;
use crate::tables::scope::OUT_OF_SCOPE;

/// The status of an account that will not come back under this repository.
pub(super) const DELETED: &str = "deleted";
/// Bytes of a status that are kept; the protocol's own are shorter.
const STATUS_BYTES_MAX: usize = 64;
/// How far ahead of our clock an event's time may be before ours is used instead.
const AHEAD_MAX_US: i64 = 5 * 60 * 1_000_000;
/// By how much the clocks of two hosts may differ.
const CLOCKS_DIFFER_US: i64 = 2 * AHEAD_MAX_US;

/// What made a status change.
pub(super) struct Cause {
    source: String,
    source_seq: Option<i64>,
    ticket: Option<Ticket>,
    permit: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Cause {
    /// The account's host, directory or repository said so when it was asked.
    pub(super) fn told(source: String) -> Self {
        Self { source, source_seq: None, ticket: None, permit: None }
    }

    fn event(event: Event) -> Self {
        Self {
            source: event.source.name.clone(),
            source_seq: Some(event.seq),
            ticket: event.ticket,
            permit: event.permit,
        }
    }
}

impl Lane {
    pub(super) fn account_status(
        &mut self,
        slot: &mut Slot,
        mut event: Event,
        frame: &AccountFrame<'_>,
    ) -> MustWait {
        let time_us = event_time_us(frame.time, event.time_us, event.received_us);
        let known_us = slot.account.as_ref().and_then(|account| account.status_us);
        let older_us = known_us.map_or(0, |known_us| known_us.saturating_sub(time_us));
        // Two hosts' clocks may disagree about which of their words came first.
        let unclear = (1..=CLOCKS_DIFFER_US).contains(&older_us) && frame.active != slot.active();
        if older_us > 0 && !unclear {
            self.skip(slot, event, "account_stale");
            return None;
        }
        let said = (frame.active, frame.status.map(kept_status));
        let settled = match event.told.take() {
            None if unclear || self.in_doubt(slot, &event, frame) => {
                return Some((Wait::Status, event));
            }
            None => Some(said),
            Some(StatusAnswer::Unreachable) if unclear => None,
            Some(answer) => settle(said, event.source.kind, &answer),
        };
        let Some((active, status)) = settled else {
            self.log_status(slot, &event);
            self.reject(
                slot,
                event,
                "account_not_authoritative",
                "the account's present host does not say so",
            );
            return None;
        };
        event.source.judged(event.seq);
        self.set_status(slot, active, status, Some(time_us), Cause::event(event));
        None
    }

    /// The log has the status of the row, where it may have a word that is not believed now.
    fn log_status(&mut self, slot: &mut Slot, event: &Event) {
        if slot.status_logged {
            return;
        }
        let Some((active, status)) =
            slot.account.as_ref().map(|account| (account.active, account.status.clone()))
        else {
            return;
        };
        let cause = Cause::told(event.source.name.clone());
        self.set_status(slot, active, status, None, cause);
    }

    /// Whether the account's present host must be asked before this is believed.
    fn in_doubt(&self, slot: &Slot, event: &Event, frame: &AccountFrame<'_>) -> bool {
        match event.source.kind {
            // A PDS speaks for the accounts it hosts.
            SourceKind::Pds => {
                slot.keys.identity.as_ref().filter(|_| !slot.keys.stale).is_none_or(|identity| {
                    identity.pds.as_deref() != Some(event.source.endpoint().origin())
                })
            }
            // Who passes on what hosts say may pass on an old host's word; that an account is back, too.
            _ if frame.active => !slot.active(),
            // A relay's own decisions are its own.
            SourceKind::Relay | SourceKind::JetstreamV1 | SourceKind::JetstreamV2 => {
                !matches!(frame.status, Some("takendown" | "suspended"))
            }
        }
    }

    /// The account's host is another than before: what that says of it counts from now on, and what
    /// happened in between may not have come through.
    pub(super) fn moved(&mut self, slot: &mut Slot, pds: Option<&String>) {
        let (Some(account), Some(pds)) = (slot.account.as_mut(), pds) else { return };
        let before = account.pds.replace(pds.clone());
        if before.is_none_or(|before| before == *pds) || account.sync_state == SyncState::Gone {
            return;
        }
        slot.moved = true;
        self.save(slot, Vec::new());
        self.ask(Ask::Status { did: slot.did.clone() });
    }

    /// The new host of an account answered.
    pub(super) fn at_new_host(&mut self, slot: &mut Slot, answer: &StatusAnswer) {
        slot.moved = false;
        let StatusAnswer::Known(told) = answer else { return };
        let now_us = self.deps.clock.now_us();
        let status = told.status.as_deref().map(kept_status);
        let followed = self.is_followed(slot);
        let logged = slot.status_logged;
        let account = slot.account(now_us);
        if account.active != told.active
            || (account.status_us.is_some() && (account.status != status || !logged))
        {
            let cause = Cause::told("getRepoStatus".to_owned());
            self.set_status(slot, told.active, status, None, cause);
        }
        let known = slot.rev();
        let account = slot.account(now_us);
        if followed && told.active && told.rev > known && account.next_try_us.is_none() {
            account.next_try_us = Some(now_us);
            account.error = Some("moved to another host".to_owned());
            self.save(slot, Vec::new());
        }
    }

    /// The account has this status from now on: an entry says so, unless nothing changed.
    /// `status_us` is the announcement's own time; what we were told when we asked has none, so that
    /// every later announcement counts, whatever its host's clock.
    pub(super) fn set_status(
        &mut self,
        slot: &mut Slot,
        active: bool,
        status: Option<String>,
        status_us: Option<i64>,
        cause: Cause,
    ) {
        let mut changes = self.first_sight(slot);
        let now_us = self.deps.clock.now_us();
        let (followed, wanted) = (self.is_followed(slot), self.is_wanted_whole(slot));
        let logged = std::mem::replace(&mut slot.status_logged, true);
        let account = slot.account(now_us);
        let unchanged = logged && account.active == active && account.status == status;
        let was_active = account.active;
        account.active = active;
        account.status = status.clone();
        account.status_us = account.status_us.max(status_us);
        account.updated_us = now_us;
        let mut dropped = VecDeque::new();
        if !active && status.as_deref() == Some(DELETED) {
            account.sync_state = SyncState::Gone;
            account.rev = None;
            account.data = None;
            account.next_try_us = None;
            account.attempts = 0;
            account.error = None;
            slot.marked = None;
            dropped = self.release(slot);
        } else if active && !was_active {
            match account.sync_state {
                SyncState::Gone if !followed => {
                    account.sync_state = SyncState::Partial;
                    account.error = Some(OUT_OF_SCOPE.to_owned());
                }
                // What was purged has to be fetched again.
                SyncState::Gone => {
                    account.sync_state = SyncState::Desynchronized;
                    account.error = Some("reactivated".to_owned());
                    account.next_try_us = Some(now_us);
                }
                SyncState::Desynchronized if followed => account.next_try_us = Some(now_us),
                // It was away when it was to be fetched.
                SyncState::Partial if wanted => account.next_try_us = Some(now_us),
                SyncState::Desynchronized
                | SyncState::Complete
                | SyncState::Partial
                | SyncState::InProgress => {}
            }
            changes.push(Change::IdentityWanted(slot.did.clone(), now_us));
        }
        let entry = (!unchanged)
            .then(|| {
                let body = EntryBody::Account { active, status };
                // Not when it was received: what is decided later counts, and repeats wait for answers.
                self.entry(slot, cause.source, cause.source_seq, now_us, body).ok()
            })
            .flatten();
        millrace_runtime::crash::point("ingest.account.judged");
        let account = self.row(slot);
        let mut tickets: Vec<Ticket> = cause.ticket.into_iter().collect();
        let entry_of = tickets.first().filter(|_| entry.is_some()).map(Ticket::position);
        tickets.extend(dropped.into_iter().filter_map(|event| event.ticket));
        self.send(
            slot,
            Item {
                entry,
                entry_of,
                tickets,
                account,
                changes,
                permit: cause.permit,
                ..Item::default()
            },
        );
    }

    /// The DID document may have changed: what is known of it is forgotten, and it is looked at.
    pub(super) fn identity_hint(
        &mut self,
        slot: &mut Slot,
        event: Event,
        handle: Option<&str>,
    ) -> MustWait {
        slot.keys.stale = true;
        let now_us = self.deps.clock.now_us();
        // A look that is still to come serves this hint too; hints may come without end.
        if slot.keys.look_us <= now_us {
            let pause_us = ms_to_us(self.deps.config.identity.refresh_pause_ms);
            slot.keys.look_us = now_us.max(slot.keys.look_us.saturating_add(pause_us));
        }
        let _first = self.first_sight(slot);
        event.source.judged(event.seq);
        let account = self.row(slot);
        let mut changes = vec![Change::IdentityDoubted(slot.did.clone(), slot.keys.look_us)];
        // Whoever has it here may have lost it, also to somebody who is gone before they are looked at.
        if let Some(handle) = handle.and_then(|handle| Handle::parse(handle).ok()) {
            changes.push(Change::HandleSaid(slot.did.clone(), handle, slot.keys.look_us));
        }
        self.send(
            slot,
            Item {
                tickets: event.ticket.into_iter().collect(),
                account,
                changes,
                permit: event.permit,
                ..Item::default()
            },
        );
        None
    }
}

/// What is believed, given what was said and what the account's present host answered; `None` if
/// nothing of it.
fn settle(
    said: (bool, Option<String>),
    source: SourceKind,
    answer: &StatusAnswer,
) -> Option<(bool, Option<String>)> {
    match answer {
        StatusAnswer::Known(told) => Some((told.active, told.status.as_deref().map(kept_status))),
        StatusAnswer::Tombstoned => Some((false, Some(DELETED.to_owned()))),
        // Its present host does not know it (any more): that agrees with every inactive status.
        StatusAnswer::NotFound => (!said.0).then_some(said),
        // Nobody to ask: a relay heard it from somebody, another PDS has no say.
        StatusAnswer::Unreachable => (source != SourceKind::Pds).then_some(said),
    }
}

fn kept_status(status: &str) -> String {
    status.get(..status.floor_char_boundary(STATUS_BYTES_MAX)).unwrap_or(status).replace('\0', "")
}

/// When the event happened, by the clock of its host, else of its source, else ours.
fn event_time_us(time: &str, source_us: Option<i64>, received_us: i64) -> i64 {
    let host_us = Datetime::parse(time).ok().and_then(|time| time.epoch_us());
    [host_us, source_us]
        .into_iter()
        .flatten()
        .find(|time_us| *time_us <= received_us.saturating_add(AHEAD_MAX_US))
        .unwrap_or(received_us)
}

#[cfg(test)]
mod tests {
    use millrace_atproto::Did;
    use millrace_net::pds::RepoStatus;

    use super::*;

    fn told(active: bool, status: Option<&str>) -> StatusAnswer {
        let did = Did::parse("did:plc:abc").expect("a DID");
        StatusAnswer::Known(RepoStatus {
            did,
            active,
            status: status.map(str::to_owned),
            rev: None,
        })
    }

    #[test]
    fn the_present_host_has_the_last_word() {
        let said = (false, Some("deactivated".to_owned()));
        let check = |source, answer: &StatusAnswer, expected: Option<(bool, Option<&str>)>| {
            let expected = expected.map(|(active, status)| (active, status.map(str::to_owned)));
            assert_eq!(settle(said.clone(), source, answer), expected, "{source:?} {answer:?}");
        };
        for source in [SourceKind::Relay, SourceKind::Pds] {
            check(source, &told(true, None), Some((true, None)));
            check(source, &told(false, Some("takendown")), Some((false, Some("takendown"))));
            check(source, &StatusAnswer::Tombstoned, Some((false, Some("deleted"))));
            check(source, &StatusAnswer::NotFound, Some((false, Some("deactivated"))));
        }
        let down = StatusAnswer::Unreachable;
        check(SourceKind::Relay, &down, Some((false, Some("deactivated"))));
        check(SourceKind::Pds, &down, None);
        assert_eq!(settle((true, None), SourceKind::Relay, &StatusAnswer::NotFound), None);
    }

    #[test]
    fn a_time_we_cannot_believe_is_replaced_by_ours() {
        let received_us = 1_700_000_000_000_000;
        let check = |time: &str, source_us: Option<i64>, expected: i64| {
            assert_eq!(event_time_us(time, source_us, received_us), expected, "{time}");
        };
        check("2023-11-14T22:13:10.000Z", Some(7), received_us - 10_000_000);
        check("2093-11-14T22:13:10.000Z", None, received_us);
        check("2093-11-14T22:13:10.000Z", Some(7), 7);
        check("", Some(7), 7);
        check("yesterday", Some(i64::MAX), received_us);
    }

    #[test]
    fn a_status_is_short_and_without_nul() {
        assert_eq!(kept_status("dele\0ted"), "deleted");
        assert_eq!(kept_status(&"x".repeat(500)).len(), STATUS_BYTES_MAX);
    }
}
