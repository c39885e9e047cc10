//! The network without sockets: accounts with their repositories, and the firehose they make.
//!
//! Time is the caller's: every change takes the microsecond it happens at, so that the same
//! calls make the same bytes. Frames are kept for readers with a cursor, bounded in bytes.

use std::collections::{BTreeMap, VecDeque};

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::frame::{AccountFrame, IdentityFrame};
use millrace_atproto::syntax::{Did, Handle, Tid};
use millrace_runtime::rng::Rng;

use crate::identity::Identity;
use crate::records::Ref;
use crate::repo::{Repo, RepoError, Write};

/// An account of the network.
#[derive(Debug, Clone)]
pub struct Account {
    pub identity: Identity,
    pub repo: Repo,
    pub active: bool,
    pub status: Option<String>,
}

/// An encoded frame of the firehose.
#[derive(Debug, Clone)]
pub struct Event {
    pub seq: i64,
    pub frame: bytes::Bytes,
}

/// Accounts and firehose.
#[derive(Debug)]
pub struct World {
    seed: u64,
    rng: Rng,
    accounts: BTreeMap<Did, Account>,
    order: Vec<Did>,
    events: VecDeque<Event>,
    events_bytes: u64,
    events_bytes_max: u64,
    next_seq: i64,
    last_tid_us: i64,
}

impl World {
    pub fn new(seed: u64, events_bytes_max: u64) -> Self {
        Self {
            seed,
            rng: Rng::seeded(seed),
            accounts: BTreeMap::new(),
            order: Vec::new(),
            events: VecDeque::new(),
            events_bytes: 0,
            events_bytes_max,
            next_seq: 1,
            last_tid_us: 0,
        }
    }

    /// The next account, announced on the firehose as a PDS announces one.
    pub fn create_account(&mut self, now_us: i64) -> Did {
        let index = u32::try_from(self.order.len()).unwrap_or(u32::MAX);
        let identity = Identity::drawn(self.seed, index, &self.rng);
        let did = identity.did.clone();
        let rev = self.tid(now_us);
        let repo = Repo::new(&did, &identity.key, rev);
        self.accounts.insert(did.clone(), Account { identity, repo, active: true, status: None });
        self.order.push(did.clone());
        self.emit_identity(&did, now_us);
        self.emit_account(&did, now_us);
        self.emit_sync(&did, now_us);
        did
    }

    /// The accounts in the order they were created.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &Account> {
        self.order.iter().map(|did| &self.accounts[did])
    }

    pub fn account(&self, did: &Did) -> Option<&Account> {
        self.accounts.get(did)
    }

    pub fn by_handle(&self, handle: &str) -> Option<&Account> {
        self.accounts().find(|account| account.identity.handle.as_str() == handle)
    }

    /// Commits the writes of an account and emits the frame.
    pub fn commit(&mut self, did: &Did, now_us: i64, writes: &[Write]) -> Result<(), RepoError> {
        let rev = self.tid(now_us);
        let Some(account) = self.accounts.get_mut(did) else {
            return Err(RepoError::NoRecord(did.to_string()));
        };
        let committed = account.repo.apply(&account.identity.key, rev, writes)?;
        self.emit(|seq| committed.frame(seq, &format_ms_us(now_us)));
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
        let made = Ref { uri: format!("at://{did}/{path}"), cid: Cid::of_dag_cbor(&record) };
        self.commit(did, now_us, &[Write::Put { path, record }])?;
        Ok(made)
    }

    /// Sets an account's status and announces it.
    pub fn set_status(&mut self, did: &Did, active: bool, status: Option<&str>, now_us: i64) {
        if let Some(account) = self.accounts.get_mut(did) {
            account.active = active;
            account.status = status.map(str::to_owned);
            self.emit_account(did, now_us);
        }
    }

    /// Gives an account another handle and announces it.
    pub fn set_handle(&mut self, did: &Did, handle: Handle, now_us: i64) {
        if let Some(account) = self.accounts.get_mut(did) {
            account.identity.handle = handle;
            self.emit_identity(did, now_us);
        }
    }

    /// The sequence number of the newest frame; 0 before the first.
    pub fn last_seq(&self) -> i64 {
        self.next_seq - 1
    }

    /// The oldest frame still kept.
    pub fn oldest_seq(&self) -> i64 {
        self.events.front().map_or(self.next_seq, |event| event.seq)
    }

    /// Up to `events_max` frames from `seq` on.
    pub fn events_from(&self, seq: i64, events_max: usize) -> Vec<Event> {
        let first = self.events.partition_point(|event| event.seq < seq);
        self.events.iter().skip(first).take(events_max).cloned().collect()
    }

    /// Emits a frame made by the caller, which may be wrong on purpose.
    pub fn emit(&mut self, frame: impl FnOnce(i64) -> Vec<u8>) -> i64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        let frame = bytes::Bytes::from(frame(seq));
        self.events_bytes += frame.len() as u64;
        self.events.push_back(Event { seq, frame });
        while self.events_bytes > self.events_bytes_max {
            let Some(dropped) = self.events.pop_front() else { break };
            self.events_bytes -= dropped.frame.len() as u64;
        }
        seq
    }

    /// A TID after every earlier one.
    pub fn tid(&mut self, now_us: i64) -> Tid {
        self.last_tid_us = now_us.max(self.last_tid_us + 1);
        Tid::from_time(self.last_tid_us, 0)
    }

    fn emit_identity(&mut self, did: &Did, now_us: i64) {
        let handle = self.accounts[did].identity.handle.to_string();
        let time = format_ms_us(now_us);
        self.emit(|seq| {
            IdentityFrame { seq, did: did.as_str(), handle: Some(&handle), time: &time }.encode()
        });
    }

    fn emit_account(&mut self, did: &Did, now_us: i64) {
        let (active, status) = (self.accounts[did].active, self.accounts[did].status.clone());
        let time = format_ms_us(now_us);
        self.emit(|seq| {
            AccountFrame { seq, did: did.as_str(), active, status: status.as_deref(), time: &time }
                .encode()
        });
    }

    /// Announces the repository as it is, without what changed.
    pub fn emit_sync(&mut self, did: &Did, now_us: i64) {
        let repo = self.accounts[did].repo.clone();
        self.emit(|seq| repo.sync_frame(seq, &format_ms_us(now_us)));
    }
}
