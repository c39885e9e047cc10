//! DAG-CBOR, CAR files and trees.

use std::collections::{BTreeMap, HashMap};

use crate::car::{CarLimits, CarReader, CarSlice, CarWriter};
use crate::cbor::{self, CborError, Reader};
use crate::cid::Cid;
use crate::mst::{Mst, MstError, Walk};

/// Three ways to read agree, and what is read is written as it was.
pub(super) fn cbor(bytes: &[u8]) {
    let read = cbor::decode(bytes);
    let skipped = skip(bytes);
    assert_eq!(read.as_ref().err(), cbor::validate(bytes).as_ref().err());
    assert_eq!(read.is_ok(), skipped.is_ok(), "{read:?} {skipped:?}");
    if let Ok((value, end)) = cbor::decode_prefix(bytes) {
        assert_eq!(cbor::encode(&value), &bytes[..end]);
    }
    let Ok(value) = read else { return };
    assert_eq!(cbor::encode(&value), bytes);
    let json = cbor::to_json(&value);
    let json: serde_json::Value = serde_json::from_str(&json).expect("what is printed is JSON");
    if let Ok(again) = cbor::from_json(&json) {
        // A map with the one key `$link` or `$bytes` is something else in JSON.
        let second = cbor::to_json(&again);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&second).ok(), Some(json));
    }
}

fn skip(bytes: &[u8]) -> Result<(), CborError> {
    let mut reader = Reader::new(bytes);
    reader.skip()?;
    reader.finish()
}

/// A slice in memory and a file that comes in pieces hold the same blocks, each what its CID names.
pub(super) fn car(bytes: &[u8]) {
    let limits = CarLimits { bytes_max: 64 << 10, blocks_max: 64, block_bytes_max: 16 << 10 };
    let whole = CarSlice::parse(bytes, &limits);
    let pieces = in_pieces(bytes, limits);
    match (&whole, &pieces) {
        (Ok(slice), Some((root, blocks))) => {
            assert_eq!(slice.root(), *root);
            // Of duplicates a slice keeps one.
            let of_slice: BTreeMap<_, _> = slice
                .blocks()
                .iter()
                .map(|(cid, block)| (cid.to_bytes(), block.to_vec()))
                .collect();
            let of_pieces: BTreeMap<_, _> =
                blocks.iter().map(|(cid, block)| (cid.to_bytes(), block.clone())).collect();
            assert_eq!(of_slice, of_pieces);
            rewritten(slice, &limits);
        }
        (Err(_), None) => {}
        (whole, pieces) => panic!("{whole:?} but in pieces {}", pieces.is_some()),
    }
}

/// A CAR's root and its blocks in order.
type Whole = (Cid, Vec<(Cid, Vec<u8>)>);

/// What a reader finds that is fed in pieces of growing sizes.
fn in_pieces(bytes: &[u8], limits: CarLimits) -> Option<Whole> {
    let (mut reader, mut blocks) = (CarReader::new(limits), Vec::new());
    let (mut rest, mut size) = (bytes, 1);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        reader.push(piece).ok()?;
        while let Some((cid, block)) = reader.next_block().ok()? {
            assert!(cid.names(block));
            blocks.push((cid, block.to_vec()));
        }
        (rest, size) = (after, size * 2 + 1);
    }
    Some((reader.finish().ok()?, blocks))
}

fn rewritten(slice: &CarSlice<'_>, limits: &CarLimits) {
    let mut writer = CarWriter::new(&slice.root());
    for (cid, block) in slice.blocks() {
        assert!(cid.names(block));
        assert_eq!(slice.get(cid), Some(*block));
        writer.block(cid, block);
    }
    let file = writer.finish();
    // Shorter than what was read, but for a header that held its fields otherwise.
    if file.len() as u64 <= limits.bytes_max {
        let again = CarSlice::parse(&file, limits).expect("what is written is read");
        assert_eq!((again.root(), again.blocks()), (slice.root(), slice.blocks()));
    }
}

/// Loading a tree and walking its blocks find the same leaves, in order, and a tree built of them is it.
pub(super) fn mst_load(bytes: &[u8]) {
    let Ok(slice) = CarSlice::parse(bytes, &CarLimits::COMMIT) else { return };
    let root = slice.root();
    let walked: Result<Vec<_>, MstError> = Walk::new(&root, |cid| slice.get(cid)).collect();
    let loaded = Mst::load(&root, &slice);
    if let Ok(tree) = &loaded {
        let keys: Vec<&str> = tree.leaves().map(|(key, _)| key).collect();
        assert!(keys.is_sorted_by(|left, right| left < right));
    }
    let Ok(walked) = walked else { return };
    let mut tree = loaded.expect("a tree that can be walked can be loaded");
    let leaves: Vec<(String, Cid)> =
        tree.leaves().map(|(key, value)| (key.to_owned(), value)).collect();
    let walked: Vec<(String, Cid)> =
        walked.into_iter().map(|leaf| (leaf.key, leaf.value)).collect();
    assert_eq!(leaves, walked);
    assert_eq!(tree.root(), root);
    let mut built = Mst::from_leaves(walked).expect("the keys were checked");
    assert_eq!(built.root(), root, "there is one tree of these leaves");
}

/// Edits one after the other lead to the tree of what is left, and undoing them leads back.
pub(super) fn mst_edit(bytes: &[u8]) {
    let (mut tree, mut model) = (Mst::empty(), BTreeMap::new());
    let mut undo = Vec::new();
    for edit in bytes.chunks_exact(3).take(256) {
        let key = format!("app.bsky.feed.post/{:x}", u16::from_be_bytes([edit[0] & 3, edit[1]]));
        let value = Cid::of_raw(&edit[2..]);
        let before = model.get(&key).copied();
        let done = match (edit[0] >> 6, before) {
            (0 | 1, None) => tree.insert(&key, value).map(|()| model.insert(key.clone(), value)),
            (0 | 1, Some(_)) => tree.update(&key, value).map(|_| model.insert(key.clone(), value)),
            (2, Some(_)) => tree.delete(&key).map(|_| model.remove(&key)),
            (2, None) => {
                assert_eq!(tree.delete(&key), Err(MstError::KeyAbsent));
                continue;
            }
            (_, Some(_)) => {
                assert_eq!(tree.insert(&key, value), Err(MstError::KeyExists));
                continue;
            }
            (_, None) => {
                assert_eq!(tree.update(&key, value), Err(MstError::KeyAbsent));
                continue;
            }
        };
        assert_eq!(done, Ok(before));
        undo.push((key, before));
    }
    let mut built = Mst::from_leaves(&model_leaves(&model)).expect("keys are checked");
    assert_eq!(tree.root(), built.root());
    let blocks: HashMap<Cid, Vec<u8>> = tree.blocks().into_iter().collect();
    let root = tree.root();
    let walk = Walk::new(&root, |cid| blocks.get(cid).map(Vec::as_slice));
    let walked: Vec<(String, Cid)> =
        walk.map(|leaf| leaf.map(|leaf| (leaf.key, leaf.value)).expect("a whole tree")).collect();
    assert_eq!(walked, model_leaves(&model).0);
    for (key, before) in undo.into_iter().rev() {
        let undone = match (before, model.contains_key(&key)) {
            (Some(value), true) => tree.update(&key, value).map(drop),
            (Some(value), false) => tree.insert(&key, value),
            (None, _) => tree.delete(&key).map(drop),
        };
        assert_eq!(undone, Ok(()));
        match before {
            Some(value) => model.insert(key, value),
            None => model.remove(&key),
        };
    }
    assert!(tree.is_empty());
}

struct ModelLeaves(Vec<(String, Cid)>);

fn model_leaves(model: &BTreeMap<String, Cid>) -> ModelLeaves {
    ModelLeaves(model.iter().map(|(key, value)| (key.clone(), *value)).collect())
}

impl<'a> IntoIterator for &'a ModelLeaves {
    type Item = (&'a str, Cid);
    type IntoIter = Box<dyn Iterator<Item = Self::Item> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.0.iter().map(|(key, value)| (key.as_str(), *value)))
    }
}
