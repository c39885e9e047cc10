//! Proves operations by the tree: the new tree has what they say, and undoing them gives the tree before.

use super::{DesyncReason, InvalidReason, Reject};
use crate::car::CarSlice;
use crate::cid::Cid;
use crate::frame::{Action, RepoOp};
use crate::mst::{Mst, MstError};

/// Checks `ops` against the tree under `data`, as far as it is among the blocks. With `prev_data` they are
/// undone and the root that results must be it. The operations' fields must fit their actions.
pub(super) fn prove_ops(
    ops: &[RepoOp<'_>],
    data: &Cid,
    prev_data: Option<&Cid>,
    car: &CarSlice<'_>,
) -> Result<(), Reject> {
    // A commit that changes nothing need not carry any part of the tree.
    if ops.is_empty() {
        return match prev_data {
            Some(prev_data) if prev_data != data => Err(InvalidReason::Inversion.into()),
            _ => Ok(()),
        };
    }
    let mut tree = Mst::load(data, car).map_err(tree_error)?;
    let Some(prev_data) = prev_data else {
        return ops.iter().try_for_each(|op| look_up(&tree, op));
    };
    for op in ops {
        undo(&mut tree, op)?;
    }
    if tree.root() == *prev_data { Ok(()) } else { Err(InvalidReason::Inversion.into()) }
}

fn look_up(tree: &Mst, op: &RepoOp<'_>) -> Result<(), Reject> {
    if tree.get(op.path).map_err(tree_error)? == op.cid {
        Ok(())
    } else {
        Err(InvalidReason::OpTree.into())
    }
}

/// Undoes one operation. What it takes out must be what the operation put in.
fn undo(tree: &mut Mst, op: &RepoOp<'_>) -> Result<(), Reject> {
    let found = match (op.action, op.prev) {
        (Some(Action::Create), None) => tree.delete(op.path).map(Some),
        (Some(Action::Update), Some(prev)) => tree.update(op.path, prev).map(Some),
        (Some(Action::Delete), Some(prev)) => tree.insert(op.path, prev).map(|()| None),
        _ => return Err(InvalidReason::OpShape.into()),
    };
    if found.map_err(tree_error)? == op.cid { Ok(()) } else { Err(InvalidReason::OpTree.into()) }
}

fn tree_error(error: MstError) -> Reject {
    match error {
        MstError::Missing(cid) => DesyncReason::ProofIncomplete(cid).into(),
        MstError::KeyExists | MstError::KeyAbsent => InvalidReason::OpTree.into(),
        MstError::Key => InvalidReason::OpPath.into(),
        other => InvalidReason::Mst(other).into(),
    }
}
