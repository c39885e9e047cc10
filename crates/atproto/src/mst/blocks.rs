//! A tree's nodes as blocks: all of them, those a commit must carry, those that prove one key.

use std::collections::HashSet;

use super::codec::empty_node;
use super::node::{Link, NodeId, Place};
use super::{Mst, MstError};
use crate::cbor::Writer;
use crate::cid::Cid;

impl Mst {
    /// The CID of the root node. Encodes and hashes what has changed since the last call.
    pub fn root(&mut self) -> Cid {
        let mut writer = Writer::new();
        match self.root {
            Some(root) => self.hash(root, &mut writer),
            None => Cid::of_dag_cbor(&empty_node()),
        }
    }

    /// Every node that is loaded, as blocks, each before those below it.
    pub fn blocks(&mut self) -> Vec<(Cid, Vec<u8>)> {
        let mut ids: Vec<NodeId> = self.root.into_iter().collect();
        let mut at = 0;
        while let Some(id) = ids.get(at).copied() {
            let node = self.node(id);
            ids.extend((0..=node.entries.len()).filter_map(|gap| match node.gap(gap) {
                Link::Node(child) => Some(child),
                Link::None | Link::Opaque(_) => None,
            }));
            at += 1;
        }
        self.encode(&ids)
    }

    /// The nodes that a commit must carry so that its changes to `keys` can be inverted without the rest
    /// of the tree. Call it after the changes. Root first.
    ///
    /// They are the nodes on both sides of each key's place: taking a key out joins what hangs left and
    /// right of it, putting one in splits what hangs there.
    pub fn covering_blocks<K: AsRef<str>>(
        &mut self,
        keys: &[K],
    ) -> Result<Vec<(Cid, Vec<u8>)>, MstError> {
        let mut seen = HashSet::new();
        let mut ids = Vec::new();
        for key in keys {
            let mut links = vec![self.root_link()];
            while let Some(link) = links.pop() {
                let Some(id) = self.loaded(link)? else {
                    continue;
                };
                if seen.insert(id) {
                    ids.push(id);
                }
                let node = self.node(id);
                match self.place(id, key.as_ref()) {
                    Place::Gap(gap) => links.push(node.gap(gap)),
                    Place::Entry(at) => links.extend([node.gap(at + 1), node.gap(at)]),
                }
            }
        }
        Ok(self.encode(&ids))
    }

    /// The nodes that prove what is under `key`, or that nothing is: the path from the root to its place
    /// (`com.atproto.sync.getRecord`).
    pub fn proof_blocks(&mut self, key: &str) -> Result<Vec<(Cid, Vec<u8>)>, MstError> {
        let mut ids = Vec::new();
        let mut link = self.root_link();
        while let Some(id) = self.loaded(link)? {
            ids.push(id);
            match self.place(id, key) {
                Place::Gap(gap) => link = self.node(id).gap(gap),
                Place::Entry(_) => break,
            }
        }
        Ok(self.encode(&ids))
    }

    /// Blocks of nodes; of an empty tree the one it has.
    fn encode(&mut self, ids: &[NodeId]) -> Vec<(Cid, Vec<u8>)> {
        let root = self.root();
        if self.is_empty() {
            return vec![(root, empty_node())];
        }
        ids.iter()
            .map(|id| {
                let node = self.node(*id);
                let mut writer = Writer::new();
                self.write_node(node, &mut writer);
                (
                    node.cid.expect("invariant: the root was hashed, and so all below it"),
                    writer.into_bytes(),
                )
            })
            .collect()
    }

    /// The CID of a node; hashes the changed ones below it first. Unchanged nodes have unchanged subtrees.
    fn hash(&mut self, id: NodeId, writer: &mut Writer) -> Cid {
        if let Some(cid) = self.node(id).cid {
            return cid;
        }
        for gap in 0..=self.node(id).entries.len() {
            if let Link::Node(child) = self.node(id).gap(gap) {
                self.hash(child, writer);
            }
        }
        writer.clear();
        self.write_node(self.node(id), writer);
        let cid = Cid::of_dag_cbor(writer.as_bytes());
        self.node_mut(id).cid = Some(cid);
        cid
    }
}
