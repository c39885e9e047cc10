//! Checks the proof of one record, as `com.atproto.sync.getRecord` gives it.

use super::{InvalidReason, Limits, RecordFault, RepoError, check_record};
use crate::car::CarSlice;
use crate::cid::Cid;
use crate::commit::Commit;
use crate::crypto::PublicKey;
use crate::mst::Mst;
use crate::syntax::{Did, Nsid, RecordKey, Tid};

/// What a repository has at one path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvenRecord<'a> {
    /// Revision of the repository that proves it.
    pub rev: Tid,
    /// CID and bytes; `None`: it is proven that there is no such record.
    pub record: Option<(Cid, Result<&'a [u8], RecordFault>)>,
}

/// Checks the CAR file that proves what is at `collection/rkey`, or that nothing is.
///
/// # Errors
/// [`RepoError::Incomplete`] if blocks on the way to the record are missing, else [`RepoError::Invalid`].
pub fn verify_record<'a>(
    car: &'a [u8],
    did: &Did,
    collection: &Nsid,
    rkey: &RecordKey,
    key: &PublicKey,
    limits: &Limits,
) -> Result<ProvenRecord<'a>, RepoError> {
    let car = CarSlice::parse(car, &limits.commit_car)?;
    let block = car.get(&car.root()).ok_or(InvalidReason::CommitMissing)?;
    let commit = Commit::parse(block).map_err(InvalidReason::Commit)?;
    if commit.did != *did {
        return Err(InvalidReason::CommitDid.into());
    }
    commit.verify(key).map_err(InvalidReason::Signature)?;
    let tree = Mst::load(&commit.data, &car)?;
    let record = match tree.get(&format!("{collection}/{rkey}"))? {
        None => None,
        Some(cid) => {
            let bytes = car.get(&cid).ok_or(RepoError::Incomplete)?;
            Some((cid, check_record(bytes, limits).map(|()| bytes)))
        }
    };
    Ok(ProvenRecord { rev: commit.rev, record })
}
