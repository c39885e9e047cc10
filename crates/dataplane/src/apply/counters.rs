//! Counters of a batch: differences gathered in memory, written once, in key order.
//!
//! Only rows that were really inserted or removed get here, so a counter equals a count of rows.

use std::collections::BTreeMap;

use millrace_store::{Param, Row, StoreError, Tx};

use super::ids::Subject;

/// What is counted of an account, or what changes of that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ActorCounters {
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
    /// Labeler service, status, and what is declared of notifications, chat and the like.
    pub declarations: i64,
}

impl ActorCounters {
    /// The columns of `actor_count` beside its key, in the order of [`Self::read`] and of the fields.
    pub(crate) const COLUMNS: [&str; 10] = [
        "followers",
        "follows",
        "posts",
        "lists",
        "generators",
        "starter_packs",
        "blocks",
        "list_blocks",
        "gates",
        "declarations",
    ];

    /// Reads the columns from the one at `first` on.
    pub(crate) fn read(row: &Row<'_>, first: usize) -> Result<Self, StoreError> {
        Ok(Self {
            followers: row.get(first)?,
            follows: row.get(first + 1)?,
            posts: row.get(first + 2)?,
            lists: row.get(first + 3)?,
            generators: row.get(first + 4)?,
            starter_packs: row.get(first + 5)?,
            blocks: row.get(first + 6)?,
            list_blocks: row.get(first + 7)?,
            gates: row.get(first + 8)?,
            declarations: row.get(first + 9)?,
        })
    }
}

/// What changes on a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct RecordChange {
    pub likes: i64,
    pub replies: i64,
    pub reposts: i64,
    pub quotes: i64,
    /// Accounts on a list.
    pub items: i64,
}

/// The differences of a batch, in the order their rows are locked.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    actors: BTreeMap<i64, ActorCounters>,
    records: BTreeMap<Subject, RecordChange>,
}

impl Counters {
    pub(crate) fn actor(&mut self, actor: i64) -> &mut ActorCounters {
        self.actors.entry(actor).or_default()
    }

    pub(crate) fn record(&mut self, subject: Subject) -> &mut RecordChange {
        self.records.entry(subject).or_default()
    }

    pub(crate) fn write(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let actors = std::mem::take(&mut self.actors);
        tx.execute_many(
            "INSERT INTO actor_count (actor_id, followers, follows, posts, lists, generators, starter_packs,
                blocks, list_blocks, gates, declarations)
             {values:BIGINT KEY,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}
             ON CONFLICT (actor_id) DO UPDATE SET followers = actor_count.followers + excluded.followers,
                follows = actor_count.follows + excluded.follows, posts = actor_count.posts + excluded.posts,
                lists = actor_count.lists + excluded.lists,
                generators = actor_count.generators + excluded.generators,
                starter_packs = actor_count.starter_packs + excluded.starter_packs,
                blocks = actor_count.blocks + excluded.blocks,
                list_blocks = actor_count.list_blocks + excluded.list_blocks,
                gates = actor_count.gates + excluded.gates,
                declarations = actor_count.declarations + excluded.declarations",
            actors.into_iter().filter(|(_, change)| *change != ActorCounters::default()).map(|(actor, change)| {
                let ActorCounters { followers, follows, posts, lists, generators, starter_packs, .. } = change;
                let ActorCounters { blocks, list_blocks, gates, declarations, .. } = change;
                [
                    actor, followers, follows, posts, lists, generators, starter_packs, blocks, list_blocks, gates,
                    declarations,
                ]
                .map(Param::Int)
            }),
        )?;
        let records = std::mem::take(&mut self.records);
        tx.execute_many(
            "INSERT INTO record_count (actor_id, rkey, collection, likes, replies, reposts, quotes, items)
             {values:BIGINT KEY,BIGINT KEY,BIGINT KEY,BIGINT,BIGINT,BIGINT,BIGINT,BIGINT}
             ON CONFLICT (actor_id, rkey, collection) DO UPDATE SET likes = record_count.likes + excluded.likes,
                replies = record_count.replies + excluded.replies, reposts = record_count.reposts + excluded.reposts,
                quotes = record_count.quotes + excluded.quotes, items = record_count.items + excluded.items",
            records.into_iter().filter(|(_, change)| *change != RecordChange::default()).map(|(subject, change)| {
                let Subject { actor, rkey, collection } = subject;
                let RecordChange { likes, replies, reposts, quotes, items } = change;
                [actor, rkey, collection, likes, replies, reposts, quotes, items].map(Param::Int)
            }),
        )?;
        Ok(())
    }
}
