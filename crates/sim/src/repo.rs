//! A repository as its PDS holds it: records, the tree over them, the last signed commit.

use std::collections::{BTreeMap, BTreeSet};

use millrace_atproto::car::CarWriter;
use millrace_atproto::cid::Cid;
use millrace_atproto::commit::{Commit, UnsignedCommit};
use millrace_atproto::crypto::SigningKey;
use millrace_atproto::frame::{Action, SyncFrame};
use millrace_atproto::mst::{Mst, MstError};
use millrace_atproto::syntax::{Did, Tid};

pub use crate::committed::{Committed, Op};

/// One write of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Creates the record, or replaces it.
    Put {
        path: String,
        record: Vec<u8>,
    },
    Delete {
        path: String,
    },
}

impl Write {
    /// `collection/rkey`
    pub fn path(&self) -> &str {
        match self {
            Self::Put { path, .. } | Self::Delete { path } => path,
        }
    }
}

/// Why a repository refuses a write. It is then as it was before.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    #[error("there is no account {0} that could write here")]
    NoAccount(Did),
    #[error("there is no record at {0}")]
    NoRecord(String),
    #[error("two writes of one commit at {0}")]
    Twice(String),
    #[error("the revision {0} is not after the last one")]
    Rev(Tid),
    #[error(transparent)]
    Tree(#[from] MstError),
}

/// An account's repository.
#[derive(Debug, Clone)]
pub struct Repo {
    records: BTreeMap<String, (Cid, Vec<u8>)>,
    tree: Mst,
    commit: Commit,
}

impl Repo {
    /// An empty repository with its first commit.
    pub fn new(did: &Did, key: &SigningKey, rev: Tid) -> Self {
        let mut tree = Mst::empty();
        let commit = sign(did, key, rev, tree.root());
        Self { records: BTreeMap::new(), tree, commit }
    }

    pub fn rev(&self) -> Tid {
        self.commit.rev
    }

    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Records by path.
    pub fn records(&self) -> &BTreeMap<String, (Cid, Vec<u8>)> {
        &self.records
    }

    /// Paths of a collection, in order.
    pub fn paths_in<'a>(&'a self, collection: &'a str) -> impl Iterator<Item = &'a str> {
        let from = format!("{collection}/");
        self.records
            .range(from.clone()..)
            .map(|(path, _)| path.as_str())
            .take_while(move |path| path.starts_with(&from))
    }

    /// Applies the writes as one commit. `since` and `prevData` name the commit before. Without writes
    /// it is a commit that changes nothing but the revision.
    pub fn apply(
        &mut self,
        key: &SigningKey,
        rev: Tid,
        writes: &[Write],
    ) -> Result<Committed, RepoError> {
        self.check(rev, writes)?;
        let (since, prev_data) = (self.commit.rev, self.commit.data);
        let ops =
            writes.iter().map(|write| self.write(write)).collect::<Result<Vec<_>, RepoError>>()?;
        self.commit = sign(&self.commit.did, key, rev, self.tree.root());
        let commit = self.commit.cid();
        let mut car = CarWriter::new(&commit);
        car.block(&commit, self.commit.block());
        let paths: Vec<&str> = ops.iter().map(|op| op.path.as_str()).collect();
        for (cid, block) in self.tree.covering_blocks(&paths)? {
            car.block(&cid, &block);
        }
        for op in &ops {
            if let (Some(cid), Some((_, record))) = (op.cid, self.records.get(&op.path)) {
                car.block(&cid, record);
            }
        }
        Ok(Committed {
            did: self.commit.did.clone(),
            rev,
            since: Some(since),
            commit,
            prev_data: Some(prev_data),
            blocks: car.finish(),
            ops,
        })
    }

    /// What `getRepo` answers: the whole repository as a CAR file.
    pub fn car(&self) -> Vec<u8> {
        let cid = self.commit.cid();
        let mut car = CarWriter::new(&cid);
        car.block(&cid, self.commit.block());
        for (cid, block) in self.tree.clone().blocks() {
            car.block(&cid, &block);
        }
        for (cid, record) in self.records.values() {
            car.block(cid, record);
        }
        car.finish()
    }

    /// What `com.atproto.sync.getRecord` answers: the proof of what is at `path`, or that nothing is.
    pub fn proof(&self, path: &str) -> Result<Vec<u8>, RepoError> {
        let cid = self.commit.cid();
        let mut car = CarWriter::new(&cid);
        car.block(&cid, self.commit.block());
        for (cid, block) in self.tree.clone().proof_blocks(path)? {
            car.block(&cid, &block);
        }
        if let Some((cid, record)) = self.records.get(path) {
            car.block(cid, record);
        }
        Ok(car.finish())
    }

    /// The `#sync` frame of the repository as it is.
    pub fn sync_frame(&self, seq: i64, time: &str) -> Vec<u8> {
        let (rev, blocks) = self.sync_blocks();
        SyncFrame { seq, did: self.commit.did.as_str(), rev: &rev, blocks: &blocks, time }.encode()
    }

    /// Revision and blocks of a `#sync`.
    pub fn sync_blocks(&self) -> (String, Vec<u8>) {
        let cid = self.commit.cid();
        let mut car = CarWriter::new(&cid);
        car.block(&cid, self.commit.block());
        (self.commit.rev.to_string(), car.finish())
    }

    /// Everything that could refuse the writes, before the first of them is done.
    fn check(&self, rev: Tid, writes: &[Write]) -> Result<(), RepoError> {
        if rev <= self.commit.rev {
            return Err(RepoError::Rev(rev));
        }
        let mut seen = BTreeSet::new();
        for write in writes {
            let path = write.path();
            millrace_atproto::mst::check_key(path)?;
            if !seen.insert(path) {
                return Err(RepoError::Twice(path.to_owned()));
            }
            if matches!(write, Write::Delete { .. }) && !self.records.contains_key(path) {
                return Err(RepoError::NoRecord(path.to_owned()));
            }
        }
        Ok(())
    }

    fn write(&mut self, write: &Write) -> Result<Op, RepoError> {
        match write {
            Write::Put { path, record } => {
                let cid = Cid::of_dag_cbor(record);
                let prev =
                    self.records.insert(path.clone(), (cid, record.clone())).map(|(cid, _)| cid);
                let action = match prev {
                    None => {
                        self.tree.insert(path, cid)?;
                        Action::Create
                    }
                    Some(_) => {
                        self.tree.update(path, cid)?;
                        Action::Update
                    }
                };
                Ok(Op { action, path: path.clone(), cid: Some(cid), prev })
            }
            Write::Delete { path } => {
                let prev = self.records.remove(path).map(|(cid, _)| cid);
                self.tree.delete(path)?;
                Ok(Op { action: Action::Delete, path: path.clone(), cid: None, prev })
            }
        }
    }
}

fn sign(did: &Did, key: &SigningKey, rev: Tid, data: Cid) -> Commit {
    Commit::sign(UnsignedCommit { did: did.clone(), rev, data, prev: None }, key)
}
