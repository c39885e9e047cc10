//! How many records of a kind accounts have, each account read once for an answer: what it has none of
//! is not looked for.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use foldhash::HashMap;
use millrace_store::{Param, StoreError, Tx};

use crate::apply::counters::ActorCounters;

/// The counters of the accounts asked about so far.
#[derive(Debug, Default)]
pub(crate) struct Counted(HashMap<i64, ActorCounters>);

static SQL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.actor_id, c.{}
         FROM {{id_list:$1}} AS ids CROSS JOIN actor_count AS c WHERE c.actor_id = ids.id",
        ActorCounters::COLUMNS.join(", c.")
    )
});

impl Counted {
    /// Reads the counters of those of `ids` that are not here yet.
    pub(super) fn read(
        &mut self,
        tx: &mut Tx,
        ids: impl IntoIterator<Item = i64>,
    ) -> Result<(), StoreError> {
        let new: BTreeSet<i64> = ids.into_iter().filter(|id| !self.0.contains_key(id)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let new: Vec<i64> = new.into_iter().collect();
        self.0.extend(new.iter().map(|id| (*id, ActorCounters::default())));
        tx.for_each(&SQL, &[Param::Ids(&new)], |row| {
            self.0.insert(row.get(0)?, ActorCounters::read(row, 1)?);
            Ok(())
        })
    }

    /// Of an account that was asked about; who has no counter has nothing.
    pub(super) fn of(&self, id: i64) -> ActorCounters {
        self.0.get(&id).copied().unwrap_or_default()
    }
}
