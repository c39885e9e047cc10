//! To whose activity the viewer is subscribed, of accounts that are shown in detail.

use foldhash::{HashMap, HashMapExt};
use millrace_store::{Param, StoreError, Tx};

use super::viewer::Viewer;
use crate::model::ActivitySubscription;

const SUBSCRIPTIONS: &str = "SELECT ids.id,
        CAST(CASE WHEN s.posts_since_us IS NULL THEN 0 ELSE 1 END AS BIGINT),
        CAST(CASE WHEN s.replies_since_us IS NULL THEN 0 ELSE 1 END AS BIGINT)
    FROM {id_list:$1} AS ids CROSS JOIN dictionary.actor AS d CROSS JOIN own.activity_subscription AS s
    WHERE d.id = ids.id AND s.did = $2 AND s.subject = d.did";

pub(super) fn load(
    tx: &mut Tx,
    viewer: Option<&Viewer>,
    ids: &[i64],
) -> Result<HashMap<i64, ActivitySubscription>, StoreError> {
    let Some(viewer) = viewer.filter(|_| !ids.is_empty()) else { return Ok(HashMap::new()) };
    let rows = tx.query(SUBSCRIPTIONS, &[Param::Ids(ids), Param::from(&viewer.did)], |row| {
        Ok((row.get(0)?, ActivitySubscription { post: row.get(1)?, reply: row.get(2)? }))
    })?;
    Ok(rows.into_iter().collect())
}
