//! The Merkle search tree that orders a repository's records: path → CID of the record.
//!
//! ```text
//! layer 2                    [ k5 ]              a key's layer = leading zero bits of sha256(key) / 2
//!                           /      \
//! layer 1             [ k2 ]        [ ]          a node may have no key of its own, only a subtree
//!                    /     \          \
//! layer 0        [k0 k1]  [k3 k4]     [k6]       between two neighbouring keys hangs at most one subtree
//! ```
//!
//! The shape depends on the keys alone, so equal contents have equal roots. A tree is held whole or in
//! part: a subtree whose block is not at hand is known by its CID only ("opaque"), and a step that would
//! have to look inside it fails with [`MstError::Missing`].
//! Spec: atproto.com/specs/repository ("MST Structure").

mod blocks;
mod build;
mod codec;
mod edit;
mod keys;
mod leaves;
mod load;
mod node;
mod walk;

use crate::cid::Cid;
use keys::Keys;
use node::{Link, Node, NodeId, Place};

pub use codec::{NodeEntry, read_node, shared_prefix};
pub use keys::{check_key, layer};
pub use leaves::Leaves;
pub use walk::{Walk, WalkedLeaf};

/// Longest key: an NSID of 317, `/` and a record key of 512 bytes.
pub const KEY_BYTES_MAX: usize = 830;
/// Most keys in one node. By chance a node has more than 200 once in 10^25; a mined one is refused.
pub const NODE_ENTRIES_MAX: usize = 1_024;

/// Why a tree, or a step on it, is impossible.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MstError {
    /// The step needs a node whose block is not at hand.
    #[error("the node {0} is missing")]
    Missing(Cid),
    /// There is already a leaf under the key.
    #[error("there is already a leaf under the key")]
    KeyExists,
    /// There is no leaf under the key.
    #[error("there is no leaf under the key")]
    KeyAbsent,
    /// A key that is empty, not ASCII, or over [`KEY_BYTES_MAX`].
    #[error("a key is empty, not ASCII or too long")]
    Key,
    /// A node that is not DAG-CBOR of the right shape.
    #[error("a node is malformed: {0}")]
    Shape(#[from] crate::cbor::CborError),
    /// A node with other fields than the schema's.
    #[error("a node has other fields than it should")]
    Fields,
    /// A key's prefix is not exactly what it shares with the key before it.
    #[error("a key is not compressed against the one before it")]
    Prefix,
    /// Keys out of order, inside a node or across nodes.
    #[error("keys are out of order")]
    Order,
    /// A key or node on a layer where it does not belong.
    #[error("a key or node is on the wrong layer")]
    Layer,
    /// A node with neither keys nor subtree that is not the root of an empty tree, or a root without keys.
    #[error("a node has no keys where it must")]
    EmptyNode,
    /// Over [`NODE_ENTRIES_MAX`] keys in a node.
    #[error("a node has too many keys")]
    Entries,
    /// A node that hangs in two places.
    #[error("a node hangs in two places")]
    Repeated,
}

impl MstError {
    /// A stable, short label for metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing(_) => "mst_missing",
            Self::KeyExists => "mst_key_exists",
            Self::KeyAbsent => "mst_key_absent",
            Self::Key => "mst_key",
            Self::Shape(_) => "mst_shape",
            Self::Fields => "mst_fields",
            Self::Prefix => "mst_prefix",
            Self::Order => "mst_order",
            Self::Layer => "mst_layer",
            Self::EmptyNode => "mst_empty_node",
            Self::Entries => "mst_entries",
            Self::Repeated => "mst_repeated",
        }
    }
}

/// A Merkle search tree, whole or in part. Memory: about 80 bytes a leaf, and the keys.
///
/// A step that fails with [`MstError::KeyExists`] or [`MstError::KeyAbsent`] has changed nothing; after
/// [`MstError::Missing`] the tree is of no further use.
#[derive(Clone, Debug, Default)]
pub struct Mst {
    keys: Keys,
    nodes: Vec<Node>,
    /// Places in `nodes` that can be used again.
    free: Vec<NodeId>,
    /// `None`: the tree is empty.
    root: Option<NodeId>,
}

impl Mst {
    /// The tree without leaves.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Whether there is no leaf.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// The value under `key`, if any.
    pub fn get(&self, key: &str) -> Result<Option<Cid>, MstError> {
        let mut link = self.root_link();
        loop {
            let id = match link {
                Link::None => return Ok(None),
                Link::Opaque(cid) => return Err(MstError::Missing(cid)),
                Link::Node(id) => id,
            };
            match self.place(id, key) {
                Place::Entry(at) => {
                    return Ok(self.node(id).entries.get(at).map(|entry| entry.value));
                }
                Place::Gap(gap) => link = self.node(id).gap(gap),
            }
        }
    }

    /// Leaves in key order. Opaque subtrees contribute nothing.
    pub fn leaves(&self) -> Leaves<'_> {
        Leaves::new(self)
    }

    fn root_link(&self) -> Link {
        self.root.map_or(Link::None, Link::Node)
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.index()).expect("invariant: links point at nodes")
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(id.index()).expect("invariant: links point at nodes")
    }

    /// Where `key` is in a node, or between which of its keys it would be.
    fn place(&self, id: NodeId, key: &str) -> Place {
        let entries = &self.node(id).entries;
        match entries.binary_search_by(|entry| self.keys.get(entry.key).cmp(key)) {
            Ok(at) => Place::Entry(at),
            Err(gap) => Place::Gap(gap),
        }
    }
}
