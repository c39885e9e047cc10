//! Loads what is there of a tree and checks every node of it: fields, key order within and across nodes,
//! prefix compression, layers.

use super::codec::{NodeEntry, empty_node, read_node};
use super::keys::{Key, layer};
use super::node::{Entry, Link, Node};
use super::{Mst, MstError};
use crate::car::CarSlice;
use crate::cid::Cid;

/// The keys between which a subtree hangs.
#[derive(Clone, Copy)]
struct Bounds {
    low: Option<Key>,
    high: Option<Key>,
}

impl Mst {
    /// Loads what `blocks` holds of the tree under `root`; a subtree whose block is not there stays opaque.
    /// Every node is loaded once at most, so time and memory are bounded by `blocks`.
    pub fn load(root: &Cid, blocks: &CarSlice<'_>) -> Result<Self, MstError> {
        let mut tree = Self::empty();
        let block = blocks.get(root).ok_or(MstError::Missing(*root))?;
        if block == empty_node() {
            return Ok(tree);
        }
        let mut node = tree.read(block)?;
        let first = node.entries.first().ok_or(MstError::EmptyNode)?;
        node.layer = layer(tree.keys.get(first.key));
        node.cid = Some(*root);
        let bounds = Bounds { low: None, high: None };
        let root = tree.load_below(node, bounds, blocks)?;
        tree.root = match root {
            Link::Node(id) => Some(id),
            Link::None | Link::Opaque(_) => None,
        };
        Ok(tree)
    }

    /// Checks a node whose layer is known and loads what hangs below it.
    fn load_below(
        &mut self,
        mut node: Node,
        bounds: Bounds,
        blocks: &CarSlice<'_>,
    ) -> Result<Link, MstError> {
        self.check_bounds(&node, bounds)?;
        if node.entries.iter().any(|entry| layer(self.keys.get(entry.key)) != node.layer) {
            return Err(MstError::Layer);
        }
        for gap in 0..=node.entries.len() {
            let low = gap
                .checked_sub(1)
                .and_then(|before| node.entries.get(before))
                .map(|entry| entry.key);
            let high = node.entries.get(gap).map(|entry| entry.key);
            let bounds = Bounds { low: low.or(bounds.low), high: high.or(bounds.high) };
            let link = self.load_link(node.gap(gap), node.layer, bounds, blocks)?;
            node.set_gap(gap, link);
        }
        // In a tree no node hangs in two places, so there cannot be more nodes than blocks.
        if self.nodes.len() >= blocks.blocks().len() {
            return Err(MstError::Repeated);
        }
        Ok(Link::Node(self.add_node(node)))
    }

    fn load_link(
        &mut self,
        link: Link,
        parent_layer: u8,
        bounds: Bounds,
        blocks: &CarSlice<'_>,
    ) -> Result<Link, MstError> {
        let Link::Opaque(cid) = link else {
            return Ok(link);
        };
        let layer = parent_layer.checked_sub(1).ok_or(MstError::Layer)?;
        let Some(block) = blocks.get(&cid) else {
            return Ok(link);
        };
        let mut node = self.read(block)?;
        if node.is_bare() {
            return Err(MstError::EmptyNode);
        }
        node.layer = layer;
        node.cid = Some(cid);
        self.load_below(node, bounds, blocks)
    }

    /// Reads a node's block; its subtrees are opaque, its layer is not known yet.
    fn read(&mut self, block: &[u8]) -> Result<Node, MstError> {
        let mut entries = Vec::new();
        let mut previous = None;
        let left = read_node(block, |entry| {
            let key = self.expand(&entry, previous)?;
            previous = Some(key);
            entries.push(Entry { key, value: entry.value, right: opaque(entry.right) });
            Ok(())
        })?;
        Ok(Node { layer: 0, left: opaque(left), entries, cid: None })
    }

    fn expand(&mut self, entry: &NodeEntry<'_>, previous: Option<Key>) -> Result<Key, MstError> {
        entry.follows(previous.map(|key| self.keys.get(key)))?;
        match previous {
            None => Ok(self.keys.push(entry.suffix)),
            Some(previous) => self
                .keys
                .push_compressed(previous, entry.prefix, entry.suffix)
                .ok_or(MstError::Prefix),
        }
    }

    /// A node's keys are in order already; so the outermost two decide.
    fn check_bounds(&self, node: &Node, bounds: Bounds) -> Result<(), MstError> {
        let (Some(first), Some(last)) = (node.entries.first(), node.entries.last()) else {
            return Ok(());
        };
        let above = bounds.low.is_none_or(|low| self.keys.get(low) < self.keys.get(first.key));
        let below = bounds.high.is_none_or(|high| self.keys.get(last.key) < self.keys.get(high));
        if above && below { Ok(()) } else { Err(MstError::Order) }
    }
}

fn opaque(cid: Option<Cid>) -> Link {
    cid.map_or(Link::None, Link::Opaque)
}
