//! A reader that does all that the protocol asks: verifies, keeps chains, asks for repositories when it has
//! lost track, settles statuses with the PDS an account is on. It reads a world without sockets.

use std::collections::{BTreeMap, BTreeSet};

use millrace_atproto::frame::{Frame, FrameError};
use millrace_atproto::mst::Mst;
use millrace_atproto::sync::{self, ChainState, Limits, Reject, SyncVerdict};
use millrace_atproto::syntax::Did;
use millrace_sim::world::Truth;
use millrace_sim::{Event, Status, World};

/// What a reader has of an account.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Known {
    pub records: BTreeMap<String, Vec<u8>>,
    pub active: bool,
    pub status: Option<String>,
}

/// What the reader knows, and what it refused.
#[derive(Debug, Default)]
pub struct Reader {
    pub accounts: BTreeMap<Did, Known>,
    chains: BTreeMap<Did, ChainState>,
    pub rejected: BTreeMap<&'static str, u32>,
    pub resyncs: u32,
    pub infos: u32,
    /// Numbers that came before.
    pub repeated: u32,
    seen: BTreeSet<i64>,
}

impl Reader {
    /// Reads frames of a firehose as the world is now: repositories are asked for in their newest state.
    pub fn read(&mut self, world: &World, events: &[Event], now_us: i64) {
        for event in events {
            self.frame(world, &event.frame, now_us);
        }
    }

    fn frame(&mut self, world: &World, frame: &[u8], now_us: i64) {
        let frame = match Frame::parse(frame) {
            Ok(frame) => frame,
            Err(error @ (FrameError::TooLarge(_) | FrameError::Framing(_))) => {
                // The connection would break here; the next one does not meet it again.
                return self.reject(error.reason());
            }
            Err(error) => return self.reject(error.reason()),
        };
        if let Some(seq) = frame.seq() {
            self.repeated += u32::from(!self.seen.insert(seq));
        }
        match frame {
            Frame::Commit(commit) => {
                let Ok(did) = Did::parse(commit.repo) else { return self.reject("did") };
                let Some(account) = world.account(&did) else { return self.reject("nobody") };
                let key = account.identity.key.public();
                let chain = self.chains.get(&did);
                let verdict = sync::verify_commit(&commit, &key, chain, now_us, &Limits::default());
                match verdict {
                    Ok(verified) => {
                        self.chains.insert(did.clone(), verified.chain);
                        let known = self.accounts.entry(did).or_default();
                        for op in verified.ops {
                            let path = format!("{}/{}", op.collection, op.rkey);
                            match op.record {
                                Some(record) => known.records.insert(path, record.to_vec()),
                                None => known.records.remove(&path),
                            };
                        }
                    }
                    Err(reject) => self.rejected_commit(world, &did, &reject, now_us),
                }
            }
            Frame::Sync(frame) => {
                let did = Did::parse(frame.did).unwrap();
                let key = world.account(&did).unwrap().identity.key.public();
                let chain = self.chains.get(&did);
                match sync::verify_sync(&frame, &key, chain, now_us, &Limits::default()) {
                    Ok(SyncVerdict::InSync) => {}
                    // Nobody needs to ask what is in an empty repository.
                    Ok(SyncVerdict::Diverged(chain)) if chain.data == Mst::empty().root() => {
                        self.accounts.entry(did.clone()).or_default().records.clear();
                        self.chains.insert(did, chain);
                    }
                    Ok(SyncVerdict::Diverged(_)) => self.resync(world, &did, now_us),
                    Err(reject) => self.reject(reject.reason()),
                }
            }
            Frame::Account(frame) => {
                let did = Did::parse(frame.did).unwrap();
                // What any host says is a hint; the PDS the account is on knows.
                let host = world.account(&did).unwrap().host;
                let status = world.status_at(host, &did).unwrap();
                if status == Status::Deleted {
                    self.chains.remove(&did);
                    self.accounts.remove(&did);
                }
                let known = self.accounts.entry(did).or_default();
                known.active = status.is_active();
                known.status = status.name().map(str::to_owned);
            }
            Frame::Info { .. } => self.infos += 1,
            Frame::Identity(_) => {}
            other => panic!("{other:?}"),
        }
    }

    fn rejected_commit(&mut self, world: &World, did: &Did, reject: &Reject, now_us: i64) {
        self.reject(reject.reason());
        if matches!(reject, Reject::Desync(_)) || reject.is_signature() {
            self.resync(world, did, now_us);
        }
    }

    fn resync(&mut self, world: &World, did: &Did, now_us: i64) {
        let account = world.account(did).unwrap();
        if !account.status.is_active() {
            return;
        }
        self.resyncs += 1;
        let (car, key) = (account.repo.car(), account.identity.key.public());
        let repo = sync::verify_repo(&car, did, &key, now_us, &Limits::default()).unwrap();
        let known = self.accounts.entry(did.clone()).or_default();
        known.records =
            repo.leaves().map(|leaf| (leaf.path.clone(), leaf.record.to_vec())).collect();
        self.chains.insert(did.clone(), repo.chain());
    }

    fn reject(&mut self, reason: &'static str) {
        *self.rejected.entry(reason).or_default() += 1;
    }
}

/// The first account of which the reader believes something else than what is true, and how.
pub fn difference(reader: &Reader, truth: &Truth) -> Option<String> {
    truth.accounts.values().find_map(|account| {
        let decodes = |record: &[u8]| millrace_atproto::cbor::validate_record(record).is_ok();
        let records = account.records.iter().filter(|(_, record)| decodes(&record.record));
        let expected = Known {
            records: records.map(|(path, record)| (path.clone(), record.record.clone())).collect(),
            active: account.status.is_active(),
            status: account.status.name().map(str::to_owned),
        };
        let mut known = reader.accounts.get(&account.did).cloned().unwrap_or_default();
        if !expected.active {
            // Nobody can look it up, and nobody shows it.
            known.records.clone_from(&expected.records);
        }
        if known == expected {
            return None;
        }
        let missing: Vec<&String> =
            expected.records.keys().filter(|path| !known.records.contains_key(*path)).collect();
        let extra: Vec<&String> =
            known.records.keys().filter(|path| !expected.records.contains_key(*path)).collect();
        Some(format!(
            "{} is {:?} and not {:?}; missing {missing:?}, extra {extra:?}",
            account.did, known.status, expected.status
        ))
    })
}
