//! What `#commit` and `#sync` have in common: a revision that is new but not of the future, and a commit
//! block that the account signed.

use super::{ChainState, InvalidReason, Limits, Reject};
use crate::car::CarSlice;
use crate::commit::Commit;
use crate::crypto::PublicKey;
use crate::frame::SyncFrame;
use crate::syntax::{Did, Tid};

/// What a `#sync` says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncVerdict {
    /// The state that is known: ignore it.
    InSync,
    /// Another state: mark the repository desynchronized and refetch it.
    Diverged(ChainState),
}

/// Checks a `#sync`: sizes, syntax, revision, the commit block and its signature.
///
/// # Errors
/// [`Reject::Stale`] for a revision before the one known, else [`Reject::Invalid`].
pub fn verify_sync(
    frame: &SyncFrame<'_>,
    key: &PublicKey,
    prior: Option<&ChainState>,
    now_us: i64,
    limits: &Limits,
) -> Result<SyncVerdict, Reject> {
    if frame.blocks.len() as u64 > limits.sync_car.bytes_max {
        return Err(InvalidReason::BlocksTooLarge(frame.blocks.len()).into());
    }
    Did::validate(frame.did).map_err(InvalidReason::Did)?;
    let rev = Tid::parse(frame.rev).map_err(InvalidReason::Rev)?;
    if prior.is_some_and(|prior| rev < prior.rev) {
        return Err(Reject::Stale);
    }
    check_future(rev, now_us, limits)?;
    let car = CarSlice::parse(frame.blocks, &limits.sync_car).map_err(InvalidReason::Car)?;
    let commit = signed_commit(&car, frame.did, rev, key)?;
    let chain = ChainState { rev, data: commit.data };
    Ok(if prior == Some(&chain) { SyncVerdict::InSync } else { SyncVerdict::Diverged(chain) })
}

/// A revision may be ahead of our clock by a little.
pub(super) fn check_future(rev: Tid, now_us: i64, limits: &Limits) -> Result<(), InvalidReason> {
    let ahead_us = rev.time_us().saturating_sub(now_us);
    if ahead_us > limits.future_rev_us { Err(InvalidReason::FutureRev(ahead_us)) } else { Ok(()) }
}

/// The commit at the root of the blocks: this account's, of this revision, with a right signature.
pub(super) fn signed_commit(
    car: &CarSlice<'_>,
    did: &str,
    rev: Tid,
    key: &PublicKey,
) -> Result<Commit, InvalidReason> {
    let block = car.get(&car.root()).ok_or(InvalidReason::CommitMissing)?;
    let commit = Commit::parse(block)?;
    if commit.did.as_str() != did {
        return Err(InvalidReason::CommitDid);
    }
    if commit.rev != rev {
        return Err(InvalidReason::CommitRev);
    }
    commit.verify(key)?;
    Ok(commit)
}
