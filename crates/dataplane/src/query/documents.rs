//! What an account made of one kind: its lists, its starter packs …, a page at a time.

use millrace_store::{Param, Row, StoreError, Tx};

use super::cursor::TimeKey;
use super::page_limit;
use super::uri_page::{Dated, UriPage};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Reads `actor_id, rkey, sort_at_us`.
pub(crate) fn dated(row: &Row<'_>) -> Result<Dated, StoreError> {
    Ok(Dated { actor: row.get(0)?, rkey: row.get(1)?, sort_at_us: row.get(2)? })
}

/// The latest before `cursor`; of lists, those of some purposes (see the table), if any are named.
pub(crate) fn of_actor(
    tx: &mut Tx,
    actor: Option<i64>,
    collection: Collection,
    purposes: &[i64],
    (limit, limit_max): (u32, u32),
    cursor: Option<&str>,
) -> Result<UriPage, DataplaneError> {
    let limit = page_limit(limit, limit_max)?;
    let before = TimeKey::parse(cursor)?;
    let Some(actor) = actor else { return Ok(UriPage::default()) };
    let purpose = if purposes.is_empty() {
        ""
    } else {
        "AND d.purpose IN (SELECT p.id FROM {id_list:$7} AS p)"
    };
    let sql = format!(
        "SELECT d.actor_id, d.rkey, d.sort_at_us FROM document AS d
         WHERE d.actor_id = $1 AND d.collection = $2
           AND (d.sort_at_us, d.rkey, d.actor_id) < ($3, $4, $5) {purpose}
         ORDER BY d.sort_at_us DESC, d.rkey DESC, d.actor_id DESC LIMIT $6"
    );
    let mut params = vec![
        Param::Int(actor),
        Param::Int(collection.code()),
        Param::Int(before.time_us),
        Param::Int(before.key),
        Param::Int(before.actor),
        Param::Int(limit + 1),
    ];
    if !purposes.is_empty() {
        params.push(Param::Ids(purposes));
    }
    let mut rows = tx.query(&sql, &params, dated)?;
    Dated::page(tx, &mut rows, limit, collection)
}
