//! Changes to a tree. Each goes down one path; a subtree at the key's place is split or joined. Recursion
//! changes nothing on its way down, so a step that finds a node missing at the bottom leaves no half-split
//! subtree behind. Depth is bounded by the layers: at most 128.

use super::keys::{check_key, layer};
use super::node::{Entry, Link, Node, NodeId, Place};
use super::{Mst, MstError};
use crate::cid::Cid;

impl Mst {
    /// Adds a leaf; [`MstError::KeyExists`] if there is one under the key.
    pub fn insert(&mut self, key: &str, value: Cid) -> Result<(), MstError> {
        check_key(key)?;
        let layer = layer(key);
        match self.root {
            Some(root) if self.node(root).layer >= layer => {
                self.insert_below(root, key, value, layer)
            }
            Some(root) => self.insert_above(root, key, value, layer),
            None => {
                self.root = Some(self.add_leaf(key, value, layer, Link::None, Link::None));
                Ok(())
            }
        }
    }

    /// Replaces a leaf's value and returns the old one; [`MstError::KeyAbsent`] if there is none.
    pub fn update(&mut self, key: &str, value: Cid) -> Result<Cid, MstError> {
        let mut link = self.root_link();
        loop {
            let id = self.loaded(link)?.ok_or(MstError::KeyAbsent)?;
            match self.place(id, key) {
                Place::Gap(gap) => {
                    link = self.node(id).gap(gap);
                    self.node_mut(id).cid = None;
                }
                Place::Entry(at) => {
                    let node = self.node_mut(id);
                    node.cid = None;
                    let entry =
                        node.entries.get_mut(at).expect("invariant: the place was just found");
                    return Ok(std::mem::replace(&mut entry.value, value));
                }
            }
        }
    }

    /// Takes a leaf out and returns its value; [`MstError::KeyAbsent`] if there is none.
    pub fn delete(&mut self, key: &str) -> Result<Cid, MstError> {
        let (root, value) = self.delete_from(self.root_link(), key)?;
        self.root = self.trim(root)?;
        self.compact_keys();
        Ok(value)
    }

    /// The key belongs above the root: the whole tree is split around it.
    fn insert_above(
        &mut self,
        root: NodeId,
        key: &str,
        value: Cid,
        layer: u8,
    ) -> Result<(), MstError> {
        let root_layer = self.node(root).layer;
        let (left, right) = self.split(Link::Node(root), key)?;
        let left = self.lift(left, root_layer, layer.saturating_sub(1));
        let right = self.lift(right, root_layer, layer.saturating_sub(1));
        self.root = Some(self.add_leaf(key, value, layer, left, right));
        Ok(())
    }

    fn insert_below(
        &mut self,
        mut id: NodeId,
        key: &str,
        value: Cid,
        layer: u8,
    ) -> Result<(), MstError> {
        loop {
            let Place::Gap(gap) = self.place(id, key) else {
                return Err(MstError::KeyExists);
            };
            let (node_layer, link) = (self.node(id).layer, self.node(id).gap(gap));
            if node_layer == layer {
                let (left, right) = self.split(link, key)?;
                let key = self.keys.push(key);
                let node = self.node_mut(id);
                node.set_gap(gap, left);
                node.entries.insert(gap, Entry { key, value, right });
                node.cid = None;
                return Ok(());
            }
            self.node_mut(id).cid = None;
            match self.loaded(link)? {
                Some(child) => id = child,
                None => {
                    let leaf = self.add_leaf(key, value, layer, Link::None, Link::None);
                    let link = self.lift(Link::Node(leaf), layer, node_layer.saturating_sub(1));
                    self.node_mut(id).set_gap(gap, link);
                    return Ok(());
                }
            }
        }
    }

    fn add_leaf(&mut self, key: &str, value: Cid, layer: u8, left: Link, right: Link) -> NodeId {
        let key = self.keys.push(key);
        self.add_node(Node { layer, left, entries: vec![Entry { key, value, right }], cid: None })
    }

    fn delete_from(&mut self, link: Link, key: &str) -> Result<(Link, Cid), MstError> {
        let id = self.loaded(link)?.ok_or(MstError::KeyAbsent)?;
        let value = match self.place(id, key) {
            Place::Gap(gap) => {
                let (link, value) = self.delete_from(self.node(id).gap(gap), key)?;
                self.node_mut(id).set_gap(gap, link);
                value
            }
            Place::Entry(at) => {
                let node = self.node(id);
                let joined = self.join(node.gap(at), node.gap(at + 1))?;
                let node = self.node_mut(id);
                let entry = node.entries.remove(at);
                node.set_gap(at, joined);
                self.keys.release(entry.key);
                entry.value
            }
        };
        Ok((self.changed(id), value))
    }

    /// Splits a subtree into what is less and what is greater than `key`.
    fn split(&mut self, link: Link, key: &str) -> Result<(Link, Link), MstError> {
        let Some(id) = self.loaded(link)? else {
            return Ok((Link::None, Link::None));
        };
        let Place::Gap(gap) = self.place(id, key) else {
            return Err(MstError::KeyExists);
        };
        let (left, right) = self.split(self.node(id).gap(gap), key)?;
        let node = self.node_mut(id);
        let layer = node.layer;
        let entries = node.entries.split_off(gap);
        node.set_gap(gap, left);
        let greater = Node { layer, left: right, entries, cid: None };
        let right = if greater.is_bare() { Link::None } else { Link::Node(self.add_node(greater)) };
        Ok((self.changed(id), right))
    }

    /// Joins two neighbouring subtrees of the same layer, between which a key has gone.
    fn join(&mut self, left: Link, right: Link) -> Result<Link, MstError> {
        if left == Link::None || right == Link::None {
            return Ok(if left == Link::None { right } else { left });
        }
        let (Some(left), Some(right)) = (self.loaded(left)?, self.loaded(right)?) else {
            return Ok(Link::None);
        };
        let last_gap = self.node(left).entries.len();
        let middle = self.join(self.node(left).gap(last_gap), self.node(right).left)?;
        let entries = std::mem::take(&mut self.node_mut(right).entries);
        self.free_node(right);
        let node = self.node_mut(left);
        node.set_gap(last_gap, middle);
        node.entries.extend(entries);
        Ok(self.changed(left))
    }

    /// Marks a node as changed; frees it if nothing is left of it.
    fn changed(&mut self, id: NodeId) -> Link {
        self.node_mut(id).cid = None;
        if self.node(id).is_bare() {
            self.free_node(id);
            return Link::None;
        }
        Link::Node(id)
    }

    /// A root has keys: nodes without any are taken off the top.
    fn trim(&mut self, mut root: Link) -> Result<Option<NodeId>, MstError> {
        while let Some(id) = self.loaded(root)? {
            if !self.node(id).entries.is_empty() {
                return Ok(Some(id));
            }
            root = self.node(id).left;
            self.free_node(id);
        }
        Ok(None)
    }

    /// The node behind a link; an error if it is opaque.
    pub(super) fn loaded(&self, link: Link) -> Result<Option<NodeId>, MstError> {
        match link {
            Link::None => Ok(None),
            Link::Node(id) => Ok(Some(id)),
            Link::Opaque(cid) => Err(MstError::Missing(cid)),
        }
    }
}
