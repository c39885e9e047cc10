//! A thread as a flat list: the parents of an anchor from the top, the anchor, then its replies in
//! the order they are read, each with its depth. Replies that the thread's author hides, that the
//! viewer mutes or that only pin the thread are not in it: they are "other" replies, a list of
//! their own.
//!
//! `order.rs` says which reply comes first, `tree.rs` which posts belong; depths are bounded by the
//! method, so the tree is walked by recursion.

mod item;
mod order;
mod tree;

use std::collections::HashMap;

use serde_json::value::RawValue;

use super::Views;
use crate::error::XrpcError;
use crate::page::raw;

pub(crate) use order::Sort;

/// What is known of a thread before it is shown.
#[derive(Debug, Default)]
pub(crate) struct Skeleton {
    pub(crate) anchor: String,
    /// URIs of replies at all levels, newer ones before older ones within a level.
    pub(crate) replies: Vec<String>,
    /// Posts that the author of the root likes.
    pub(crate) liked_by_root_author: HashMap<String, String>,
    /// The thread that the author of the root wrote on their own, each post with its place from
    /// the root down, beginning with 1.
    pub(crate) op_thread: HashMap<String, usize>,
}

/// How much of a thread is shown, and in which order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Parents above the anchor.
    pub(crate) above: u32,
    /// Levels of replies below it.
    pub(crate) below: u32,
    /// Replies to each reply; those to the anchor are all shown.
    pub(crate) branching_factor: usize,
    pub(crate) sort: Sort,
}

/// A flat thread.
#[derive(Debug)]
pub(crate) struct FlatThread {
    pub(crate) items: Vec<Box<RawValue>>,
    /// The anchor has replies that are on the other list.
    pub(crate) has_other_replies: bool,
}

impl<'a> Views<'a> {
    /// The thread around its anchor. An anchor that cannot be shown stands alone, as what it is.
    pub(crate) fn thread_v2(
        &self,
        skeleton: &'a Skeleton,
        options: Options,
    ) -> Result<FlatThread, XrpcError> {
        let thread = tree::thread(*self, skeleton, options);
        let items = thread.items.into_iter().filter_map(|place| self.thread_item(skeleton, place));
        Ok(FlatThread {
            items: items.map(|item| raw(&item)).collect::<Result<_, _>>()?,
            has_other_replies: thread.has_other_replies,
        })
    }

    /// The other replies to the anchor; of their own replies none.
    pub(crate) fn thread_other_v2(
        &self,
        skeleton: &'a Skeleton,
    ) -> Result<Vec<Box<RawValue>>, XrpcError> {
        let places = tree::other_replies(*self, skeleton);
        let items = places.into_iter().filter_map(|place| self.thread_item(skeleton, place));
        items.map(|item| raw(&item)).collect()
    }
}
