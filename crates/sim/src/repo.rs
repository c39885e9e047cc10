//! A repository as its PDS holds it: records, the tree over them, the last signed commit.

use std::collections::BTreeMap;

use millrace_atproto::car::CarWriter;
use millrace_atproto::cid::Cid;
use millrace_atproto::commit::{Commit, UnsignedCommit};
use millrace_atproto::crypto::SigningKey;
use millrace_atproto::frame::{Action, CommitFrame, RepoOp, SyncFrame};
use millrace_atproto::mst::{Mst, MstError};
use millrace_atproto::syntax::{Did, Tid};

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

/// Why a repository refuses a write.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    #[error("there is no record at {0}")]
    NoRecord(String),
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

/// What a commit changed: all that its frame says, owned.
#[derive(Debug, Clone)]
pub struct Committed {
    did: Did,
    rev: Tid,
    since: Option<Tid>,
    commit: Cid,
    prev_data: Option<Cid>,
    blocks: Vec<u8>,
    ops: Vec<(Action, String, Option<Cid>, Option<Cid>)>,
}

impl Committed {
    pub fn rev(&self) -> Tid {
        self.rev
    }

    /// What was done at which path, with the record's new CID.
    pub fn ops(&self) -> impl Iterator<Item = (Action, &str, Option<Cid>)> {
        self.ops.iter().map(|(action, path, cid, _)| (*action, path.as_str(), *cid))
    }

    /// The `#commit` frame with this sequence number.
    pub fn frame(&self, seq: i64, time: &str) -> Vec<u8> {
        let rev = self.rev.to_string();
        let since = self.since.map(|rev| rev.to_string());
        let ops = self.ops.iter().map(|(action, path, cid, prev)| RepoOp {
            action: Some(*action),
            path,
            cid: *cid,
            prev: *prev,
        });
        let frame = CommitFrame {
            seq,
            repo: self.did.as_str(),
            rev: &rev,
            since: since.as_deref(),
            commit: self.commit,
            prev_data: self.prev_data,
            blocks: &self.blocks,
            ops: ops.collect(),
            time,
        };
        frame.encode()
    }
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

    /// Applies the writes as one commit. `since` and `prevData` name the commit before.
    pub fn apply(
        &mut self,
        key: &SigningKey,
        rev: Tid,
        writes: &[Write],
    ) -> Result<Committed, RepoError> {
        if rev <= self.commit.rev {
            return Err(RepoError::Rev(rev));
        }
        let (since, prev_data) = (self.commit.rev, self.commit.data);
        let ops =
            writes.iter().map(|write| self.write(write)).collect::<Result<Vec<_>, RepoError>>()?;
        self.commit = sign(&self.commit.did, key, rev, self.tree.root());
        let cid = self.commit.cid();
        let mut car = CarWriter::new(&cid);
        car.block(&cid, self.commit.block());
        let paths: Vec<&str> = ops.iter().map(|op| op.1.as_str()).collect();
        for (cid, block) in self.tree.covering_blocks(&paths)? {
            car.block(&cid, &block);
        }
        for (_, path, cid, _) in &ops {
            if let (Some(cid), Some((_, record))) = (cid, self.records.get(path)) {
                car.block(cid, record);
            }
        }
        Ok(Committed {
            did: self.commit.did.clone(),
            rev,
            since: Some(since),
            commit: cid,
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

    fn write(
        &mut self,
        write: &Write,
    ) -> Result<(Action, String, Option<Cid>, Option<Cid>), RepoError> {
        match write {
            Write::Put { path, record } => {
                let cid = Cid::of_dag_cbor(record);
                let before =
                    self.records.insert(path.clone(), (cid, record.clone())).map(|(cid, _)| cid);
                let action = match before {
                    None => {
                        self.tree.insert(path, cid)?;
                        Action::Create
                    }
                    Some(_) => {
                        self.tree.update(path, cid)?;
                        Action::Update
                    }
                };
                Ok((action, path.clone(), Some(cid), before))
            }
            Write::Delete { path } => {
                let before =
                    self.records.remove(path).ok_or_else(|| RepoError::NoRecord(path.clone()))?.0;
                self.tree.delete(path)?;
                Ok((Action::Delete, path.clone(), None, Some(before)))
            }
        }
    }
}

fn sign(did: &Did, key: &SigningKey, rev: Tid, data: Cid) -> Commit {
    Commit::sign(UnsignedCommit { did: did.clone(), rev, data, prev: None }, key)
}
