//! Checks a whole repository, as `com.atproto.sync.getRepo` gives it.
//!
//! Blocks may come in any order, so they are held until the file ends; then the tree is walked twice with
//! one stack entry a layer: once to check it all, once by the caller to take the records in key order.
//! Memory: the file's blocks (at most `repo_car.bytes_max`, 512 MiB by default; a third more at worst) and
//! about 70 bytes a block; 500,000 records of 350 bytes take about 300 MB. CPU: two SHA-256 a record, off
//! the async threads.

use super::held::Held;
use super::signed::check_future;
use super::{ChainState, InvalidReason, Limits, RepoError, check_record, split_path};
use crate::car::{CarReader, PIECE_BYTES_MAX};
use crate::cid::Cid;
use crate::commit::Commit;
use crate::crypto::PublicKey;
use crate::mst::{Walk, WalkedLeaf};
use crate::syntax::Did;

/// Takes in a repository's CAR file piece by piece.
#[derive(Debug)]
pub struct RepoReader {
    car: CarReader,
    held: Held,
    limits: Limits,
}

impl RepoReader {
    /// Starts a file; bounds are [`Limits::repo_car`].
    pub fn new(limits: &Limits) -> Self {
        Self { car: CarReader::new(limits.repo_car), held: Held::default(), limits: *limits }
    }

    /// Takes the next piece of the file, of any size, and checks the blocks that are whole by now.
    ///
    /// # Errors
    /// [`RepoError::Invalid`] if the file is wrong or too large: stop fetching it.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), RepoError> {
        for part in piece.chunks(PIECE_BYTES_MAX) {
            self.car.push(part)?;
            while let Some((cid, block)) = self.car.next_block()? {
                self.held.insert(cid, block);
            }
        }
        Ok(())
    }

    /// Bytes taken in so far: what a caller adds up to bound the memory of all repositories in work.
    pub fn bytes_total(&self) -> u64 {
        self.car.bytes_total()
    }

    /// The file has ended: checks commit, signature and the whole tree.
    ///
    /// # Errors
    /// [`RepoError::Incomplete`] if the file broke off or lacks blocks, else [`RepoError::Invalid`].
    pub fn finish(
        self,
        did: &Did,
        key: &PublicKey,
        now_us: i64,
    ) -> Result<VerifiedRepo, RepoError> {
        let root = self.car.finish()?;
        let block = self.held.get(&root).ok_or(RepoError::Incomplete)?;
        let commit = Commit::parse(block).map_err(InvalidReason::Commit)?;
        if commit.did != *did {
            return Err(InvalidReason::CommitDid.into());
        }
        check_future(commit.rev, now_us, &self.limits)?;
        commit.verify(key).map_err(InvalidReason::Signature)?;
        let (leaves_total, invalid) = check_leaves(&commit.data, &self.held, &self.limits)?;
        Ok(VerifiedRepo { commit, held: self.held, leaves_total, invalid })
    }
}

/// Walks the whole tree. Gives the number of leaves, and which of them (counted from 0) are no valid records.
///
/// A small file may hang one large block under very many keys: each leaf counts, so that neither the check
/// here nor whoever takes the records does more work than the largest file is worth.
fn check_leaves(data: &Cid, held: &Held, limits: &Limits) -> Result<(u64, Vec<u32>), RepoError> {
    let (mut total, mut bytes) = (0_u64, 0_u64);
    let mut invalid = Vec::new();
    for leaf in Walk::new(data, |cid| held.get(cid)) {
        let WalkedLeaf { key, value } = leaf?;
        let record = held.get(&value).ok_or(RepoError::Incomplete)?;
        bytes = bytes.saturating_add(record.len() as u64);
        if bytes > limits.repo_car.bytes_max {
            return Err(InvalidReason::RecordsTooLarge(limits.repo_car.bytes_max).into());
        }
        if split_path(&key).is_none() || check_record(record, limits).is_err() {
            invalid.push(total as u32);
        }
        total += 1;
    }
    Ok((total, invalid))
}

/// A whole repository that passed. Holds its blocks until it is dropped.
#[derive(Debug)]
pub struct VerifiedRepo {
    /// Its signed commit.
    pub commit: Commit,
    held: Held,
    leaves_total: u64,
    /// Ordinals of leaves that are no valid records, ascending.
    invalid: Vec<u32>,
}

/// One record of a [`VerifiedRepo`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepoLeaf<'a> {
    /// `collection/rkey`, both halves checked.
    pub path: String,
    /// The record's CID, as the tree has it.
    pub cid: Cid,
    /// The record, a map in strict DAG-CBOR.
    pub record: &'a [u8],
}

impl VerifiedRepo {
    /// What to keep for the next commit.
    pub fn chain(&self) -> ChainState {
        ChainState { rev: self.commit.rev, data: self.commit.data }
    }

    /// How many valid records there are.
    pub fn valid_total(&self) -> u64 {
        self.leaves_total - self.invalid_total()
    }

    /// How many leaves are left out because their path or bytes are not valid.
    pub fn invalid_total(&self) -> u64 {
        self.invalid.len() as u64
    }

    /// The valid records in key order.
    pub fn leaves(&self) -> impl Iterator<Item = RepoLeaf<'_>> {
        let mut invalid = self.invalid.iter().copied().peekable();
        Walk::new(&self.commit.data, |cid| self.held.get(cid))
            // The tree was walked to its end when it was checked: no leaf is an error.
            .map_while(Result::ok)
            .zip(0_u32..)
            .filter_map(move |(WalkedLeaf { key, value }, at)| {
                if invalid.next_if_eq(&at).is_some() {
                    return None;
                }
                self.held.get(&value).map(|record| RepoLeaf { path: key, cid: value, record })
            })
    }
}

/// Checks a whole repository that lies in memory; see [`RepoReader`] for one that arrives in pieces.
///
/// # Errors
/// As [`RepoReader::push`] and [`RepoReader::finish`].
pub fn verify_repo(
    car: &[u8],
    did: &Did,
    key: &PublicKey,
    now_us: i64,
    limits: &Limits,
) -> Result<VerifiedRepo, RepoError> {
    let mut reader = RepoReader::new(limits);
    reader.push(car)?;
    reader.finish(did, key, now_us)
}
