//! Accounts of a batch: loaded once, changed in memory by its entries, written once.
//!
//! `repo_rev` makes replays harmless: a commit at or below it has been applied. A status or a
//! handle yields only to one that is not older than itself, so a late `#account` of a former PDS
//! changes nothing.

use std::collections::BTreeMap;

use millrace_store::{Param, StoreError, Tx};

/// What a batch may change of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Actor {
    pub handle: Option<String>,
    pub handle_at_us: i64,
    pub active: bool,
    pub status: Option<String>,
    pub status_at_us: i64,
    /// The last applied revision as an integer; −1 before the first.
    pub repo_rev: i64,
    pub indexed_at_us: i64,
}

impl Actor {
    fn new(at_us: i64) -> Self {
        Self {
            handle: None,
            handle_at_us: 0,
            active: true,
            status: None,
            status_at_us: 0,
            repo_rev: -1,
            indexed_at_us: at_us,
        }
    }
}

/// The accounts of a batch by id.
#[derive(Debug, Default)]
pub(crate) struct Actors {
    stored: BTreeMap<i64, Actor>,
    current: BTreeMap<i64, Actor>,
    /// Others whose handle somebody of the batch holds now.
    dispossessed: Vec<i64>,
}

impl Actors {
    pub(crate) fn load(tx: &mut Tx, ids: &[i64]) -> Result<Self, StoreError> {
        let rows = tx.query(
            "SELECT a.actor_id, a.handle, a.handle_at_us, a.active, a.status, a.status_at_us, a.repo_rev, a.indexed_at_us
             FROM {id_list:$1} AS ids CROSS JOIN actor AS a WHERE a.actor_id = ids.id",
            &[Param::Ids(ids)],
            |row| {
                let actor = Actor {
                    handle: row.get(1)?,
                    handle_at_us: row.get(2)?,
                    active: row.get(3)?,
                    status: row.get(4)?,
                    status_at_us: row.get(5)?,
                    repo_rev: row.get(6)?,
                    indexed_at_us: row.get(7)?,
                };
                Ok((row.get(0)?, actor))
            },
        )?;
        let stored: BTreeMap<i64, Actor> = rows.into_iter().collect();
        Ok(Self { current: stored.clone(), stored, dispossessed: Vec::new() })
    }

    /// The account, known from now on if it was not before.
    pub(crate) fn get(&mut self, id: i64, at_us: i64) -> &mut Actor {
        self.current.entry(id).or_insert_with(|| Actor::new(at_us))
    }

    /// Gives `id` the handle verified at `time_us`; whoever held it before, does no more.
    pub(crate) fn set_handle(
        &mut self,
        tx: &mut Tx,
        id: i64,
        handle: Option<&str>,
        time_us: i64,
        at_us: i64,
    ) -> Result<(), StoreError> {
        let actor = self.get(id, at_us);
        if time_us < actor.handle_at_us {
            return Ok(());
        }
        actor.handle = handle.map(str::to_owned);
        actor.handle_at_us = time_us;
        let Some(handle) = handle else { return Ok(()) };
        for (other, actor) in &mut self.current {
            if *other != id && actor.handle.as_deref() == Some(handle) {
                actor.handle = None;
            }
        }
        self.dispossessed.extend(tx.query(
            "UPDATE actor SET handle = NULL WHERE handle = $1 AND actor_id <> $2 RETURNING actor_id",
            &[Param::Text(handle), Param::Int(id)],
            |row| row.get::<i64>(0),
        )?);
        Ok(())
    }

    /// Sets the status reported at `time_us`, unless a later one is known. True when it was set.
    pub(crate) fn set_status(
        &mut self,
        id: i64,
        active: bool,
        status: Option<&str>,
        time_us: i64,
        at_us: i64,
    ) -> bool {
        let actor = self.get(id, at_us);
        if time_us < actor.status_at_us {
            return false;
        }
        actor.active = active;
        actor.status = status.map(str::to_owned);
        actor.status_at_us = time_us;
        true
    }

    /// Accounts of the batch that got or lost a handle.
    pub(crate) fn renamed(&self) -> impl Iterator<Item = i64> {
        let handle = |id: &i64| self.stored.get(id).and_then(|actor| actor.handle.as_deref());
        let changed =
            self.current.iter().filter(move |(id, actor)| handle(id) != actor.handle.as_deref());
        changed.map(|(id, _)| *id).chain(self.dispossessed.iter().copied())
    }

    /// Writes what changed, in id order.
    pub(crate) fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        let Self { stored, current, dispossessed: _ } = self;
        let changed = current.iter().filter(|(id, actor)| stored.get(id) != Some(actor));
        tx.execute_many(
            "INSERT INTO actor (actor_id, handle, handle_at_us, active, status, status_at_us, repo_rev, indexed_at_us)
             {values:BIGINT KEY,TEXT,BIGINT,BIGINT,TEXT,BIGINT,BIGINT,BIGINT}
             ON CONFLICT (actor_id) DO UPDATE SET handle = excluded.handle, handle_at_us = excluded.handle_at_us,
                active = excluded.active, status = excluded.status, status_at_us = excluded.status_at_us,
                repo_rev = excluded.repo_rev",
            changed.map(|(id, actor)| {
                [
                    Param::Int(*id),
                    Param::from(actor.handle.as_deref()),
                    Param::Int(actor.handle_at_us),
                    Param::Bool(actor.active),
                    Param::from(actor.status.as_deref()),
                    Param::Int(actor.status_at_us),
                    Param::Int(actor.repo_rev),
                    Param::Int(actor.indexed_at_us),
                ]
            }),
        )?;
        Ok(())
    }
}
