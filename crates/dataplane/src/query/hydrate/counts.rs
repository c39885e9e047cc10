//! How many records of a kind accounts have, each account read once for an answer: what it has none of
//! is not looked for.

use std::collections::{BTreeSet, HashMap};

use millrace_store::{Param, StoreError, Tx};

/// An account's counters.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ActorCount {
    pub followers: i64,
    pub follows: i64,
    pub posts: i64,
    pub lists: i64,
    pub generators: i64,
    pub starter_packs: i64,
    /// Blocks of accounts.
    pub blocks: i64,
    pub list_blocks: i64,
    /// Threadgates and postgates.
    pub gates: i64,
    /// Labeler service, status and declarations.
    pub declarations: i64,
}

/// The counters of the accounts asked about so far.
#[derive(Debug, Default)]
pub(crate) struct Counted(HashMap<i64, ActorCount>);

const SQL: &str =
    "SELECT c.actor_id, c.followers, c.follows, c.posts, c.lists, c.generators, c.starter_packs,
        c.blocks, c.list_blocks, c.gates, c.declarations
    FROM {id_list:$1} AS ids CROSS JOIN actor_count AS c WHERE c.actor_id = ids.id";

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
        self.0.extend(new.iter().map(|id| (*id, ActorCount::default())));
        tx.for_each(SQL, &[Param::Ids(&new)], |row| {
            let count = ActorCount {
                followers: row.get(1)?,
                follows: row.get(2)?,
                posts: row.get(3)?,
                lists: row.get(4)?,
                generators: row.get(5)?,
                starter_packs: row.get(6)?,
                blocks: row.get(7)?,
                list_blocks: row.get(8)?,
                gates: row.get(9)?,
                declarations: row.get(10)?,
            };
            self.0.insert(row.get(0)?, count);
            Ok(())
        })
    }

    /// Of an account that was asked about; who has no counter has nothing.
    pub(super) fn of(&self, id: i64) -> ActorCount {
        self.0.get(&id).copied().unwrap_or_default()
    }
}
