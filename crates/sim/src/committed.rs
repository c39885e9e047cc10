//! What a commit changed: all that its frame says, owned. Faults bend its fields.

use millrace_atproto::cid::Cid;
use millrace_atproto::frame::{Action, CommitFrame, RepoOp};
use millrace_atproto::syntax::{Did, Tid};

/// A commit as it is told to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed {
    pub did: Did,
    pub rev: Tid,
    pub since: Option<Tid>,
    pub commit: Cid,
    pub prev_data: Option<Cid>,
    /// A CAR file: the commit, the tree's nodes that prove the change, the records.
    pub blocks: Vec<u8>,
    pub ops: Vec<Op>,
}

/// One operation of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    pub action: Action,
    /// `collection/rkey`
    pub path: String,
    /// The record's new CID; none for a deletion.
    pub cid: Option<Cid>,
    /// The CID before; none for a creation.
    pub prev: Option<Cid>,
}

impl Committed {
    /// The `#commit` frame with this sequence number.
    pub fn frame(&self, seq: i64, time: &str) -> Vec<u8> {
        let rev = self.rev.to_string();
        let since = self.since.map(|rev| rev.to_string());
        let ops = self.ops.iter().map(|op| RepoOp {
            action: Some(op.action),
            path: &op.path,
            cid: op.cid,
            prev: op.prev,
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
