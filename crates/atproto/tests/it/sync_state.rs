//! `#sync`: the state a repository announces.

use millrace_atproto::car::CarError;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::frame::SyncFrame;
use millrace_atproto::sync::{ChainState, InvalidReason, Limits, Reject, SyncVerdict, verify_sync};
use millrace_atproto::syntax::Tid;

use crate::repository::{NOW_US, Repository, mixed};

fn verify(
    repository: &Repository,
    frame: &SyncFrame<'_>,
    prior: Option<&ChainState>,
) -> Result<SyncVerdict, Reject> {
    verify_sync(frame, &repository.public(), prior, NOW_US, &Limits::default())
}

#[test]
fn a_sync_tells_whether_the_known_state_is_right() {
    let (repository, prior, mut made) = mixed();
    let state = repository.state.unwrap();
    let frame = made.sync_frame();
    assert_eq!(verify(&repository, &frame, Some(&state)), Ok(SyncVerdict::InSync));
    assert_eq!(verify(&repository, &frame, Some(&prior)), Ok(SyncVerdict::Diverged(state)));
    assert_eq!(verify(&repository, &frame, None), Ok(SyncVerdict::Diverged(state)));
    // The same revision with another tree is a fork; a later one makes it stale.
    let fork = ChainState { data: prior.data, ..state };
    assert_eq!(verify(&repository, &frame, Some(&fork)), Ok(SyncVerdict::Diverged(state)));
    let later = ChainState { rev: Tid::from_time(NOW_US, 0), ..state };
    assert_eq!(verify(&repository, &frame, Some(&later)), Err(Reject::Stale));
}

#[test]
fn a_sync_is_checked_as_a_commit_is() {
    let (mut repository, _, mut made) = mixed();
    let frame = made.sync_frame();
    let large = vec![0; 10_001];
    for (frame, expected) in [
        (SyncFrame { blocks: &large, ..frame }, InvalidReason::BlocksTooLarge(10_001)),
        (SyncFrame { blocks: &[], ..frame }, InvalidReason::Car(CarError::Truncated)),
        (SyncFrame { did: "did:web:example.com", ..frame }, InvalidReason::CommitDid),
        (SyncFrame { rev: "3jzfcijpj2z2a", ..frame }, InvalidReason::CommitRev),
    ] {
        assert_eq!(verify(&repository, &frame, None), Err(expected.into()));
    }
    repository.key = SigningKey::from_bytes(Curve::K256, &[9; 32]).unwrap();
    assert!(verify(&repository, &frame, None).unwrap_err().is_signature());
}
