//! A Jetstream sends one message for each operation of a commit, and does not say which is the last.
//! Operations of one account and revision are gathered here until nothing more of them comes: another
//! event of the account, enough events of others, or a moment of silence.
//!
//! What is gathered too early loses nothing: an operation that comes late is told apart by the lane.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use millrace_atproto::Did;
use millrace_atproto::frame::OPS_MAX;
use tokio::time::Instant;

use crate::lane::Event;

/// Events of others after which a commit counts as whole.
const OTHERS_MAX: u64 = 64;
/// Time without another operation after which a commit counts as whole.
const SILENCE: Duration = Duration::from_millis(100);

/// Commits whose operations may still be coming. Their bytes are in flight, and bounded with those.
#[derive(Debug, Default)]
pub(super) struct Gather {
    open: HashMap<Did, Open>,
    /// Each operation, in the order read; of an account the last counts.
    order: VecDeque<(u64, Did)>,
    /// Events read so far.
    read: u64,
}

#[derive(Debug)]
struct Open {
    rev: String,
    event: Event,
    ops: usize,
    /// When, and as the how manieth event, its last operation was read.
    last: Instant,
    last_read: u64,
}

impl Gather {
    /// An operation was read. What is whole now comes out: the account's commit before.
    pub(super) fn operation(&mut self, rev: String, event: Event, now: Instant) -> Option<Event> {
        self.read += 1;
        self.order.push_back((self.read, event.did.clone()));
        if let Some(open) = self.open.get_mut(event.did.as_str())
            && open.rev == rev
            && open.ops < OPS_MAX
        {
            open.event.join(event);
            open.ops += 1;
            (open.last, open.last_read) = (now, self.read);
            return None;
        }
        let did = event.did.clone();
        let open = Open { rev, event, ops: 1, last: now, last_read: self.read };
        self.open.insert(did, open).map(|before| before.event)
    }

    /// Another event of this account comes: its commit is whole.
    pub(super) fn whole(&mut self, did: &Did) -> Option<Event> {
        self.read += 1;
        self.open.remove(did.as_str()).map(|open| open.event)
    }

    /// A commit that nothing more will come of.
    pub(super) fn next_whole(&mut self, now: Instant) -> Option<Event> {
        let read = self.read;
        let open = self.first()?;
        let passed = read - open.last_read >= OTHERS_MAX;
        if passed || now >= open.last + SILENCE { self.oldest() } else { None }
    }

    /// The oldest commit, whole or not.
    pub(super) fn oldest(&mut self) -> Option<Event> {
        self.first()?;
        let (_, did) = self.order.pop_front()?;
        self.open.remove(did.as_str()).map(|open| open.event)
    }

    /// When the oldest commit counts as whole if nothing more is read.
    pub(super) fn due(&mut self) -> Option<Instant> {
        self.first().map(|open| open.last + SILENCE)
    }

    /// The commit whose last operation is the longest ago.
    fn first(&mut self) -> Option<&Open> {
        while let Some((read, did)) = self.order.front() {
            let open = self.open.get(did.as_str());
            if open.is_some_and(|open| open.last_read == *read) {
                break;
            }
            // Another operation came after it, or its commit is out already.
            self.order.pop_front();
        }
        self.open.get(self.order.front()?.1.as_str())
    }
}
