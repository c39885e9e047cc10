//! What everything that is served shares: the world, who waits for news of it, and the faults on the way.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::AtomicU64;

use axum::extract::ws::{Message, WebSocket};
use millrace_runtime::clock::SharedClock;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::faults::ServingFaults;
use crate::feeds::{FeedRequest, REQUESTS_MAX};
use crate::population::Population;
use crate::repo::RepoError;
use crate::service::ServiceKind;
use crate::tape::Tape;
use crate::world::World;
use crate::{Event, Service};

/// A network that is served.
pub(crate) struct Shared {
    pub world: Mutex<World>,
    pub population: Mutex<Population>,
    pub clock: SharedClock,
    pub urls: Urls,
    pub faults: ServingFaults,
    /// Counts changes of the world.
    changes: watch::Sender<u64>,
    /// Counts how often all connections were cut.
    cuts: watch::Sender<u64>,
    /// Frames that break connections and were sent, by firehose, epoch and place.
    sent_once: Mutex<BTreeSet<(Scope, u64, u64)>>,
    feed_requests: Mutex<VecDeque<FeedRequest>>,
    /// Proofs of single records that were asked for.
    pub(crate) proofs_asked: AtomicU64,
}

/// Whose firehose, whose accounts: one PDS's, or all, as a relay has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    Relay,
    Host(usize),
}

/// Where everything answers, without a path.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    /// PLC directory, relay and Jetstream.
    pub core: String,
    pub hosts: Vec<String>,
    pub good_feeds: String,
    pub hostile_feeds: String,
    /// Each labeler's own.
    pub labelers: Vec<String>,
}

impl Urls {
    pub(crate) fn of_service(&self, service: &Service) -> &str {
        match service.kind {
            ServiceKind::GoodFeeds => &self.good_feeds,
            ServiceKind::HostileFeeds => &self.hostile_feeds,
        }
    }

    pub(crate) fn host(&self, host: usize) -> &str {
        self.hosts.get(host).map_or("", String::as_str)
    }
}

impl Scope {
    /// Its firehose.
    pub(crate) fn tape(self, world: &World) -> &Tape<Event> {
        match self {
            Self::Relay => world.relay_tape(),
            Self::Host(host) => world.host_tape(host).unwrap_or_else(|| world.relay_tape()),
        }
    }
}

impl Shared {
    pub(crate) fn new(
        world: World,
        population: Population,
        clock: SharedClock,
        urls: Urls,
        faults: ServingFaults,
    ) -> Self {
        Self {
            world: Mutex::new(world),
            population: Mutex::new(population),
            clock,
            urls,
            faults,
            changes: watch::Sender::new(0),
            cuts: watch::Sender::new(0),
            sent_once: Mutex::new(BTreeSet::new()),
            feed_requests: Mutex::new(VecDeque::new()),
            proofs_asked: AtomicU64::new(0),
        }
    }

    /// Changes the world and wakes the readers.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let result = change(&mut self.world.lock());
        self.changes.send_modify(|changes| *changes += 1);
        result
    }

    /// Lets the next person act.
    pub(crate) fn act(&self) -> Result<(), RepoError> {
        let now_us = self.clock.now_us();
        self.change(|world| {
            self.population.lock().live(world, now_us)?;
            world.maybe_label(now_us);
            Ok(())
        })
    }

    /// Ends every WebSocket connection.
    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// What a connection waits on.
    pub(crate) fn line(&self) -> Line {
        Line { changes: self.changes.subscribe(), cuts: self.cuts.subscribe() }
    }

    pub(crate) fn note_feed_request(&self, request: FeedRequest) {
        let mut requests = self.feed_requests.lock();
        if requests.len() == REQUESTS_MAX {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    pub(crate) fn feed_requests(&self) -> Vec<FeedRequest> {
        self.feed_requests.lock().iter().cloned().collect()
    }

    /// Whether the frame at a place is to be sent, if it may be only once.
    pub(crate) fn takes_its_turn(&self, scope: Scope, epoch: u64, place: u64) -> bool {
        self.sent_once.lock().insert((scope, epoch, place))
    }
}

/// Tells a connection when there may be news, and when it is cut.
pub(crate) struct Line {
    changes: watch::Receiver<u64>,
    cuts: watch::Receiver<u64>,
}

/// What a connection hears while it waits.
pub(crate) enum Heard {
    /// The world changed.
    News,
    /// Its reader said something.
    Said(Message),
    /// It was cut, or its reader went away.
    End,
}

impl Line {
    /// Waits for a change of the world, a cut or a message.
    pub(crate) async fn hear(&mut self, socket: &mut WebSocket) -> Heard {
        tokio::select! {
            // The sender lives as long as whoever serves the connection.
            _closed = self.changes.changed() => match self.is_cut() {
                true => Heard::End,
                false => Heard::News,
            },
            message = socket.recv() => match message {
                Some(Ok(Message::Close(_)) | Err(_)) | None => Heard::End,
                Some(Ok(message)) => Heard::Said(message),
            },
        }
    }

    /// Whether connections were cut since this one was made.
    pub(crate) fn is_cut(&self) -> bool {
        self.cuts.has_changed().unwrap_or(true)
    }

    /// Returns when the connection is cut.
    pub(crate) async fn cut(&mut self) {
        let _closed = self.cuts.changed().await;
    }
}
