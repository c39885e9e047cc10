//! The write side: what facts do to homes, within the transaction that moves the offset.
//!
//! Nothing here waits for the data-plane: an item becomes a job that carries all it needs, a change between two
//! accounts becomes a wish to settle them, and what was done with a post makes it due.

pub(crate) mod engaged;
pub(crate) mod facts;
pub(crate) mod items;
pub(crate) mod readers;
pub(crate) mod tiers;

use millrace_store::{StoreError, Tx};

use crate::events::Announcement;
use crate::model::{ItemKey, PostKey};
use items::NewItem;

/// Facts of a batch, names resolved.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub came: Vec<NewItem>,
    pub went: Vec<(ItemKey, Option<PostKey>)>,
    pub touched: Vec<PostKey>,
    /// Who did something with whose post.
    pub interactions: Vec<(i64, i64)>,
    /// Whose home, and of whom.
    pub between: Vec<(i64, i64)>,
    /// Who follows whom, or no longer does.
    pub follows: Vec<(i64, i64, bool)>,
    /// What consumers outside are told of.
    pub announced: Vec<Announcement>,
}

pub(crate) fn apply(tx: &mut Tx, batch: &Batch, rescore_after_us: i64) -> Result<(), StoreError> {
    // What went may have come with the same batch.
    items::enqueue(tx, &batch.came)?;
    items::remove(tx, &batch.went)?;
    engaged::make_due(tx, &batch.touched, rescore_after_us)?;
    engaged::interacted(tx, &batch.interactions)?;
    readers::settle_later(tx, &batch.between)?;
    readers::follow_back(tx, &batch.follows)
}
