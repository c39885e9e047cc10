//! The network without sockets: accounts with their repositories, and the firehose they make.
//!
//! Time is the caller's: every change takes the microsecond it happens at, so that the same
//! calls make the same bytes. Frames are kept for readers with a cursor, bounded in bytes.

use std::collections::BTreeMap;

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::frame::{AccountFrame, IdentityFrame, SyncFrame};
use millrace_atproto::syntax::{Did, Handle, Tid};
use millrace_runtime::rng::Rng;

use crate::identity::Identity;
use crate::jetstream::{JetEvent, JetKind, record_json};
use crate::records::Ref;
use crate::repo::{Committed, Repo, RepoError, Write};
use crate::tape::{Read, Tape};

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
    relay: Tape<Event>,
    jetstream: Tape<JetEvent>,
    last_jetstream_us: i64,
    last_tid_us: i64,
}

impl World {
    pub fn new(seed: u64, events_bytes_max: u64) -> Self {
        Self {
            seed,
            rng: Rng::seeded(seed),
            accounts: BTreeMap::new(),
            order: Vec::new(),
            relay: Tape::new(events_bytes_max),
            jetstream: Tape::new(events_bytes_max),
            last_jetstream_us: 0,
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
        self.tell_commit(did, now_us, &committed);
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
        self.relay.last_seq()
    }

    /// The oldest frame still kept.
    pub fn oldest_seq(&self) -> i64 {
        self.relay.oldest_seq()
    }

    /// Up to `events_max` frames from `seq` on.
    pub fn events_from(&self, seq: i64, events_max: usize) -> Vec<Event> {
        match self.relay.read(self.relay.place_of(seq), self.relay.epoch(), events_max) {
            Read::Events(events, _) => events,
            Read::Lost => Vec::new(),
        }
    }

    /// Emits a frame made by the caller, which may be wrong on purpose. Jetstream does not tell it.
    pub fn emit(&mut self, frame: impl FnOnce(i64) -> Vec<u8>) -> i64 {
        let seq = self.relay.take_seq();
        let frame = bytes::Bytes::from(frame(seq));
        self.relay.push(seq, frame.len(), Event { seq, frame });
        seq
    }

    pub(crate) fn relay(&self) -> &Tape<Event> {
        &self.relay
    }

    pub(crate) fn jetstream(&self) -> &Tape<JetEvent> {
        &self.jetstream
    }

    /// The number of Jetstream's newest event; 0 before the first.
    pub fn jetstream_last_seq(&self) -> i64 {
        self.jetstream.last_seq()
    }

    /// Jetstream's events before `seq` are no longer kept.
    pub fn forget_jetstream_before(&mut self, seq: i64) {
        self.jetstream.forget_before(seq);
    }

    /// The relay's frames before `seq` are no longer kept.
    pub fn forget_before(&mut self, seq: i64) {
        self.relay.forget_before(seq);
    }

    /// Each operation is an event; a record that is none is left out.
    fn tell_commit(&mut self, did: &Did, now_us: i64, committed: &Committed) {
        let rev = committed.rev().to_string();
        let Some(account) = self.accounts.get(did) else { return };
        let mut kinds = Vec::new();
        for (action, path, cid) in committed.ops() {
            let Some((collection, rkey)) = path.split_once('/') else { continue };
            let record = match (cid, account.repo.records().get(path)) {
                (Some(cid), Some((_, record))) => match record_json(record) {
                    Some(json) => Some((cid, json)),
                    None => continue,
                },
                _ => None,
            };
            let (rev, collection, rkey) = (rev.clone(), collection.to_owned(), rkey.to_owned());
            kinds.push(JetKind::Commit { rev, action, collection, rkey, record });
        }
        kinds.into_iter().for_each(|kind| self.tell(did, now_us, kind));
    }

    fn tell(&mut self, did: &Did, now_us: i64, kind: JetKind) {
        self.last_jetstream_us = now_us.max(self.last_jetstream_us + 1);
        let (seq, time_us) = (self.jetstream.take_seq(), self.last_jetstream_us);
        let event = JetEvent { seq, time_us, did: did.to_string(), kind };
        self.jetstream.push(seq, event.bytes(), event);
    }

    /// A TID after every earlier one.
    pub fn tid(&mut self, now_us: i64) -> Tid {
        self.last_tid_us = now_us.max(self.last_tid_us + 1);
        Tid::from_time(self.last_tid_us, 0)
    }

    fn emit_identity(&mut self, did: &Did, now_us: i64) {
        let handle = self.accounts[did].identity.handle.to_string();
        let time = format_ms_us(now_us);
        let seq = self.emit(|seq| {
            IdentityFrame { seq, did: did.as_str(), handle: Some(&handle), time: &time }.encode()
        });
        self.tell(did, now_us, JetKind::Identity { seq, time, handle: Some(handle) });
    }

    fn emit_account(&mut self, did: &Did, now_us: i64) {
        let (active, status) = (self.accounts[did].active, self.accounts[did].status.clone());
        let time = format_ms_us(now_us);
        let seq = self.emit(|seq| {
            AccountFrame { seq, did: did.as_str(), active, status: status.as_deref(), time: &time }
                .encode()
        });
        self.tell(did, now_us, JetKind::Account { seq, time, active, status });
    }

    /// Announces the repository as it is, without what changed.
    pub fn emit_sync(&mut self, did: &Did, now_us: i64) {
        let (rev, blocks) = self.accounts[did].repo.sync_blocks();
        let time = format_ms_us(now_us);
        let seq = self.emit(|seq| {
            SyncFrame { seq, did: did.as_str(), rev: &rev, blocks: &blocks, time: &time }.encode()
        });
        self.tell(did, now_us, JetKind::Sync { seq, time, rev, blocks });
    }
}
