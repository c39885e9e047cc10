//! Walks a tree's leaves in key order with one stack entry a layer.

use super::Mst;
use super::node::{Link, NodeId};
use crate::cid::Cid;

/// Leaves in key order; see [`Mst::leaves`].
#[derive(Clone, Debug)]
pub struct Leaves<'a> {
    tree: &'a Mst,
    /// Nodes on the way, and the entry of each that comes next.
    path: Vec<(NodeId, usize)>,
}

impl<'a> Leaves<'a> {
    pub(super) fn new(tree: &'a Mst) -> Self {
        let mut leaves = Self { tree, path: Vec::new() };
        leaves.descend(tree.root_link());
        leaves
    }

    /// Goes down to the least leaf under a link.
    fn descend(&mut self, mut link: Link) {
        while let Link::Node(id) = link {
            self.path.push((id, 0));
            link = self.tree.node(id).left;
        }
    }
}

impl<'a> Iterator for Leaves<'a> {
    type Item = (&'a str, Cid);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (id, next) = self.path.last_mut()?;
            match self.tree.node(*id).entries.get(*next) {
                Some(entry) => {
                    *next += 1;
                    self.descend(entry.right);
                    return Some((self.tree.keys.get(entry.key), entry.value));
                }
                None => {
                    self.path.pop();
                }
            }
        }
    }
}
