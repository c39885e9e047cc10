//! Old notifications of likes, reposts, follows and the like, recipient by recipient. Those of posts,
//! which say what somebody was told, stay with their posts.

use millrace_store::{Param, StoreError, Tx};

use super::{At, Forgotten, Part, next_actor};
use crate::collection::Collection;

/// A part of one recipient's notifications.
pub(super) fn part(
    tx: &mut Tx,
    actor: i64,
    before_us: i64,
    rows_max: u32,
) -> Result<Part, StoreError> {
    let gone = tx.execute(
        "DELETE FROM notification WHERE (actor_id, sort_at_us, author, rkey, collection, reason) IN (
             SELECT actor_id, sort_at_us, author, rkey, collection, reason FROM notification
             WHERE actor_id = $1 AND sort_at_us < $2 AND collection <> $4 ORDER BY sort_at_us LIMIT $3)",
        &[Param::Int(actor), Param::Int(before_us), Param::Int(i64::from(rows_max)), Param::Int(Collection::Post.code())],
    )?;
    let at = match gone {
        0 => next_actor(tx, "notification", actor)?.map_or(At::End, At::Notices),
        _ => At::Notices(actor),
    };
    let gone = Forgotten { notifications: gone, ..Forgotten::default() };
    Ok(Part { at, gone, rows: 1 })
}
