//! The blocks of a repository while it is checked, in a few large pieces of memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::cid::Cid;

/// Size of a piece, in bytes; a block over a quarter of it gets a piece of its own.
const PIECE_BYTES: usize = 1 << 20;
/// Size of the first piece: most repositories are small.
const PIECE_BYTES_FIRST: usize = 64 * 1024;

/// Where a block lies.
#[derive(Clone, Copy, Debug)]
struct Place {
    piece: u32,
    start: u32,
    length: u32,
}

/// Blocks by CID; duplicates are kept once. Memory: the blocks, a third more at worst, and about 70 bytes each.
#[derive(Default, Debug)]
pub(super) struct Held {
    pieces: Vec<Vec<u8>>,
    places: HashMap<Cid, Place>,
}

impl Held {
    /// Keeps a block. The caller has checked that it is what its CID names, and bounds how many there are.
    pub(super) fn insert(&mut self, cid: Cid, block: &[u8]) {
        let Entry::Vacant(vacant) = self.places.entry(cid) else { return };
        let fits = |piece: &Vec<u8>| piece.capacity() - piece.len() >= block.len();
        if !self.pieces.last().is_some_and(fits) {
            let usual = if self.pieces.is_empty() { PIECE_BYTES_FIRST } else { PIECE_BYTES };
            let capacity = if block.len() > usual / 4 { block.len() } else { usual };
            self.pieces.push(Vec::with_capacity(capacity));
        }
        let index = self.pieces.len().saturating_sub(1);
        let piece =
            self.pieces.last_mut().expect("invariant: a piece with room was just made sure of");
        let place =
            Place { piece: index as u32, start: piece.len() as u32, length: block.len() as u32 };
        piece.extend_from_slice(block);
        vacant.insert(place);
    }

    /// The block a CID names.
    pub(super) fn get(&self, cid: &Cid) -> Option<&[u8]> {
        let place = self.places.get(cid)?;
        let start = place.start as usize;
        self.pieces.get(place.piece as usize)?.get(start..start + place.length as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_all_sizes_are_found_again() {
        let mut held = Held::default();
        let sizes = [
            0,
            1,
            100,
            PIECE_BYTES_FIRST / 4,
            PIECE_BYTES_FIRST / 4 + 1,
            PIECE_BYTES,
            7,
            PIECE_BYTES - 1,
        ];
        let blocks: Vec<_> = sizes.iter().map(|size| vec![*size as u8; *size]).collect();
        for block in blocks.iter().chain(&blocks) {
            held.insert(Cid::of_raw(block), block);
        }
        for block in &blocks {
            assert_eq!(held.get(&Cid::of_raw(block)), Some(&block[..]));
        }
        assert_eq!(held.get(&Cid::of_raw(b"absent")), None);
    }
}
