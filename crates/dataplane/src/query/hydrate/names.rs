//! Which names an answer needs: every family adds the ids it will show, and the dictionary is read
//! once for all of them.

use millrace_store::{StoreError, Tx};

use super::PostKey;
use crate::names::Names;

#[derive(Debug, Default)]
pub(super) struct NameIds {
    actors: Vec<i64>,
    rkeys: Vec<i64>,
}

impl NameIds {
    pub(super) fn actor(&mut self, id: i64) {
        self.actors.push(id);
    }

    /// A record, in whatever collection.
    pub(super) fn record(&mut self, actor: i64, rkey: i64) {
        self.actors.push(actor);
        self.rkeys.push(rkey);
    }

    pub(super) fn records<'a>(&mut self, keys: impl IntoIterator<Item = &'a PostKey>) {
        keys.into_iter().for_each(|key| self.record(key.0, key.1));
    }

    pub(super) fn read(self, tx: &mut Tx) -> Result<Names, StoreError> {
        Names::of(tx, self.actors, self.rkeys)
    }
}
