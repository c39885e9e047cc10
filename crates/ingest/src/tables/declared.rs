//! `declared_labeler`: whose repositories say that they are labelers. Whoever wants to can say so: the rows are bounded,
//! and that somebody stands here means nothing more.

use millrace_atproto::Did;
use millrace_store::{Param, StoreError, Tx};

use super::accounts::did;

/// Rows; of those who come when it is full nothing is known until others have gone.
pub(crate) const ROWS_MAX: i64 = 4_096;

/// Who declares themselves a labeler, and who does no more.
pub(crate) fn save(tx: &mut Tx, changes: &[(Did, bool)]) -> Result<(), StoreError> {
    let now_us = tx.now_us();
    for (did, is_declared) in changes {
        if *is_declared {
            tx.execute(
                "INSERT INTO declared_labeler (did, seen_us)
                 SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT)
                 WHERE (SELECT count(*) FROM declared_labeler) < $3
                 ON CONFLICT (did) DO NOTHING",
                &[did.into(), now_us.into(), ROWS_MAX.into()],
            )?;
        } else {
            tx.execute("DELETE FROM declared_labeler WHERE did = $1", &[did.into()])?;
        }
    }
    Ok(())
}

/// Everybody who declares themselves, those seen first first.
pub(crate) fn all(tx: &mut Tx) -> Result<Vec<Did>, StoreError> {
    tx.query(
        "SELECT did FROM declared_labeler ORDER BY seen_us, did LIMIT $1",
        &[Param::Int(ROWS_MAX)],
        |row| did(row, 0),
    )
}
