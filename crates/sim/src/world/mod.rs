//! The network without sockets: accounts with their repositories on several PDSs, the firehoses they make,
//! and what is true in the end ([`World::truth`]).
//!
//! Time is the caller's: every change takes the microsecond it happens at, so that the same calls make the
//! same bytes. Frames are kept for readers with a cursor, bounded in bytes. What is sent may be spoilt by
//! faults; what the repositories say never is.

mod emit;
mod handles;
mod journal;
mod life;
mod truth;

use std::collections::BTreeMap;

use millrace_atproto::cid::Cid;
use millrace_atproto::syntax::{Did, Handle, Tid};
use millrace_runtime::rng::Rng;

use crate::SimConfig;
use crate::channel::{Channel, Event};
use crate::faults::{ChannelFaults, FaultConfig, chance};
use crate::host::Host;
use crate::identity::Identity;
use crate::jetstream::JetEvent;
use crate::labelers;
use crate::records::Ref;
use crate::repo::{Repo, RepoError, Write};
use crate::service::Service;
use crate::status::Status;
use crate::tape::{Read, Tape};

use emit::Touched;
use journal::Journal;
pub use life::{Goodbye, Migration};
pub use truth::{AccountTruth, RecordTruth, Truth, WriteTruth};

/// An account of the network.
#[derive(Debug, Clone)]
pub struct Account {
    pub identity: Identity,
    pub repo: Repo,
    pub status: Status,
    /// The PDS it is on.
    pub host: usize,
    pub created_us: i64,
    /// Whether the directory says that the DID is no more.
    pub tombstoned: bool,
}

/// Accounts and firehoses.
#[derive(Debug)]
pub struct World {
    seed: u64,
    pub(crate) rng: Rng,
    pub(crate) accounts: BTreeMap<Did, Account>,
    pub(crate) order: Vec<Did>,
    handles: BTreeMap<Handle, Did>,
    services: Vec<Service>,
    hosts: Vec<Host>,
    web_ports: Vec<u16>,
    relay: Channel,
    jetstream: Tape<JetEvent>,
    last_jetstream_us: i64,
    journal: Journal,
    touched: BTreeMap<Did, Touched>,
    last_tid_us: i64,
    /// Draws faults, so that what people do is the same without them.
    spoilt: Rng,
    faults: FaultConfig,
    /// Accounts with a stream of labels.
    pub(crate) labelers: Vec<labelers::Stream>,
    /// Draws what they say, so that what people do is the same without them.
    pub(crate) labels_rng: Rng,
    tape_bytes_max: u64,
}

impl World {
    /// An empty network. `host_ports` are those of its PDSs; only did:web accounts need them.
    pub fn new(config: &SimConfig, host_ports: &[u16]) -> Self {
        let rng = Rng::seeded(config.seed);
        let spoilt = Rng::seeded(config.seed ^ 0xA5A5_5A5A_0F0F_F0F0);
        let channel = || {
            let faults = ChannelFaults::new(config.faults.clone(), spoilt.fork());
            Channel::new(config.relay_bytes_max, faults)
        };
        let hosts = (0..config.hosts.max(1)).map(|_| {
            let channel = channel();
            Host::new(channel, skew_us(&spoilt, config.faults.clock_skew_max_s))
        });
        let hosts: Vec<Host> = hosts.collect();
        let web = usize::try_from(config.web_accounts).unwrap_or(usize::MAX).min(hosts.len());
        let web_ports = (0..web).map(|at| host_ports.get(at).copied().unwrap_or(PORT_UNKNOWN));
        Self {
            seed: config.seed,
            rng,
            accounts: BTreeMap::new(),
            order: Vec::new(),
            handles: BTreeMap::new(),
            services: Service::all(config.seed),
            web_ports: web_ports.collect(),
            hosts,
            relay: channel(),
            jetstream: Tape::new(config.relay_bytes_max),
            last_jetstream_us: 0,
            journal: Journal::default(),
            touched: BTreeMap::new(),
            last_tid_us: 0,
            spoilt: spoilt.fork(),
            faults: config.faults.clone(),
            labelers: Vec::new(),
            labels_rng: Rng::seeded(config.seed ^ 0x1ABE_1ABE_1ABE_1ABE),
            tape_bytes_max: config.relay_bytes_max,
        }
    }

    /// The next account, announced as a PDS announces one. No fault spoils that: whoever misses how a
    /// repository began can learn of it only by asking for all there are. The second and those after it are did:web, as
    /// many as there are to be.
    pub fn create_account(&mut self, now_us: i64) -> Did {
        let index = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
        let host = self.order.len() % self.hosts.len();
        let web = self.order.len().checked_sub(1).filter(|at| *at < self.web_ports.len());
        let host = web.unwrap_or(host);
        let port = web.and_then(|at| self.web_ports.get(at).copied());
        let identity = Identity::drawn(self.seed, index, port, &self.rng);
        let did = identity.did.clone();
        let rev = self.rev(host, now_us, None);
        let repo = Repo::new(&did, &identity.key, rev);
        self.handles.insert(identity.handle.clone(), did.clone());
        let (status, created_us) = (Status::Active, now_us);
        let account = Account { identity, repo, status, host, created_us, tombstoned: false };
        self.accounts.insert(did.clone(), account);
        self.order.push(did.clone());
        self.show_account(&did, now_us);
        did
    }

    /// The accounts in the order they were created.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> + DoubleEndedIterator {
        self.order.iter().map(|did| &self.accounts[did])
    }

    pub fn account(&self, did: &Did) -> Option<&Account> {
        self.accounts.get(did)
    }

    /// PDSs.
    pub fn host_count(&self) -> usize {
        self.hosts.len()
    }

    /// Services with a document in the directory: feed generators.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// Commits the writes of an account and tells everyone. An inactive account cannot write.
    pub fn commit(&mut self, did: &Did, now_us: i64, writes: &[Write]) -> Result<(), RepoError> {
        let account = self.accounts.get(did).filter(|account| account.status.is_active());
        let Some((host, before)) = account.map(|account| (account.host, account.repo.rev())) else {
            return Err(RepoError::NoAccount(did.clone()));
        };
        let plans = self.plans(host);
        let rev = self.rev(host, now_us, Some(before));
        let Some(account) = self.accounts.get_mut(did) else { return Ok(()) };
        let lied = plans.iter().any(|plan| plan.lie.is_some());
        let before = lied.then(|| account.repo.clone());
        let committed = account.repo.apply(&account.identity.key, rev, writes)?;
        self.journal.write(&committed, now_us);
        self.tell_commit(&committed, now_us);
        self.send_commit(committed, before, host, plans, now_us);
        Ok(())
    }

    /// Creates a record under a new TID.
    pub fn create_record(
        &mut self,
        did: &Did,
        collection: &str,
        now_us: i64,
        record: Vec<u8>,
    ) -> Result<Ref, RepoError> {
        let path = format!("{collection}/{}", self.tid(now_us));
        self.put_record(did, path, now_us, record)
    }

    /// Puts a record at a path of the caller's choice.
    pub fn put_record(
        &mut self,
        did: &Did,
        path: String,
        now_us: i64,
        record: Vec<u8>,
    ) -> Result<Ref, RepoError> {
        let made = Ref { uri: format!("at://{did}/{path}"), cid: Cid::of_dag_cbor(&record) };
        self.commit(did, now_us, &[Write::Put { path, record }])?;
        Ok(made)
    }

    /// Deletes a record.
    pub fn delete_record(&mut self, did: &Did, path: &str, now_us: i64) -> Result<(), RepoError> {
        self.commit(did, now_us, &[Write::Delete { path: path.to_owned() }])
    }

    /// Fills a repository in one silent commit, which a `#sync` announces: what a large account looks
    /// like to whoever comes later.
    pub fn fill_repo(
        &mut self,
        did: &Did,
        now_us: i64,
        records: Vec<(String, Vec<u8>)>,
    ) -> Result<(), RepoError> {
        let Some(account) = self.accounts.get(did) else {
            return Err(RepoError::NoAccount(did.clone()));
        };
        let (host, before) = (account.host, account.repo.rev());
        let rev = self.rev(host, now_us, Some(before));
        let writes: Vec<Write> =
            records.into_iter().map(|(path, record)| Write::Put { path, record }).collect();
        let Some(account) = self.accounts.get_mut(did) else { return Ok(()) };
        let committed = account.repo.apply(&account.identity.key, rev, &writes)?;
        self.journal.write(&committed, now_us);
        self.emit_sync(did, now_us);
        self.tell_commit(&committed, now_us);
        Ok(())
    }

    /// The sequence number of the relay's newest frame; 0 before the first.
    pub fn last_seq(&self) -> i64 {
        self.relay.tape().last_seq()
    }

    /// The relay's oldest frame still kept.
    pub fn oldest_seq(&self) -> i64 {
        self.relay.tape().oldest_seq()
    }

    /// Up to `events_max` of the relay's frames from `seq` on.
    pub fn events_from(&self, seq: i64, events_max: usize) -> Vec<Event> {
        events_from(self.relay.tape(), seq, events_max)
    }

    /// Up to `events_max` of a PDS's frames from `seq` on.
    pub fn host_events_from(&self, host: usize, seq: i64, events_max: usize) -> Vec<Event> {
        self.hosts
            .get(host)
            .map(|host| events_from(host.channel.tape(), seq, events_max))
            .unwrap_or_default()
    }

    /// The relay's frames before `seq` are no longer kept.
    pub fn forget_before(&mut self, seq: i64) {
        self.relay.tape_mut().forget_before(seq);
    }

    /// The number of Jetstream's newest event; 0 before the first.
    pub fn jetstream_last_seq(&self) -> i64 {
        self.jetstream.last_seq()
    }

    /// Jetstream's events before `seq` are no longer kept.
    pub fn forget_jetstream_before(&mut self, seq: i64) {
        self.jetstream.forget_before(seq);
    }

    /// A TID after every earlier one, as clients make them for record keys.
    pub fn tid(&mut self, now_us: i64) -> Tid {
        self.last_tid_us = now_us.max(self.last_tid_us + 1);
        Tid::from_time(self.last_tid_us, 0)
    }

    pub(crate) fn relay_tape(&self) -> &Tape<Event> {
        self.relay.tape()
    }

    pub(crate) fn host_tape(&self, host: usize) -> Option<&Tape<Event>> {
        self.hosts.get(host).map(|host| host.channel.tape())
    }

    /// The stream of a labeler.
    pub(crate) fn label_tape(&self, place: usize) -> Option<&Tape<bytes::Bytes>> {
        self.labelers.get(place).map(|stream| &stream.tape)
    }

    /// Bytes that a firehose keeps.
    pub(crate) fn relay_bytes_max(&self) -> u64 {
        self.tape_bytes_max
    }

    pub(crate) fn jetstream(&self) -> &Tape<JetEvent> {
        &self.jetstream
    }

    /// Whether a fault of this share happens now.
    pub(crate) fn is_faulty(&self, share: impl Fn(&FaultConfig) -> f64) -> bool {
        chance(&self.spoilt, share(&self.faults))
    }

    /// A revision by the host's clock, after every one it gave out and after the account's last.
    fn rev(&mut self, host: usize, now_us: i64, last: Option<Tid>) -> Tid {
        let Some(host) = self.hosts.get_mut(host) else { return Tid::from_time(now_us, 0) };
        let after = last.map_or(0, Tid::time_us).max(host.last_rev_us) + 1;
        host.last_rev_us = host.now_us(now_us).max(after);
        Tid::from_time(host.last_rev_us, 0)
    }
}

/// Stands in a did:web while nothing listens.
const PORT_UNKNOWN: u16 = 1;

fn skew_us(rng: &Rng, max_s: u32) -> i64 {
    let max_us = i64::from(max_s) * 1_000_000;
    let drawn = rng.below(u64::from(max_s) * 2_000_000 + 1);
    i64::try_from(drawn).unwrap_or(max_us) - max_us
}

fn events_from(tape: &Tape<Event>, seq: i64, events_max: usize) -> Vec<Event> {
    match tape.read(tape.place_of(seq), tape.epoch(), events_max) {
        Read::Events(events, _) => events,
        Read::Lost => Vec::new(),
    }
}
