//! Checks a `#commit`, cheapest and most telling checks first. Nothing is believed, not even that the
//! account is out of sync, before the account's signature is; but for empty blocks, which hold none.

use super::signed::{check_future, signed_commit};
use super::tree::prove_ops;
use super::{
    ChainState, DesyncReason, InvalidReason, InvalidRecord, Limits, Reject, Verified, VerifiedOp,
    check_record, split_path,
};
use crate::car::CarSlice;
use crate::crypto::PublicKey;
use crate::frame::{Action, CommitFrame, RepoOp};
use crate::syntax::{Did, Tid};

/// Checks a `#commit` against the key of its account and the state known of it.
///
/// `prior = None` starts a chain: the commit is checked against its own `prevData`; if it has none, the
/// inversion is skipped and each operation is only looked up in the new tree.
///
/// # Errors
/// [`Reject`]; its [`Reject::needs_resync`] and [`Reject::is_signature`] tell what to do about it.
pub fn verify_commit<'a>(
    frame: &CommitFrame<'a>,
    key: &PublicKey,
    prior: Option<&ChainState>,
    now_us: i64,
    limits: &Limits,
) -> Result<Verified<'a>, Reject> {
    check_sizes(frame, limits)?;
    Did::validate(frame.repo).map_err(InvalidReason::Did)?;
    let rev = Tid::parse(frame.rev).map_err(InvalidReason::Rev)?;
    if prior.is_some_and(|prior| rev <= prior.rev) {
        return Err(Reject::Stale);
    }
    check_future(rev, now_us, limits)?;
    if frame.blocks.is_empty() {
        return Err(DesyncReason::EmptyBlocks.into());
    }
    let car = CarSlice::parse(frame.blocks, &limits.commit_car).map_err(InvalidReason::Car)?;
    if car.root() != frame.commit {
        return Err(InvalidReason::Root.into());
    }
    let commit = signed_commit(&car, frame.repo, rev, key)?;
    if let Some(prior) = prior {
        check_continues(frame, prior)?;
    }
    check_ops(frame)?;
    prove_ops(&frame.ops, &commit.data, frame.prev_data.as_ref(), &car)?;

    let chain = ChainState { rev, data: commit.data };
    let (ops, invalid_records) = collect(&frame.ops, &car, limits)?;
    Ok(Verified { chain, commit: frame.commit, ops, invalid_records })
}

fn check_sizes(frame: &CommitFrame<'_>, limits: &Limits) -> Result<(), InvalidReason> {
    if frame.blocks.len() as u64 > limits.commit_car.bytes_max {
        return Err(InvalidReason::BlocksTooLarge(frame.blocks.len()));
    }
    if frame.ops.len() > limits.ops_max {
        return Err(InvalidReason::TooManyOps(limits.ops_max));
    }
    Ok(())
}

/// Whether the commit follows the one known directly.
fn check_continues(frame: &CommitFrame<'_>, prior: &ChainState) -> Result<(), DesyncReason> {
    match frame.prev_data {
        None => return Err(DesyncReason::PrevDataAbsent),
        Some(data) if data != prior.data => return Err(DesyncReason::PrevData),
        Some(_) => {}
    }
    let since = frame.since.and_then(|since| Tid::parse(since).ok());
    if since == Some(prior.rev) { Ok(()) } else { Err(DesyncReason::Since) }
}

/// Each operation has the CIDs its action calls for, and no path comes twice. `prev` may be left out of
/// commits without `prevData`, which cannot be inverted anyway.
fn check_ops(frame: &CommitFrame<'_>) -> Result<(), InvalidReason> {
    let inverted = frame.prev_data.is_some();
    for op in &frame.ops {
        let (cid, prev) = (op.cid.is_some(), op.prev.is_some());
        let fits = match op.action {
            Some(Action::Create) => cid && !prev,
            Some(Action::Update) => cid && (prev || !inverted),
            Some(Action::Delete) => !cid && (prev || !inverted),
            None => false,
        };
        if !fits {
            return Err(InvalidReason::OpShape);
        }
    }
    let mut paths: Vec<_> = frame.ops.iter().map(|op| op.path).collect();
    paths.sort_unstable();
    if paths.windows(2).any(|pair| matches!(pair, [left, right] if left == right)) {
        return Err(InvalidReason::OpDuplicate);
    }
    Ok(())
}

/// Puts operations and records together. Records that are not valid are left out alone.
fn collect<'a>(
    ops: &[RepoOp<'a>],
    car: &CarSlice<'a>,
    limits: &Limits,
) -> Result<(Vec<VerifiedOp<'a>>, Vec<InvalidRecord>), Reject> {
    let mut verified = Vec::with_capacity(ops.len());
    let mut invalid = Vec::new();
    let mut bytes = 0_usize;
    for op in ops {
        let action = op.action.ok_or(InvalidReason::OpShape)?;
        let (collection, rkey) = split_path(op.path).ok_or(InvalidReason::OpPath)?;
        let mut record = None;
        if let Some(cid) = op.cid {
            let block = car.get(&cid).ok_or(DesyncReason::RecordMissing(cid))?;
            // Counted before it is read: very many operations may name one large block.
            if block.len() <= limits.record_bytes_max {
                bytes = bytes.saturating_add(block.len());
            }
            if bytes > limits.records_bytes_max {
                return Err(DesyncReason::RecordsTooLarge(bytes).into());
            }
            if let Err(fault) = check_record(block, limits) {
                invalid.push(InvalidRecord { path: op.path.to_owned(), cid, fault });
                continue;
            }
            record = Some(block);
        }
        verified.push(VerifiedOp { action, collection, rkey, cid: op.cid, prev: op.prev, record });
    }
    Ok((verified, invalid))
}
