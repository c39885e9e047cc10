//! Builds a whole tree from its leaves at once, top down: the keys of a layer part those below it.

use super::keys::{check_key, layer};
use super::node::{Entry, Link, Node, NodeId};
use super::{Mst, MstError};
use crate::cid::Cid;

/// A leaf, and the layer of its key.
struct Leaf<K> {
    key: K,
    value: Cid,
    layer: u8,
}

impl Mst {
    /// The tree of these leaves, which may come in any order. [`MstError::KeyExists`] if a key comes twice.
    pub fn from_leaves<K: AsRef<str>>(
        leaves: impl IntoIterator<Item = (K, Cid)>,
    ) -> Result<Self, MstError> {
        let mut all = Vec::new();
        for (key, value) in leaves {
            check_key(key.as_ref())?;
            let layer = layer(key.as_ref());
            all.push(Leaf { key, value, layer });
        }
        all.sort_unstable_by(|left, right| left.key.as_ref().cmp(right.key.as_ref()));
        if all
            .windows(2)
            .any(|pair| matches!(pair, [left, right] if left.key.as_ref() == right.key.as_ref()))
        {
            return Err(MstError::KeyExists);
        }
        let mut tree = Self::empty();
        if let Some(top) = all.iter().map(|leaf| leaf.layer).max() {
            tree.root = Some(tree.build(&all, top));
        }
        Ok(tree)
    }

    /// Builds the node at `layer` over `leaves`, of which there is at least one, none of a higher layer.
    fn build<K: AsRef<str>>(&mut self, leaves: &[Leaf<K>], layer: u8) -> NodeId {
        let mut node = Node { layer, left: Link::None, entries: Vec::new(), cid: None };
        let mut rest = leaves;
        loop {
            let (below, from) = rest
                .split_at(rest.iter().position(|leaf| leaf.layer == layer).unwrap_or(rest.len()));
            if !below.is_empty() {
                // Below layer 0 there is nothing, so `layer` is at least 1 here.
                let child = self.build(below, layer.saturating_sub(1));
                node.set_gap(node.entries.len(), Link::Node(child));
            }
            let Some((leaf, after)) = from.split_first() else {
                break;
            };
            let key = self.keys.push(leaf.key.as_ref());
            node.entries.push(Entry { key, value: leaf.value, right: Link::None });
            rest = after;
        }
        self.add_node(node)
    }
}
