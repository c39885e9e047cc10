//! A batch of log entries, applied in their order within one transaction.

use std::collections::BTreeMap;

use foldhash::HashMap;
use millrace_atproto::syntax::Tid;
use millrace_store::{Param, StoreError, Tx};

use super::actor::Actors;
use super::decode::{Body, Decoded, DecodedOp};
use super::ids::Ids;
use super::label::{self, Labels};
use super::run::Run;
use super::search;
use super::snapshot::{self, Range};
use super::{Effects, Key};
use crate::collection::Collection;

/// Decoded entries with the ids of every name in them.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub entries: Vec<Decoded>,
    pub ids: Ids,
}

/// Applies the batch: rows, counters, notifications, facts and the sources' progress. How many labels there
/// was no room for.
pub(crate) fn apply(tx: &mut Tx, batch: &Batch) -> Result<usize, StoreError> {
    let of_accounts = batch.entries.iter().filter(|entry| !matches!(entry.body, Body::Mark));
    let mut authors: Vec<i64> = of_accounts.map(|entry| batch.ids.actor(&entry.did)).collect();
    authors.sort_unstable();
    authors.dedup();
    let mut applying = Applying {
        ids: &batch.ids,
        actors: Actors::load(tx, &authors)?,
        run: Run::default(),
        labels: Labels::default(),
        labels_dropped: 0,
        effects: Effects::default(),
    };
    let mut progress: BTreeMap<&str, i64> = BTreeMap::new();
    for entry in &batch.entries {
        applying.entry(tx, entry)?;
        if let (Body::Mark, Some(seq)) = (&entry.body, entry.source_seq) {
            progress.insert(&entry.source, seq);
        }
    }
    applying.run.apply(tx, &mut applying.effects)?;
    applying.labels_dropped += applying.labels.apply(tx)?;
    millrace_runtime::crash::point("projection.apply.within");
    let mut renamed = std::mem::take(&mut applying.effects.renamed);
    renamed.extend(applying.actors.renamed());
    applying.actors.write(tx)?;
    search::actors(tx, &renamed)?;
    applying.effects.write(tx)?;
    save_progress(tx, &progress)?;
    Ok(applying.labels_dropped)
}

fn save_progress(tx: &mut Tx, progress: &BTreeMap<&str, i64>) -> Result<(), StoreError> {
    tx.execute_many(
        "INSERT INTO source_progress (source, visible_seq) {values:TEXT KEY,BIGINT}
         ON CONFLICT (source) DO UPDATE SET visible_seq = excluded.visible_seq",
        progress.iter().map(|(source, seq)| [Param::Text(source), Param::Int(*seq)]),
    )?;
    Ok(())
}

/// Removes what is stored of an account that is gone, as its deletion did.
pub(crate) fn purge(tx: &mut Tx, actor: i64, self_key: i64) -> Result<(), StoreError> {
    let stored = snapshot::stored_in(tx, actor, &Range::default(), self_key)?;
    forget(tx, &stored)?;
    label::purge(tx, actor)
}

/// Removes records as their authors' deletions would.
pub(crate) fn forget(tx: &mut Tx, records: &[(Collection, Key)]) -> Result<(), StoreError> {
    let (mut run, mut effects) = (Run::default(), Effects::default());
    let now_us = tx.now_us();
    for (collection, key) in records {
        run.delete(*collection, *key, now_us);
    }
    run.apply(tx, &mut effects)?;
    search::actors(tx, &effects.renamed)?;
    effects.write(tx)
}

struct Applying<'a> {
    ids: &'a Ids,
    actors: Actors,
    run: Run,
    labels: Labels,
    labels_dropped: usize,
    effects: Effects,
}

impl Applying<'_> {
    fn entry(&mut self, tx: &mut Tx, entry: &Decoded) -> Result<(), StoreError> {
        if matches!(entry.body, Body::Mark) {
            return Ok(());
        }
        let actor = self.ids.actor(&entry.did);
        self.effects.facts.trace(actor, &entry.trace);
        match &entry.body {
            Body::Commit(ops) => self.commit(tx, actor, entry, ops),
            Body::Snapshot { after, through, records, last } => {
                let range = Range { after: after.as_deref(), through: through.as_deref() };
                self.snapshot(tx, actor, entry, &range, records, *last)
            }
            Body::Identity { handle } => {
                self.actors.set_handle(tx, actor, handle.as_deref(), entry.time_us, entry.at_us)
            }
            Body::Account { active, status } => {
                let set = self.actors.set_status(
                    actor,
                    *active,
                    status.as_deref(),
                    entry.time_us,
                    entry.at_us,
                );
                match set && !active && status.as_deref() == Some("deleted") {
                    true => self.purge(tx, actor, entry.at_us),
                    false => Ok(()),
                }
            }
            Body::Labels(labels) => {
                labels.iter().for_each(|label| self.labels.add(label, entry.at_us, self.ids));
                Ok(())
            }
            Body::Mark => Ok(()),
        }
    }

    fn commit(
        &mut self,
        tx: &mut Tx,
        actor: i64,
        entry: &Decoded,
        ops: &[DecodedOp],
    ) -> Result<(), StoreError> {
        let rev = stored_rev(entry.rev);
        let account = self.actors.get(actor, entry.at_us);
        if rev <= account.repo_rev {
            return Ok(());
        }
        account.repo_rev = rev;
        ops.iter().try_for_each(|op| self.op(tx, actor, entry.at_us, op))
    }

    fn snapshot(
        &mut self,
        tx: &mut Tx,
        actor: i64,
        entry: &Decoded,
        range: &Range<'_>,
        records: &[DecodedOp],
        last: bool,
    ) -> Result<(), StoreError> {
        let rev = stored_rev(entry.rev);
        let account = self.actors.get(actor, entry.at_us);
        if rev < account.repo_rev {
            return Ok(());
        }
        if last {
            account.repo_rev = rev;
        }
        // What is stored must be seen as the entries before this one left it.
        self.run.apply(tx, &mut self.effects)?;
        let stored = snapshot::stored_in(tx, actor, range, self.ids.self_key())?;
        let mut gone: HashMap<_, _> = stored.into_iter().map(|record| (record, ())).collect();
        for record in records {
            gone.remove(&(record.collection, (actor, self.ids.rkey(&record.rkey))));
        }
        for (collection, key) in gone.into_keys() {
            self.run.delete(collection, key, entry.at_us);
        }
        records.iter().try_for_each(|record| self.op(tx, actor, entry.at_us, record))
    }

    /// Removes all of an account's records, and the labels it issued.
    fn purge(&mut self, tx: &mut Tx, actor: i64, at_us: i64) -> Result<(), StoreError> {
        self.labels_dropped += self.labels.apply(tx)?;
        label::purge(tx, actor)?;
        self.run.apply(tx, &mut self.effects)?;
        for (collection, key) in
            snapshot::stored_in(tx, actor, &Range::default(), self.ids.self_key())?
        {
            self.run.delete(collection, key, at_us);
        }
        Ok(())
    }

    fn op(
        &mut self,
        tx: &mut Tx,
        actor: i64,
        at_us: i64,
        op: &DecodedOp,
    ) -> Result<(), StoreError> {
        let key = (actor, self.ids.rkey(&op.rkey));
        if self.run.holds(op.collection, key) {
            self.run.apply(tx, &mut self.effects)?;
        }
        match &op.put {
            Some(put) => self.run.put(op.collection, key, at_us, put.resolved(self.ids)),
            None => self.run.delete(op.collection, key, at_us),
        }
        Ok(())
    }
}

/// A revision as it is stored; an entry without one comes before all.
fn stored_rev(rev: Option<Tid>) -> i64 {
    rev.and_then(|rev| i64::try_from(rev.to_u64()).ok()).unwrap_or(-1)
}
