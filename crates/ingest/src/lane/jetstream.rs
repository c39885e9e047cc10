//! What a Jetstream tells: operations without proofs.
//!
//! Revisions decide. What is above the known revision is taken, marked unverified; what is not is
//! known. Since nothing shows where a commit ends, an operation of the known revision may still be new:
//! it becomes a part of the repository, "under this key there is this record".
//!
//! Where a relay or PDS tells of the same account, it is left to that: see `ahead.rs`.

use bytes::Bytes;
use millrace_atproto::Tid;
use millrace_atproto::entry::{EntryBody, EntryOp, SnapshotRecord};
use millrace_atproto::frame::{AccountFrame, OPS_MAX, SyncFrame};
use millrace_atproto::jetstream::{self, Body, Commit};

use super::commit::UNVERIFIED;
use super::events::MustWait;
use super::slot::Slot;
use super::verify::{Accepted, How, limits};
use super::{Event, Lane, message};
use crate::append::{Change, Item};
use crate::model::SyncState;
use crate::source::Wire;

/// The greatest character that no key of a repository has.
const AFTER_EVERY_KEY: char = '\u{7f}';

impl Lane {
    /// An event in one message; a commit with all of its operations gathered so far.
    pub(super) fn jetstream(
        &mut self,
        slot: &mut Slot,
        event: Event,
        wire: Wire,
        first: &Bytes,
        more: &[Bytes],
    ) -> MustWait {
        let told = match message::read(wire, first) {
            Ok(jetstream::Message::Event(told)) => told,
            Ok(_) => {
                self.skip(slot, event, "no_account");
                return None;
            }
            Err(error) => {
                self.reject(slot, event, "malformed", &error.to_string());
                return None;
            }
        };
        let seq = event.seq;
        match told.body {
            Body::Commit(commit) => self.told_commit(slot, event, wire, &commit, more),
            Body::Identity => self.identity_hint(slot, event, None),
            Body::Account(account) => {
                let (active, status) = (account.active, account.status.as_deref());
                let frame =
                    AccountFrame { seq, did: &told.did, active, status, time: &account.time };
                self.account_status(slot, event, &frame)
            }
            Body::Sync(sync) => {
                let Some(rev) = sync.rev.as_deref().filter(|_| !sync.blocks.is_empty()) else {
                    self.told_of_state(slot, event, sync.rev.as_deref());
                    return None;
                };
                // It holds the signed commit: it is as good as from anywhere.
                let (did, blocks) = (&*told.did, sync.blocks.as_slice());
                let frame = SyncFrame { seq, did, rev, blocks, time: &sync.time };
                self.sync(slot, event, &frame)
            }
        }
    }

    fn told_commit(
        &mut self,
        slot: &mut Slot,
        mut event: Event,
        wire: Wire,
        first: &Commit<'_>,
        more: &[Bytes],
    ) -> MustWait {
        if !slot.active() && !self.came_back(slot, &mut event) {
            return self.of_inactive(slot, event, &first.rev);
        }
        if slot.sync_state() == Some(SyncState::Desynchronized) {
            self.of_desynchronized(slot, event);
            return None;
        }
        let rev = match Tid::parse(&first.rev) {
            Ok(rev) => rev,
            Err(error) => {
                self.reject(slot, event, "rev", &error.to_string());
                return None;
            }
        };
        if rev.time_us() > event.received_us.saturating_add(limits().future_rev_us) {
            self.reject(slot, event, "future_rev", &first.rev);
            return None;
        }
        match slot.rev() {
            Some(known) if rev < known => self.told_late(slot, event, rev),
            Some(known) if rev == known => self.told_more(slot, event, wire, first, more),
            _ => self.told_new(slot, event, rev, wire, first, more),
        }
        None
    }

    /// A revision below the known one: seen before, or passed over on the way.
    fn told_late(&mut self, slot: &mut Slot, event: Event, rev: Tid) {
        let passed_over = slot.chain().is_none()
            && !event.again
            && slot.told.as_ref().is_some_and(|told| !told.knows(rev));
        if passed_over {
            self.desynchronize(slot, "out_of_order", event.ticket.into_iter().collect());
        } else {
            self.skip(slot, event, "stale");
        }
    }

    /// A revision that is not known yet.
    fn told_new(
        &mut self,
        slot: &mut Slot,
        event: Event,
        rev: Tid,
        wire: Wire,
        first: &Commit<'_>,
        more: &[Bytes],
    ) {
        let Some(event) = self.left_to_another(slot, event, rev) else { return };
        // What was whole may lack what the source lost since.
        let lost = slot.account.as_ref().is_some_and(|account| {
            let since = event.source.gap_us().unwrap_or(i64::MIN);
            account.sync_state == SyncState::Complete && account.updated_us < since
        });
        if lost {
            self.desynchronize(slot, "gap", event.ticket.into_iter().collect());
            return;
        }
        let (mut ops, changes) = self.ops(&event, wire, first, more);
        let told = slot.told.get_or_insert_default();
        told.begin(rev);
        ops.retain(|op| told.is_new(op));
        let accepted = Accepted { rev, data: None, ops, invalid_records: changes.len() };
        self.accept(slot, event, accepted, How::Unverified, changes);
    }

    /// The known revision: what is new of it comes late.
    fn told_more(
        &mut self,
        slot: &mut Slot,
        event: Event,
        wire: Wire,
        first: &Commit<'_>,
        more: &[Bytes],
    ) {
        let told = slot.told.as_mut().filter(|told| {
            slot.account
                .as_ref()
                .is_some_and(|account| account.rev.is_some_and(|rev| told.is_last(rev)))
        });
        let forgotten = told.is_none();
        // Where the tree is known the commit was whole. What was told before this run is durable up to
        // where the run began.
        if slot.chain().is_some() || (forgotten && event.again) {
            self.skip(slot, event, "stale");
            return;
        }
        let (mut ops, changes) = self.ops(&event, wire, first, more);
        let mut total = ops.len();
        if let (Some(told), false) = (slot.told.as_mut(), forgotten) {
            ops.retain(|op| told.is_new(op));
            total = told.ops();
        }
        if total > OPS_MAX {
            // No commit has so many: it is a repository that is being told.
            self.send(slot, Item { changes, permit: event.permit, ..Item::default() });
            self.desynchronize(slot, "too_many_ops", event.ticket.into_iter().collect());
        } else {
            self.append_parts(slot, event, ops, changes);
        }
    }

    /// Operations of a revision whose commit is in the log already.
    fn append_parts(
        &mut self,
        slot: &mut Slot,
        mut event: Event,
        ops: Vec<EntryOp>,
        changes: Vec<Change>,
    ) {
        event.source.judged(event.seq);
        let skipped = if ops.is_empty() { "stale" } else { "late" };
        self.deps.metrics.skipped.with(&[&event.source.name, skipped]).inc();
        for op in ops {
            let source = format!("{}{UNVERIFIED}", event.source.name);
            let part = part_of(op);
            // One record is far below the bound of an entry.
            let Ok(entry) = self.entry(slot, source, Some(event.seq), event.received_us, part)
            else {
                continue;
            };
            self.send(slot, Item { entry: Some(entry), ..Item::default() });
        }
        let tickets = event.ticket.take().into_iter().collect();
        self.send(slot, Item { tickets, changes, permit: event.permit, ..Item::default() });
    }

    /// The operations that can be accepted, and what became of the others.
    fn ops(
        &mut self,
        event: &Event,
        wire: Wire,
        first: &Commit<'_>,
        more: &[Bytes],
    ) -> (Vec<EntryOp>, Vec<Change>) {
        let (mut ops, mut changes) = (Vec::with_capacity(1 + more.len()), Vec::new());
        let mut take = |commit: &Commit<'_>| match commit.op(limits().record_bytes_max) {
            Ok(op) => ops.push(op),
            Err(fault) => changes.push(self.rejected(event, fault.reason(), &fault.to_string())),
        };
        take(first);
        for bytes in more {
            // All were read before they were gathered.
            if let Ok(jetstream::Message::Event(told)) = message::read(wire, bytes)
                && let Body::Commit(commit) = told.body
            {
                take(&commit);
            }
        }
        (ops, changes)
    }

    /// A state of the repository without the commit that proves it.
    fn told_of_state(&mut self, slot: &mut Slot, event: Event, rev: Option<&str>) {
        if !slot.active() {
            self.skip(slot, event, "account_inactive");
            return;
        }
        if slot.sync_state() == Some(SyncState::Desynchronized) {
            self.of_desynchronized(slot, event);
            return;
        }
        let rev = rev.and_then(|rev| Tid::parse(rev).ok());
        match slot.rev() {
            Some(known) if rev.is_none_or(|rev| rev > known) => {
                event.source.judged(event.seq);
                self.desynchronize(slot, "sync_event", event.ticket.into_iter().collect());
            }
            _ => self.skip(slot, event, "in_sync"),
        }
    }
}

/// "Under this key there is this record", or none.
fn part_of(op: EntryOp) -> EntryBody {
    let path = format!("{}/{}", op.collection, op.rkey);
    let record = op.cid.zip(op.record);
    EntryBody::Snapshot {
        after: just_before(&path),
        through: Some(path.clone()),
        records: record
            .map(|(cid, record)| SnapshotRecord { path, cid, record })
            .into_iter()
            .collect(),
        last: false,
    }
}

/// A text below a key and above every key below it.
fn just_before(path: &str) -> Option<String> {
    let (last, text) = path
        .as_bytes()
        .split_last()
        .map(|(last, _)| (*last, path.get(..path.len() - 1).unwrap_or_default()))?;
    let before = char::from(last.checked_sub(1)?);
    Some(format!("{text}{before}{AFTER_EVERY_KEY}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_covers_one_key_and_no_other() {
        let path = "app.bsky.feed.like/3jzfcijpj2z2b";
        let after = just_before(path).expect("a bound");
        let holds = |key: &str| key > after.as_str() && key <= path;
        assert!(holds(path));
        for other in [
            "app.bsky.feed.like/3jzfcijpj2z2a",
            "app.bsky.feed.like/3jzfcijpj2z2a~~~~",
            "app.bsky.feed.like/3jzfcijpj2z2azzz",
            "app.bsky.feed.like/3jzfcijpj2z2",
            "app.bsky.feed.like/3jzfcijpj2z2b.",
            "app.bsky.feed.like/3jzfcijpj2z2c",
            "app.bsky.feed.post/3jzfcijpj2z2b",
            "a.b.c/d",
        ] {
            assert!(!holds(other), "{other}");
        }
    }
}
