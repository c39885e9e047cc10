//! A CAR file that arrives in pieces, as the body of `getRepo` does.
//!
//! Memory: at most one section that is not whole yet plus the piece just pushed, that is
//! `block_bytes_max` + [`PIECE_BYTES_MAX`] and a few bytes.

use super::section::{HEADER_BYTES_MAX, VARINT_BYTES_MAX, block, header, varint};
use super::{CarError, CarLimits};
use crate::cid::Cid;

/// Largest piece that [`CarReader::push`] takes at once, in bytes.
pub const PIECE_BYTES_MAX: usize = 1 << 20;

/// A CAR file that arrives in pieces: push a piece, take blocks until there are none, repeat, finish.
#[derive(Clone, Debug)]
pub struct CarReader {
    limits: CarLimits,
    root: Option<Cid>,
    /// What was pushed and not consumed starts at `at`.
    buffer: Vec<u8>,
    at: usize,
    bytes: u64,
    blocks: usize,
}

impl CarReader {
    /// Starts a file.
    pub fn new(limits: CarLimits) -> Self {
        Self { limits, root: None, buffer: Vec::new(), at: 0, bytes: 0, blocks: 0 }
    }

    /// Takes the next piece, at most [`PIECE_BYTES_MAX`] long. All blocks that [`CarReader::next_block`] can
    /// give must have been taken before: what is left over then is less than one section.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), CarError> {
        self.bytes = self.bytes.saturating_add(piece.len() as u64);
        if self.bytes > self.limits.bytes_max {
            return Err(CarError::TooLarge(self.limits.bytes_max));
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let section_bytes_max = self.limits.section_bytes_max();
        if self.buffer.len() > section_bytes_max.saturating_add(VARINT_BYTES_MAX)
            || piece.len() > PIECE_BYTES_MAX
        {
            return Err(CarError::Backlog);
        }
        self.buffer.extend_from_slice(piece);
        Ok(())
    }

    /// The next whole block, its hash checked; `None`: push more.
    pub fn next_block(&mut self) -> Result<Option<(Cid, &[u8])>, CarError> {
        if self.root.is_none() {
            let Some((from, to)) = self.section(HEADER_BYTES_MAX)? else {
                return Ok(None);
            };
            self.root = Some(header(self.buffer.get(from..to).unwrap_or_default())?);
        }
        while let Some((from, to)) = self.section(self.limits.section_bytes_max())? {
            self.blocks += 1;
            if self.blocks > self.limits.blocks_max {
                return Err(CarError::TooManyBlocks(self.limits.blocks_max));
            }
            // Looked at twice because a conditional return of a borrow would hold `self` in the loop.
            if block(self.buffer.get(from..to).unwrap_or_default())?.is_some() {
                return Ok(self.buffer.get(from..to).and_then(split_block));
            }
        }
        Ok(None)
    }

    /// The first root, once the header was read.
    pub fn root(&self) -> Option<Cid> {
        self.root
    }

    /// Bytes taken in so far.
    pub fn bytes_total(&self) -> u64 {
        self.bytes
    }

    /// The input has ended: the root, or [`CarError::Truncated`] if it ended inside the header or a section.
    pub fn finish(self) -> Result<Cid, CarError> {
        match self.root {
            Some(root) if self.at == self.buffer.len() => Ok(root),
            _ => Err(CarError::Truncated),
        }
    }

    /// Consumes one whole section and says where in the buffer its content lies.
    fn section(&mut self, section_bytes_max: usize) -> Result<Option<(usize, usize)>, CarError> {
        let Some(rest) = self.buffer.get(self.at..) else {
            return Ok(None);
        };
        let Some((length, taken)) = varint(rest)? else {
            return Ok(None);
        };
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= section_bytes_max)
            .ok_or(CarError::BlockTooLarge(length))?;
        if rest.len() - taken < length {
            return Ok(None);
        }
        let from = self.at + taken;
        self.at = from + length;
        Ok(Some((from, self.at)))
    }
}

fn split_block(section: &[u8]) -> Option<(Cid, &[u8])> {
    let (head, block) = section.split_at_checked(crate::cid::CID_BYTES)?;
    Cid::from_bytes(head).ok().map(|cid| (cid, block))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::CarWriter;
    use super::*;

    fn file() -> Vec<u8> {
        let mut writer = CarWriter::new(&Cid::of_dag_cbor(b"root"));
        for block in [&b"root"[..], &[7; 300], b"", b"last"] {
            writer.block(&Cid::of_dag_cbor(block), block);
        }
        writer.finish()
    }

    fn read(bytes: &[u8], piece_bytes: usize, limits: CarLimits) -> Result<(Cid, usize), CarError> {
        let mut reader = CarReader::new(limits);
        let mut blocks = 0;
        for piece in bytes.chunks(piece_bytes) {
            reader.push(piece)?;
            while let Some((cid, block)) = reader.next_block()? {
                assert!(cid.names(block));
                blocks += 1;
            }
        }
        reader.finish().map(|root| (root, blocks))
    }

    #[test]
    fn pieces_of_any_size_give_the_same_blocks() {
        let bytes = file();
        for piece_bytes in [1, 2, 37, 100, bytes.len()] {
            let expected = Ok((Cid::of_dag_cbor(b"root"), 4));
            assert_eq!(read(&bytes, piece_bytes, CarLimits::REPO), expected, "{piece_bytes}");
        }
    }

    #[test]
    fn a_file_that_breaks_off_may_be_fetched_again() {
        let bytes = file();
        for cut in 0..bytes.len() {
            match read(&bytes[..cut], 64, CarLimits::REPO) {
                Ok((_, blocks)) => assert!(blocks < 4),
                Err(error) => assert!(error.retryable(), "{cut}: {error}"),
            }
        }
        assert_eq!(read(&[], 1, CarLimits::REPO), Err(CarError::Truncated));
    }

    #[test]
    fn forged_and_oversized_input_is_refused() {
        let mut forged = file();
        *forged.last_mut().unwrap() ^= 1;
        let error = read(&forged, 50, CarLimits::REPO).unwrap_err();
        assert!(matches!(error, CarError::Hash(_)) && !error.retryable());
        let limits = CarLimits::REPO;
        for (limits, expected) in [
            (CarLimits { bytes_max: 99, ..limits }, CarError::TooLarge(99)),
            (CarLimits { blocks_max: 3, ..limits }, CarError::TooManyBlocks(3)),
            (CarLimits { block_bytes_max: 299, ..limits }, CarError::BlockTooLarge(336)),
        ] {
            assert_eq!(read(&file(), 50, limits), Err(expected));
        }
    }

    #[test]
    fn pieces_that_are_never_taken_do_not_pile_up() {
        let mut reader = CarReader::new(CarLimits::REPO);
        let piece = vec![0; PIECE_BYTES_MAX];
        let refused = (0..8).find_map(|_| reader.push(&piece).err());
        assert_eq!(refused, Some(CarError::Backlog));
        let oversized = vec![0; PIECE_BYTES_MAX + 1];
        assert_eq!(CarReader::new(CarLimits::REPO).push(&oversized), Err(CarError::Backlog));
    }
}
