//! Where events are judged. Accounts are divided over lanes by their DID; a lane is one thread that
//! owns what is known of its accounts, so that events of one account are judged in order and those of
//! different accounts side by side.
//!
//! A lane never waits for the outside. What it does not know (an account's row, a signing key, a
//! status, a whole repository) it asks for, and meanwhile the events of that one account are held,
//! bounded in bytes; the answer comes back as a [`LaneMsg`]. While anything is held longer than a
//! moment, the account's row says so on disk, so that the cursor may pass and a crash loses nothing.
//!
//! Start at [`Lane::run`]; `events.rs` is where an event enters, `commit.rs` the way most take.

mod account;
mod ahead;
mod answers;
mod commit;
mod emit;
mod events;
mod held;
mod jetstream;
mod message;
mod resync;
mod scope;
mod slot;
mod slots;
mod told;
mod unchecked;
mod verify;

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use bytes::Bytes;
use millrace_atproto::did_doc::Identity;
use millrace_atproto::sync::ChainState;
use millrace_atproto::{Did, Tid};
use millrace_net::pds::RepoStatus;
use millrace_runtime::clock::SharedClock;
use millrace_runtime::rng::Rng;
use millrace_runtime::telemetry::journey;
use tokio::sync::mpsc::{Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::append::Item;
use crate::config::IngestConfig;
use crate::lookup::Ask;
use crate::metrics::Metrics;
use crate::model::AccountState;
use crate::progress::{SourceState, Ticket};
use crate::scope::Scope;

pub use commit::UNVERIFIED;
pub(crate) use held::{EVENT_FRAME_BYTES, HeldBudget};
pub(crate) use message::Message;
use slots::Slots;

/// What a lane is told. The queue needs no bound of its own: each event in it holds its share of the
/// bytes in flight, and each answer belongs to one question of an account with events.
#[derive(Debug)]
pub(crate) enum LaneMsg {
    /// An event was read.
    Event(Event),
    /// The account's row, as stored.
    Loaded { did: Did, account: Option<Box<AccountState>> },
    /// The account's identity.
    Identity { did: Did, answer: IdentityAnswer },
    /// Its document names this host, which it did not before.
    Moved { did: Did, pds: String },
    /// What the account's present host says of it.
    Status { did: Did, answer: StatusAnswer },
    /// The repository is wanted.
    Want { did: Did, wish: Wish, saved: oneshot::Sender<()> },
    /// The account came into the scope, or left it.
    Followed { did: Did, followed: bool, saved: oneshot::Sender<()> },
    /// The scheduler is ready to fetch it.
    BeginResync { did: Did, reply: oneshot::Sender<Option<Begun>> },
    /// A part of it, as an encoded entry.
    Chunk {
        did: Did,
        attempt: u64,
        entry: Bytes,
        permit: OwnedSemaphorePermit,
        /// Its share of what may be ahead of who applies it.
        room: Option<OwnedSemaphorePermit>,
    },
    /// It was fetched, or not.
    EndResync { did: Did, attempt: u64, outcome: ResyncOutcome },
}

/// Who wants a repository, which decides what of it is wanted, and how soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// `ingest.backfill`: of accounts that are followed, if something is missing.
    Configured,
    /// Somebody who knows why: whatever is here of it, and whether it is followed or not.
    Forced,
    /// A backfill: if something is missing, else with `again`; of accounts that are followed, else with
    /// `named`. What failed before does not count.
    Backfill { again: bool, named: bool },
    /// Somebody looks at the account: before all others, if something is missing and it is not known
    /// that it cannot be had now.
    Looked,
}

/// One event on its way through a lane.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) did: Did,
    pub(crate) message: Message,
    pub(crate) source: Arc<SourceState>,
    pub(crate) seq: i64,
    /// When it happened, by the source.
    pub(crate) time_us: Option<i64>,
    /// Its position was passed before: it comes again, or very late.
    pub(crate) again: bool,
    /// Taken when what is to become of the event is recorded durably.
    pub(crate) ticket: Option<Ticket>,
    /// Its share of the bytes in flight.
    pub(crate) permit: Option<OwnedSemaphorePermit>,
    pub(crate) received_us: i64,
    /// Its signature was looked at with a key fetched anew.
    pub(crate) retried: bool,
    /// What the account's host said, for an event that could not be settled without.
    pub(crate) told: Option<StatusAnswer>,
}

impl Event {
    /// Another operation of the same commit: both are one event from here on.
    pub(crate) fn join(&mut self, later: Self) {
        self.seq = later.seq;
        self.time_us = later.time_us;
        self.again &= later.again;
        self.received_us = later.received_us;
        self.message.join(later.message);
        match (&mut self.ticket, later.ticket) {
            (Some(ticket), Some(later)) => ticket.join(later),
            (ticket, later) => *ticket = ticket.take().or(later),
        }
        match (&mut self.permit, later.permit) {
            (Some(permit), Some(later)) => permit.merge(later),
            (permit, later) => *permit = permit.take().or(later),
        }
    }
}

/// What the resolver said.
#[derive(Debug, Clone)]
pub(crate) enum IdentityAnswer {
    Found(Arc<Identity>),
    /// Deactivated for ever.
    Tombstoned,
    /// There is no such identity, or its document is useless.
    Unknown(String),
    /// Not yet: the directory does not answer. Asked again until it does.
    Delayed(String),
}

/// What the account's present PDS said.
#[derive(Debug, Clone)]
pub(crate) enum StatusAnswer {
    Known(RepoStatus),
    /// It does not host the account.
    NotFound,
    Tombstoned,
    /// It, or the directory, does not answer.
    Unreachable,
}

/// Leave to fetch a repository.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    pub(crate) attempt: u64,
    /// What is fetched must not be older.
    pub(crate) rev: Option<Tid>,
}

/// How fetching ended.
#[derive(Debug, Clone)]
pub(crate) enum ResyncOutcome {
    /// Every chunk was handed over.
    Fetched { chain: ChainState, pds: Option<String>, is_labeler: bool },
    /// The account is not there to be fetched.
    Inactive { status: String },
    /// Try again, not before the time given.
    Failed { error: String, retry_us: i64 },
}

/// The way to the lanes.
#[derive(Debug, Clone)]
pub(crate) struct Lanes {
    queues: Arc<[UnboundedSender<LaneMsg>]>,
}

/// A lane has ended; everything else will.
#[derive(Debug)]
pub(crate) struct LaneGone;

impl Lanes {
    /// Queues for `count` lanes.
    pub(crate) fn new(count: usize) -> (Self, Vec<UnboundedReceiver<LaneMsg>>) {
        let (queues, receivers): (Vec<_>, Vec<_>) =
            (0..count.max(1)).map(|_| unbounded_channel()).unzip();
        (Self { queues: queues.into() }, receivers)
    }

    /// Tells the lane of that account.
    pub(crate) fn send(&self, msg: LaneMsg) -> Result<(), LaneGone> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(msg.did().as_str());
        let lane = usize::try_from(hash % self.queues.len() as u64).unwrap_or(0);
        let queue = self.queues.get(lane).ok_or(LaneGone)?;
        queue.send(msg).map_err(|_| LaneGone)
    }
}

impl LaneMsg {
    fn did(&self) -> &Did {
        match self {
            Self::Event(Event { did, .. })
            | Self::Loaded { did, .. }
            | Self::Identity { did, .. }
            | Self::Moved { did, .. }
            | Self::Status { did, .. }
            | Self::Want { did, .. }
            | Self::Followed { did, .. }
            | Self::BeginResync { did, .. }
            | Self::Chunk { did, .. }
            | Self::EndResync { did, .. } => did,
        }
    }
}

/// What every step of a lane may use.
pub(crate) struct LaneDeps {
    pub(crate) config: Arc<IngestConfig>,
    /// Accounts of `ingest.backfill`, when it is a list.
    pub(crate) wanted: Arc<std::collections::HashSet<Did>>,
    /// Whose events are taken.
    pub(crate) scope: Arc<Scope>,
    pub(crate) held: Arc<HeldBudget>,
    pub(crate) items: Sender<Item>,
    /// Rows to be read, and questions to the outside. Bounded like a lane's own queue: one open
    /// question of a kind for each account with events.
    pub(crate) loads: UnboundedSender<Did>,
    pub(crate) asks: UnboundedSender<Ask>,
    pub(crate) clock: SharedClock,
    pub(crate) rng: Rng,
    pub(crate) metrics: Arc<Metrics>,
}

/// One lane.
pub(crate) struct Lane {
    slots: Slots,
    deps: LaneDeps,
    attempts: u64,
    /// Nobody takes items any more: the run is ending.
    closed: bool,
    /// When the check of the event at hand began, where entries are traced.
    verifying: Option<journey::Step>,
}

impl Lane {
    pub(crate) fn new(deps: LaneDeps) -> Self {
        let slots_max = deps.config.accounts_cached_max / deps.config.lanes().max(1);
        Self {
            slots: Slots::new(slots_max.max(64)),
            deps,
            attempts: 0,
            closed: false,
            verifying: None,
        }
    }

    /// Judges until nobody sends any more, or nobody takes what was judged.
    pub(crate) fn run(mut self, mut queue: UnboundedReceiver<LaneMsg>) {
        while let Some(msg) = queue.blocking_recv() {
            self.take(msg);
            if self.closed {
                return;
            }
        }
    }

    fn take(&mut self, msg: LaneMsg) {
        self.verifying = None;
        let mut slot = self.slots.take(msg.did());
        if let Some(msg) = self.load_first(&mut slot, msg) {
            self.step(&mut slot, msg);
        }
        self.slots.put(slot);
    }

    fn step(&mut self, slot: &mut slot::Slot, msg: LaneMsg) {
        match msg {
            LaneMsg::Event(event) => self.arrive(slot, event),
            LaneMsg::Loaded { account, .. } => self.loaded(slot, account),
            LaneMsg::Identity { answer, .. } => self.identity(slot, answer),
            LaneMsg::Moved { pds, .. } => self.moved(slot, Some(&pds)),
            LaneMsg::Status { answer, .. } => self.status(slot, answer),
            LaneMsg::Want { wish, saved, .. } => self.want(slot, wish, saved),
            LaneMsg::Followed { followed, saved, .. } => self.followed(slot, followed, saved),
            LaneMsg::BeginResync { reply, .. } => self.begin_resync(slot, reply),
            LaneMsg::Chunk { attempt, entry, permit, room, .. } => {
                self.chunk(slot, attempt, entry, (permit, room))
            }
            LaneMsg::EndResync { attempt, outcome, .. } => self.end_resync(slot, attempt, outcome),
        }
    }
}
