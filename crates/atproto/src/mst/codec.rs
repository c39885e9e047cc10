//! A node as a block.
//!
//! ```text
//! {"e": [{"k": key without the prefix, "p": bytes shared with the key before, "t": right CID|null, "v": CID}, …],
//!  "l": left CID|null}
//! ```

use super::keys::Keys;
use super::node::{Link, Node};
use super::{KEY_BYTES_MAX, Mst, MstError, NODE_ENTRIES_MAX};
use crate::cbor::{Reader, Writer};
use crate::cid::Cid;

/// One entry of a node block, as it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeEntry<'a> {
    /// How many bytes the key shares with the key before it.
    pub prefix: usize,
    /// The key's other bytes; ASCII.
    pub suffix: &'a str,
    /// The record's CID.
    pub value: Cid,
    /// The subtree to the right.
    pub right: Option<Cid>,
}

/// Reads a node block entry by entry and returns its left subtree. Checks all that can be seen from the
/// block alone: fields, key bytes and lengths, the number of entries. Order and compression need the
/// neighbouring keys: see [`NodeEntry::follows`].
pub fn read_node<'a>(
    block: &'a [u8],
    mut visit: impl FnMut(NodeEntry<'a>) -> Result<(), MstError>,
) -> Result<Option<Cid>, MstError> {
    let mut reader = Reader::new(block);
    if reader.map()? != 2 {
        return Err(MstError::Fields);
    }
    field(&mut reader, "e")?;
    let entries = reader.array()?;
    if entries > NODE_ENTRIES_MAX {
        return Err(MstError::Entries);
    }
    for _ in 0..entries {
        visit(read_entry(&mut reader)?)?;
    }
    field(&mut reader, "l")?;
    let left = reader.nullable(Reader::link)?;
    reader.finish()?;
    Ok(left)
}

fn read_entry<'a>(reader: &mut Reader<'a>) -> Result<NodeEntry<'a>, MstError> {
    if reader.map()? != 4 {
        return Err(MstError::Fields);
    }
    field(reader, "k")?;
    let suffix = reader.bytes()?;
    let suffix = str::from_utf8(suffix).ok().filter(|text| text.is_ascii()).ok_or(MstError::Key)?;
    field(reader, "p")?;
    let prefix = usize::try_from(reader.int()?).map_err(|_| MstError::Prefix)?;
    if prefix.saturating_add(suffix.len()) > KEY_BYTES_MAX {
        return Err(MstError::Key);
    }
    field(reader, "t")?;
    let right = reader.nullable(Reader::link)?;
    field(reader, "v")?;
    let value = reader.link()?;
    Ok(NodeEntry { prefix, suffix, value, right })
}

fn field(reader: &mut Reader<'_>, name: &str) -> Result<(), MstError> {
    if reader.text()? == name { Ok(()) } else { Err(MstError::Fields) }
}

impl NodeEntry<'_> {
    /// Checks that the key is greater than `previous`, the key before it in the node, and that exactly the
    /// shared bytes are left out.
    pub fn follows(&self, previous: Option<&str>) -> Result<(), MstError> {
        let Some(previous) = previous else {
            return match (self.prefix, self.suffix.is_empty()) {
                (0, false) => Ok(()),
                (0, true) => Err(MstError::Key),
                _ => Err(MstError::Prefix),
            };
        };
        // The first byte in which the keys differ decides; an empty suffix would repeat or shorten the key.
        let Some(next) = self.suffix.as_bytes().first() else {
            return Err(MstError::Order);
        };
        match previous.as_bytes().get(self.prefix) {
            None if self.prefix == previous.len() => Ok(()),
            None => Err(MstError::Prefix),
            Some(byte) if byte == next => Err(MstError::Prefix),
            Some(byte) if byte > next => Err(MstError::Order),
            Some(_) => Ok(()),
        }
    }
}

/// How many bytes two keys share at their beginning.
pub fn shared_prefix(left: &str, right: &str) -> usize {
    left.bytes().zip(right.bytes()).take_while(|(left, right)| left == right).count()
}

/// The block of a tree without leaves.
pub(super) fn empty_node() -> Vec<u8> {
    let mut writer = Writer::new();
    write_head(&mut writer, 0);
    write_tail(&mut writer, None);
    writer.into_bytes()
}

fn write_head(writer: &mut Writer, entries: usize) {
    writer.map(2);
    writer.text("e");
    writer.array(entries);
}

fn write_tail(writer: &mut Writer, left: Option<&Cid>) {
    writer.text("l");
    writer.link_or_null(left);
}

impl Mst {
    /// Writes a node's block; the nodes right below it must have their CIDs.
    pub(super) fn write_node(&self, node: &Node, writer: &mut Writer) {
        write_head(writer, node.entries.len());
        let mut previous = "";
        for entry in &node.entries {
            let key = self.keys.get(entry.key);
            let prefix = shared_prefix(previous, key);
            writer.map(4);
            writer.text("k");
            writer.bytes(key.as_bytes().get(prefix..).unwrap_or_default());
            writer.text("p");
            writer.int(prefix as i64);
            writer.text("t");
            writer.link_or_null(self.link_cid(entry.right).as_ref());
            writer.text("v");
            writer.link(&entry.value);
            previous = key;
        }
        write_tail(writer, self.link_cid(node.left).as_ref());
    }

    fn link_cid(&self, link: Link) -> Option<Cid> {
        match link {
            Link::None => None,
            Link::Opaque(cid) => Some(cid),
            Link::Node(id) => {
                Some(self.node(id).cid.expect("invariant: children are hashed before their parent"))
            }
        }
    }

    /// Moves the keys to a new buffer when most of the old one is dead.
    pub(super) fn compact_keys(&mut self) {
        if !self.keys.wants_compaction() {
            return;
        }
        let old = std::mem::take(&mut self.keys);
        let mut keys = Keys::default();
        for entry in self.nodes.iter_mut().flat_map(|node| &mut node.entries) {
            entry.key = keys.push(old.get(entry.key));
        }
        self.keys = keys;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_must_follow_the_one_before() {
        let value = Cid::of_raw(b"");
        for (previous, prefix, suffix, expected) in [
            (None, 0, "a/b", Ok(())),
            (None, 1, "a/b", Err(MstError::Prefix)),
            (None, 0, "", Err(MstError::Key)),
            (Some("a/b"), 2, "c", Ok(())),
            (Some("a/b"), 3, "c", Ok(())),
            (Some("a/b"), 1, "/c", Err(MstError::Prefix)),
            (Some("a/b"), 4, "c", Err(MstError::Prefix)),
            (Some("a/b"), 2, "a", Err(MstError::Order)),
            (Some("a/b"), 3, "", Err(MstError::Order)),
            (Some("a/b"), 2, "", Err(MstError::Order)),
        ] {
            let entry = NodeEntry { prefix, suffix, value, right: None };
            assert_eq!(entry.follows(previous), expected, "{previous:?} {prefix} {suffix:?}");
        }
    }

    #[test]
    fn nodes_with_other_fields_are_refused() {
        for (hex, expected) in [
            ("a2616580616cf6", Ok(None)),
            ("a1616580", Err(MstError::Fields)),
            ("a2616580616df6", Err(MstError::Fields)),
            (
                "a26165a1616bf6616cf6",
                Err(MstError::Shape(crate::cbor::CborError::Unexpected {
                    expected: "an array",
                    found: "a map",
                })),
            ),
            ("a2616580616cf600", Err(MstError::Shape(crate::cbor::CborError::Trailing(1)))),
            (
                "a261658180616cf6",
                Err(MstError::Shape(crate::cbor::CborError::Unexpected {
                    expected: "a map",
                    found: "an array",
                })),
            ),
        ] {
            let block = data_encoding::HEXLOWER.decode(hex.as_bytes()).expect("hex in a test");
            assert_eq!(read_node(&block, |_| Ok(())), expected, "{hex}");
        }
    }

    #[test]
    fn shared_prefixes_are_counted_in_bytes() {
        for (left, right, length) in
            [("", "", 0), ("abc", "abd", 2), ("abc", "abcd", 3), ("q", "abb", 0)]
        {
            assert_eq!(shared_prefix(left, right), length);
        }
    }
}
