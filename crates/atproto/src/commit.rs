//! skeleton
use crate::cid::Cid;
use crate::crypto::{PublicKey, SigningKey};
use crate::syntax::{Did, Tid};

/// skeleton
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommitError {
    /// skeleton
    #[error("skeleton")]
    Skeleton,
}

/// What a commit says, before it is signed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnsignedCommit {
    /// The repository's account.
    pub did: Did,
    /// Revision, greater than that of every earlier commit.
    pub rev: Tid,
    /// Root of the tree.
    pub data: Cid,
    /// CID of the previous commit; null in practice.
    pub prev: Option<Cid>,
}

/// A signed commit, version 3.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The repository's account.
    pub did: Did,
    /// Revision.
    pub rev: Tid,
    /// Root of the tree.
    pub data: Cid,
    /// CID of the previous commit; null in practice.
    pub prev: Option<Cid>,
    /// Compact signature.
    pub sig: [u8; 64],
}

impl Commit {
    /// Reads a commit block.
    pub fn parse(block: &[u8]) -> Result<Self, CommitError> {
        let _ = block;
        unimplemented!()
    }

    /// Checks the signature.
    pub fn verify(&self, key: &PublicKey) -> Result<(), CommitError> {
        let _ = key;
        unimplemented!()
    }

    /// Signs a commit.
    pub fn sign(commit: UnsignedCommit, key: &SigningKey) -> Self {
        let _ = (commit, key);
        unimplemented!()
    }

    /// The commit block; its CID is `Cid::of_dag_cbor` of this.
    pub fn encode(&self) -> Vec<u8> {
        unimplemented!()
    }
}
