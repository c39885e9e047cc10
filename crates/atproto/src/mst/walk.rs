//! Walks a tree in key order straight from its blocks, with one stack entry a layer, and checks every
//! node on the way: for whole repositories, which are too large to load as a tree for nothing.

use std::vec;

use super::MstError;
use super::codec::{NodeEntry, empty_node, read_node};
use super::keys::layer;
use crate::cid::Cid;

/// A leaf that [`Walk`] came by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WalkedLeaf {
    /// The key; ASCII.
    pub key: String,
    /// What is under it.
    pub value: Cid,
}

/// A node on the way down.
#[derive(Debug)]
struct Step<'a> {
    layer: u8,
    entries: vec::IntoIter<NodeEntry<'a>>,
    /// The entry passed last; prefixes refer to it.
    key: String,
}

/// Leaves in key order, or the first error, after which there is nothing more. The tree was sound if it
/// ends without one. `blocks` finds a node's block; it has been checked to be what its CID names.
#[derive(Debug)]
pub struct Walk<'a, F> {
    blocks: F,
    path: Vec<Step<'a>>,
    last_key: String,
    /// Found while starting, to be told first.
    failed: Option<MstError>,
}

impl<'a, F: Fn(&Cid) -> Option<&'a [u8]>> Walk<'a, F> {
    /// Starts at the least key of the tree under `root`.
    pub fn new(root: &Cid, blocks: F) -> Self {
        let mut walk = Self { blocks, path: Vec::new(), last_key: String::new(), failed: None };
        walk.failed = walk.start(root).err();
        walk
    }

    fn start(&mut self, root: &Cid) -> Result<(), MstError> {
        let block = (self.blocks)(root).ok_or(MstError::Missing(*root))?;
        if block == empty_node() {
            return Ok(());
        }
        let mut first = None;
        read_node(block, |entry| {
            first.get_or_insert(entry.suffix);
            Ok(())
        })?;
        let top = layer(first.ok_or(MstError::EmptyNode)?);
        self.descend(Some(*root), top)
    }

    /// Goes down to the least leaf under a node of the given layer.
    fn descend(&mut self, mut node: Option<Cid>, mut layer: u8) -> Result<(), MstError> {
        while let Some(cid) = node {
            let block = (self.blocks)(&cid).ok_or(MstError::Missing(cid))?;
            let mut entries = Vec::new();
            node = read_node(block, |entry| {
                entries.push(entry);
                Ok(())
            })?;
            if entries.is_empty() && node.is_none() {
                return Err(MstError::EmptyNode);
            }
            self.path.push(Step { layer, entries: entries.into_iter(), key: String::new() });
            if node.is_some() {
                layer = layer.checked_sub(1).ok_or(MstError::Layer)?;
            }
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Option<WalkedLeaf>, MstError> {
        loop {
            let Some(step) = self.path.last_mut() else { return Ok(None) };
            let Some(entry) = step.entries.next() else {
                self.path.pop();
                continue;
            };
            let previous = (!step.key.is_empty()).then_some(step.key.as_str());
            entry.follows(previous)?;
            step.key.truncate(entry.prefix);
            step.key.push_str(entry.suffix);
            if layer(&step.key) != step.layer {
                return Err(MstError::Layer);
            }
            if step.key <= self.last_key {
                return Err(MstError::Order);
            }
            self.last_key.clone_from(&step.key);
            let (key, below) = (step.key.clone(), step.layer.checked_sub(1));
            if entry.right.is_some() {
                self.descend(entry.right, below.ok_or(MstError::Layer)?)?;
            }
            return Ok(Some(WalkedLeaf { key, value: entry.value }));
        }
    }
}

impl<'a, F: Fn(&Cid) -> Option<&'a [u8]>> Iterator for Walk<'a, F> {
    type Item = Result<WalkedLeaf, MstError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.failed.take() {
            Some(error) => Err(error),
            None => self.step(),
        };
        if next.is_err() {
            self.path.clear();
        }
        next.transpose()
    }
}
