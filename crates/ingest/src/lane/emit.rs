//! How a lane hands on what it decided. Everything an account's events lead to leaves through here,
//! in order.

use bytes::Bytes;
use millrace_atproto::Did;
use millrace_atproto::entry::{Entry, EntryBody, EntryError, EntryHeader};
use millrace_runtime::telemetry::journey;

use super::commit::ms_to_us;
use super::slot::Slot;
use super::{Event, Lane};
use crate::append::{Change, Item};
use crate::model::{AccountState, SyncState};
use crate::progress::Ticket;
use crate::tables::rejects::Rejected;

/// Bytes of a rejection's description that are kept.
const DETAIL_BYTES_MAX: usize = 500;

impl Lane {
    /// Hands on an item of this account.
    pub(super) fn send(&mut self, slot: &Slot, mut item: Item) {
        item.pin = Some(std::sync::Arc::clone(&slot.pin));
        if self.deps.items.blocking_send(item).is_err() {
            self.closed = true;
        }
    }

    /// Events that need nothing more than to be passed by the cursor.
    pub(super) fn settle(&mut self, slot: &Slot, tickets: Vec<Ticket>) {
        if !tickets.is_empty() {
            self.send(slot, Item { tickets, ..Item::default() });
        }
    }

    /// An event that leads to nothing.
    pub(super) fn skip(&mut self, slot: &Slot, event: Event, reason: &'static str) {
        self.deps.metrics.skipped.with(&[&event.source.name, reason]).inc();
        event.source.judged(event.seq);
        self.send(
            slot,
            Item {
                tickets: event.ticket.into_iter().collect(),
                permit: event.permit,
                ..Item::default()
            },
        );
    }

    /// An event that is not accepted: counted, and kept for an operator to look at.
    pub(super) fn reject(&mut self, slot: &Slot, event: Event, reason: &'static str, detail: &str) {
        let change = self.rejected(&event, reason, detail);
        self.send(
            slot,
            Item {
                tickets: event.ticket.into_iter().collect(),
                changes: vec![change],
                permit: event.permit,
                ..Item::default()
            },
        );
    }

    /// Counts a rejection.
    pub(super) fn rejected(&self, event: &Event, reason: &'static str, detail: &str) -> Change {
        self.deps.metrics.rejected.with(&[&event.source.name, reason]).inc();
        event.source.rejected(reason);
        event.source.judged(event.seq);
        Change::Rejected(Box::new(Rejected {
            source: event.source.name.clone(),
            seq: Some(event.seq),
            did: Some(event.did.clone()),
            reason,
            detail: shortened(detail, DETAIL_BYTES_MAX).to_owned(),
            sample: event.message.sample(self.deps.config.rejected_sample_bytes_max),
            bytes: event.message.bytes(),
            seen_us: event.received_us,
        }))
    }

    /// The account's repository has to be fetched: says so, and settles the events that showed it.
    pub(super) fn desynchronize(
        &mut self,
        slot: &mut Slot,
        reason: &'static str,
        tickets: Vec<Ticket>,
    ) {
        self.deps.metrics.desynchronized.with(&[reason]).inc();
        let now_us = self.deps.clock.now_us();
        let changes = self.first_sight(slot);
        slot.marked = None;
        // Whatever others told of: the repository will have it.
        slot.ahead = None;
        // Whoever makes an account look desynchronized again and again must not make us fetch its
        // repository as often.
        let pause_us = ms_to_us(self.deps.config.resync.backoff_first_ms);
        let due_us =
            slot.fetched_us.map_or(now_us, |last_us| now_us.max(last_us.saturating_add(pause_us)));
        let followed = self.is_followed(slot);
        let account = slot.account(now_us);
        account.sync_state = SyncState::Desynchronized;
        account.error = Some(reason.to_owned());
        account.next_try_us = (account.active && followed).then_some(due_us);
        account.updated_us = now_us;
        let account = self.row(slot);
        self.send(slot, Item { account, tickets, changes, ..Item::default() });
    }

    /// Saves the account's row, and settles events with it.
    pub(super) fn save(&mut self, slot: &Slot, tickets: Vec<Ticket>) {
        let account = self.row(slot);
        self.send(slot, Item { account, tickets, ..Item::default() });
    }

    /// The account's row as it must be stored now.
    pub(super) fn row(&self, slot: &Slot) -> Option<AccountState> {
        let mut row = slot.account.clone()?;
        if let Some(state) = slot.marked {
            let now_us = self.deps.clock.now_us();
            row.sync_state = state;
            // Due at once after a crash while it was being fetched. While a key is waited for, not so
            // soon: the scheduler would only be sent away.
            row.next_try_us = Some(match state {
                SyncState::InProgress => now_us,
                _ => now_us.saturating_add(ms_to_us(self.deps.config.identity.backoff_max_ms)),
            });
        }
        Some(row)
    }

    /// Events are held that the cursor is to pass: the row says that the repository must be fetched,
    /// until they are judged.
    pub(super) fn mark(
        &mut self,
        slot: &mut Slot,
        state: SyncState,
        error: Option<String>,
        tickets: Vec<Ticket>,
    ) {
        let now_us = self.deps.clock.now_us();
        let changes = self.first_sight(slot);
        let account = slot.account(now_us);
        account.updated_us = now_us;
        account.error = error.or_else(|| account.error.take());
        slot.marked = Some(state);
        let account = self.row(slot);
        self.send(slot, Item { account, tickets, changes, ..Item::default() });
    }

    /// Everything held was judged: the row tells the truth again.
    pub(super) fn unmark(&mut self, slot: &mut Slot) {
        if slot.marked.take().is_some() {
            self.save(slot, Vec::new());
        }
    }

    /// An entry about this account, encoded.
    pub(super) fn entry(
        &self,
        slot: &Slot,
        source: String,
        source_seq: Option<i64>,
        time_us: i64,
        body: EntryBody,
    ) -> Result<(Did, Bytes), EntryError> {
        let mut trace = [0; 16];
        self.deps.rng.fill(&mut trace);
        let rev = slot.account.as_ref().and_then(|account| account.rev);
        let header = EntryHeader {
            kind: body.kind(),
            source,
            source_seq,
            did: slot.did.clone(),
            rev,
            time_us,
            trace,
        };
        let entry = Bytes::from(Entry { header, body }.encode()?);
        journey::root("ingest", trace, time_us, &[]);
        if let Some(verifying) = self.verifying {
            verifying.end("ingest.verify", [trace], &[]);
        }
        Ok((slot.did.clone(), entry))
    }
}

/// The beginning of a text, at most so many bytes.
fn shortened(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}
