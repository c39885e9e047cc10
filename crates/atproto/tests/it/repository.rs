//! A repository that writes commits as a PDS does: the other side of everything that is checked here.

use std::collections::BTreeMap;

use millrace_atproto::car::CarWriter;
use millrace_atproto::cbor::{Value, encode};
use millrace_atproto::cid::Cid;
use millrace_atproto::commit::{Commit, UnsignedCommit};
use millrace_atproto::crypto::{Curve, PublicKey, SigningKey};
use millrace_atproto::frame::{Action, CommitFrame, RepoOp, SyncFrame};
use millrace_atproto::mst::Mst;
use millrace_atproto::sync::ChainState;
use millrace_atproto::syntax::{Did, Tid};

pub const NOW_US: i64 = 1_767_323_045_678_000;
const TIME: &str = "2026-01-02T03:04:05.678Z";

/// A record that says `text`.
pub fn record(text: &str) -> Vec<u8> {
    encode(&Value::map([("$type", Value::text("app.bsky.feed.post")), ("text", Value::text(text))]))
}

#[derive(Clone)]
pub struct Repository {
    pub did: Did,
    pub key: SigningKey,
    pub tree: Mst,
    pub records: BTreeMap<String, Vec<u8>>,
    /// Of the last commit.
    pub state: Option<ChainState>,
    revs: i64,
}

/// One write: a record, or `None` to delete it.
pub type Write = (String, Option<Vec<u8>>);

/// An operation that owns its path.
#[derive(Clone)]
pub struct Op {
    pub action: Option<Action>,
    pub path: String,
    pub cid: Option<Cid>,
    pub prev: Option<Cid>,
}

impl Op {
    pub fn new(action: Action, path: String, cid: Option<Cid>, prev: Option<Cid>) -> Self {
        Self { action: Some(action), path, cid, prev }
    }
}

/// Everything a `#commit` says, to be bent before it becomes one.
#[derive(Clone)]
pub struct Made {
    pub did: String,
    pub rev: String,
    pub since: Option<String>,
    pub prev_data: Option<Cid>,
    pub ops: Vec<Op>,
    /// The commit comes first.
    pub blocks: Vec<(Cid, Vec<u8>)>,
    car: Vec<u8>,
}

impl Repository {
    pub fn new(curve: Curve) -> Self {
        Self {
            did: Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap(),
            key: SigningKey::from_bytes(curve, &[7; 32]).unwrap(),
            tree: Mst::empty(),
            records: BTreeMap::new(),
            state: None,
            revs: 0,
        }
    }

    pub fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// Does the writes, one operation a path, and makes the commit.
    pub fn commit(&mut self, writes: &[Write]) -> Made {
        let before = self.tree.root();
        let ops: Vec<_> =
            writes.iter().map(|(path, record)| self.write(path, record.as_deref())).collect();
        let paths: Vec<_> = writes.iter().map(|(path, _)| path).collect();
        let since = self.state.map(|state| state.rev.to_string());
        let commit = self.sign();
        let mut blocks = vec![(commit.cid(), commit.block().to_vec())];
        blocks.extend(self.tree.covering_blocks(&paths).unwrap());
        blocks.extend(
            writes
                .iter()
                .filter_map(|(_, record)| record.clone())
                .map(|record| (Cid::of_dag_cbor(&record), record)),
        );
        let rev = commit.rev.to_string();
        let did = self.did.to_string();
        Made { did, rev, since, prev_data: Some(before), ops, blocks, car: Vec::new() }
    }

    fn write(&mut self, path: &str, record: Option<&[u8]>) -> Op {
        let cid = record.map(Cid::of_dag_cbor);
        let prev = self.tree.get(path).unwrap();
        let action = match (cid, prev) {
            (Some(cid), None) => self.tree.insert(path, cid).map(|()| Action::Create),
            (Some(cid), Some(_)) => self.tree.update(path, cid).map(|_| Action::Update),
            (None, _) => self.tree.delete(path).map(|_| Action::Delete),
        };
        match record {
            Some(record) => self.records.insert(path.to_owned(), record.to_vec()),
            None => self.records.remove(path),
        };
        Op::new(action.unwrap(), path.to_owned(), cid, prev)
    }

    /// Signs the tree as it is under a new revision.
    pub fn sign(&mut self) -> Commit {
        self.revs += 1;
        let rev = Tid::from_time(NOW_US - 1_000_000_000 + self.revs, 3);
        let data = self.tree.root();
        self.state = Some(ChainState { rev, data });
        Commit::sign(UnsignedCommit { did: self.did.clone(), rev, data, prev: None }, &self.key)
    }

    /// The whole repository as `getRepo` gives it, and its state. Blocks come in no useful order.
    pub fn export(&mut self) -> (Vec<u8>, ChainState) {
        let commit = self.sign();
        let mut blocks = self.tree.blocks();
        blocks
            .extend(self.records.values().map(|record| (Cid::of_dag_cbor(record), record.clone())));
        blocks.push((commit.cid(), commit.block().to_vec()));
        blocks.sort();
        blocks.dedup();
        (car(&commit.cid(), &blocks), self.state.unwrap())
    }
}

impl Made {
    /// The event, with the blocks as they are now.
    pub fn frame(&mut self) -> CommitFrame<'_> {
        let root = self.blocks.first().map_or(Cid::of_raw(b""), |(cid, _)| *cid);
        self.car = car(&root, &self.blocks);
        let ops = self.ops.iter().map(|op| RepoOp {
            action: op.action,
            path: &op.path,
            cid: op.cid,
            prev: op.prev,
        });
        CommitFrame {
            seq: 1,
            repo: &self.did,
            rev: &self.rev,
            since: self.since.as_deref(),
            commit: root,
            prev_data: self.prev_data,
            blocks: &self.car,
            ops: ops.collect(),
            time: TIME,
        }
    }

    pub fn sync_frame(&mut self) -> SyncFrame<'_> {
        self.blocks.truncate(1);
        let frame = self.frame();
        SyncFrame { seq: 2, did: frame.repo, rev: frame.rev, blocks: frame.blocks, time: TIME }
    }

    /// Puts another tree under the commit and signs that: what a lying PDS would do.
    pub fn resign(&mut self, key: &SigningKey, bend: impl FnOnce(&mut UnsignedCommit)) {
        let commit = Commit::parse(&self.blocks[0].1).unwrap();
        let mut unsigned = UnsignedCommit {
            did: commit.did,
            rev: commit.rev,
            data: commit.data,
            prev: commit.prev,
        };
        bend(&mut unsigned);
        let commit = Commit::sign(unsigned, key);
        self.blocks[0] = (commit.cid(), commit.block().to_vec());
    }
}

pub fn car(root: &Cid, blocks: &[(Cid, Vec<u8>)]) -> Vec<u8> {
    let mut writer = CarWriter::new(root);
    blocks.iter().for_each(|(cid, block)| writer.block(cid, block));
    writer.finish()
}

/// The path of the post number `at`.
pub fn path(at: usize) -> String {
    format!("app.bsky.feed.post/3k{at:05}")
}

/// Writes post number `at`.
pub fn put(at: usize, text: &str) -> Write {
    (path(at), Some(record(text)))
}

/// A repository of 300 records, its state, and a commit that creates, updates and deletes.
pub fn mixed() -> (Repository, ChainState, Made) {
    let mut repository = Repository::new(Curve::K256);
    let writes: Vec<_> = (0..300).map(|at| put(at, &format!("post {at}"))).collect();
    for batch in writes.chunks(100) {
        repository.commit(batch);
    }
    let prior = repository.state.unwrap();
    let made = repository.commit(&[put(1_000, "created"), put(7, "updated"), (path(8), None)]);
    (repository, prior, made)
}
