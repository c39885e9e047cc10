//! A run: operations on distinct records, gathered by kind and written together.

use std::collections::BTreeMap;

use foldhash::{HashSet, HashSetExt};
use millrace_atproto::cid::Cid;
use millrace_store::{StoreError, Tx};

use super::edge::Fields as EdgeFields;
use super::ids::Subject;
use super::list_item::Listed;
use super::{
    Effects, Key, Op, Put, Write, block, document, follow, gates, like, list_block, list_item,
    post, profile, repost, verification,
};
use crate::collection::Collection;

/// What a record's fields are once names are ids.
#[derive(Debug, Clone)]
pub(crate) enum Fields {
    Profile(profile::Fields),
    Post(post::Fields),
    Like(EdgeFields<Subject>),
    Repost(EdgeFields<Subject>),
    Follow(EdgeFields<i64>),
    Block(EdgeFields<i64>),
    ListItem(EdgeFields<Listed>),
    ListBlock(list_block::Fields),
    Verification(verification::Fields),
    Document(Collection, document::Fields),
}

/// The operations of a run, by kind. A record stands in it at most once.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(super) profiles: Vec<Op<profile::Fields>>,
    pub(super) posts: Vec<Op<post::Fields>>,
    pub(super) likes: Vec<Op<EdgeFields<Subject>>>,
    pub(super) reposts: Vec<Op<EdgeFields<Subject>>>,
    pub(super) follows: Vec<Op<EdgeFields<i64>>>,
    pub(super) blocks: Vec<Op<EdgeFields<i64>>>,
    pub(super) list_items: Vec<Op<EdgeFields<Listed>>>,
    pub(super) list_blocks: Vec<Op<list_block::Fields>>,
    pub(super) verifications: Vec<Op<verification::Fields>>,
    pub(super) documents: BTreeMap<Collection, Vec<Op<document::Fields>>>,
    held: HashSet<(Collection, Key)>,
}

/// Where and when an operation is.
#[derive(Debug, Clone, Copy)]
struct Place {
    key: Key,
    at_us: i64,
    order: usize,
}

impl Place {
    fn put<F>(self, cid: Cid, json: String, fields: F) -> Op<F> {
        let Self { key, at_us, order } = self;
        Op { key, at_us, order, write: Write::Put(Put { cid, json, fields }) }
    }

    fn delete<F>(self) -> Op<F> {
        let Self { key, at_us, order } = self;
        Op { key, at_us, order, write: Write::Delete }
    }
}

impl Run {
    /// Whether a further operation on this record has to wait for the next run.
    pub(crate) fn holds(&self, collection: Collection, key: Key) -> bool {
        self.held.contains(&(collection, key))
    }

    /// Adds a put of a record.
    pub(crate) fn put(&mut self, collection: Collection, key: Key, at_us: i64, put: Put<Fields>) {
        let Put { cid, json, fields } = put;
        let place = Place { key, at_us, order: self.held.len() };
        self.held.insert((collection, key));
        match fields {
            Fields::Profile(fields) => self.profiles.push(place.put(cid, json, fields)),
            Fields::Post(fields) => self.posts.push(place.put(cid, json, fields)),
            Fields::Like(fields) => self.likes.push(place.put(cid, json, fields)),
            Fields::Repost(fields) => self.reposts.push(place.put(cid, json, fields)),
            Fields::Follow(fields) => self.follows.push(place.put(cid, json, fields)),
            Fields::Block(fields) => self.blocks.push(place.put(cid, json, fields)),
            Fields::ListItem(fields) => self.list_items.push(place.put(cid, json, fields)),
            Fields::ListBlock(fields) => self.list_blocks.push(place.put(cid, json, fields)),
            Fields::Verification(fields) => self.verifications.push(place.put(cid, json, fields)),
            Fields::Document(collection, fields) => {
                self.documents.entry(collection).or_default().push(place.put(cid, json, fields));
            }
        }
    }

    /// Adds a deletion.
    pub(crate) fn delete(&mut self, collection: Collection, key: Key, at_us: i64) {
        let place = Place { key, at_us, order: self.held.len() };
        self.held.insert((collection, key));
        match collection {
            Collection::Profile => self.profiles.push(place.delete()),
            Collection::Post => self.posts.push(place.delete()),
            Collection::Like => self.likes.push(place.delete()),
            Collection::Repost => self.reposts.push(place.delete()),
            Collection::Follow => self.follows.push(place.delete()),
            Collection::Block => self.blocks.push(place.delete()),
            Collection::ListItem => self.list_items.push(place.delete()),
            Collection::ListBlock => self.list_blocks.push(place.delete()),
            Collection::Verification => self.verifications.push(place.delete()),
            Collection::Generator
            | Collection::List
            | Collection::StarterPack
            | Collection::Labeler
            | Collection::Threadgate
            | Collection::Postgate
            | Collection::Status
            | Collection::NotificationDeclaration
            | Collection::ChatDeclaration
            | Collection::GermDeclaration
            | Collection::Publication => {
                self.documents.entry(collection).or_default().push(place.delete());
            }
        }
    }

    /// Writes the run and leaves it empty. Where a post has to be judged by what other operations
    /// of the run say, those before it are written first.
    pub(crate) fn apply(&mut self, tx: &mut Tx, effects: &mut Effects) -> Result<(), StoreError> {
        let mut rest = std::mem::take(self);
        for order in gates::cuts(tx, &rest)? {
            let later = rest.split_off(order);
            rest.write(tx, effects)?;
            rest = later;
        }
        rest.write(tx, effects)
    }

    /// Splits off the operations from the one at `order` on.
    fn split_off(&mut self, order: usize) -> Self {
        fn from<F>(ops: &mut Vec<Op<F>>, order: usize) -> Vec<Op<F>> {
            let first = ops.partition_point(|op| op.order < order);
            ops.split_off(first)
        }
        let documents = self.documents.iter_mut();
        Self {
            profiles: from(&mut self.profiles, order),
            posts: from(&mut self.posts, order),
            likes: from(&mut self.likes, order),
            reposts: from(&mut self.reposts, order),
            follows: from(&mut self.follows, order),
            blocks: from(&mut self.blocks, order),
            list_items: from(&mut self.list_items, order),
            list_blocks: from(&mut self.list_blocks, order),
            verifications: from(&mut self.verifications, order),
            documents: documents.map(|(code, ops)| (*code, from(ops, order))).collect(),
            held: HashSet::new(),
        }
    }

    /// Posts come first: what else the run holds happened after those that depend on it.
    fn write(&self, tx: &mut Tx, effects: &mut Effects) -> Result<(), StoreError> {
        post::apply(tx, &self.posts, effects)?;
        profile::apply(tx, &self.profiles, effects)?;
        like::apply(tx, &self.likes, effects)?;
        repost::apply(tx, &self.reposts, effects)?;
        follow::apply(tx, &self.follows, effects)?;
        block::apply(tx, &self.blocks, effects)?;
        list_item::apply(tx, &self.list_items, effects)?;
        list_block::apply(tx, &self.list_blocks, effects)?;
        verification::apply(tx, &self.verifications, effects)?;
        for (collection, ops) in &self.documents {
            document::apply(tx, *collection, ops, effects)?;
        }
        Ok(())
    }
}
