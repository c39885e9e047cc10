//! A node in memory, and the links between nodes.

use super::Mst;
use super::keys::Key;
use crate::cid::Cid;

/// A node's place in its tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct NodeId(u32);

impl NodeId {
    pub(super) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("invariant: a tree has fewer than 2^32 nodes"))
    }

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// What hangs between two neighbouring keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Link {
    /// Nothing.
    None,
    /// A subtree whose nodes are not at hand.
    Opaque(Cid),
    /// A subtree that is.
    Node(NodeId),
}

/// A leaf, and what hangs to its right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) value: Cid,
    pub(super) right: Link,
}

/// A node: gap 0, entry 0, gap 1, entry 1, … gap n. A node other than a root may have gap 0 only.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) layer: u8,
    /// Gap 0.
    pub(super) left: Link,
    pub(super) entries: Vec<Entry>,
    /// The node's CID; `None` since it, or a node below, changed.
    pub(super) cid: Option<Cid>,
}

/// Where a key belongs in a node.
pub(super) enum Place {
    /// It is this entry.
    Entry(usize),
    /// It lies in this gap.
    Gap(usize),
}

impl Node {
    pub(super) fn gap(&self, gap: usize) -> Link {
        match gap.checked_sub(1) {
            None => self.left,
            Some(before) => self.entries.get(before).map_or(Link::None, |entry| entry.right),
        }
    }

    pub(super) fn set_gap(&mut self, gap: usize, link: Link) {
        match gap.checked_sub(1) {
            None => self.left = link,
            Some(before) => {
                self.entries
                    .get_mut(before)
                    .expect("invariant: a gap lies beside an entry")
                    .right = link;
            }
        }
    }

    /// Whether nothing is left of it.
    pub(super) fn is_bare(&self) -> bool {
        self.entries.is_empty() && self.left == Link::None
    }
}

impl Mst {
    pub(super) fn add_node(&mut self, node: Node) -> NodeId {
        match self.free.pop() {
            Some(id) => {
                *self.node_mut(id) = node;
                id
            }
            None => {
                self.nodes.push(node);
                NodeId::new(self.nodes.len() - 1)
            }
        }
    }

    pub(super) fn free_node(&mut self, id: NodeId) {
        let node = self.node_mut(id);
        node.left = Link::None;
        node.entries = Vec::new();
        self.free.push(id);
    }

    /// Puts nodes without keys on top of a subtree until it is as high as `to`.
    pub(super) fn lift(&mut self, mut link: Link, from: u8, to: u8) -> Link {
        if link == Link::None {
            return link;
        }
        for layer in from.saturating_add(1)..=to {
            link = Link::Node(self.add_node(Node {
                layer,
                left: link,
                entries: Vec::new(),
                cid: None,
            }));
        }
        link
    }
}
