//! A CAR file that lies in memory whole, as the `blocks` of an event do. Blocks are borrowed from it.

use super::section::{HEADER_BYTES_MAX, block, header, varint};
use super::{CarError, CarLimits};
use crate::cid::Cid;

/// Blocks a commit usually has; more make the list grow.
const BLOCKS_USUAL: usize = 32;

/// A CAR file in memory, all of whose blocks are checked. Blocks borrow from it.
#[derive(Clone, Debug)]
pub struct CarSlice<'a> {
    root: Cid,
    /// Ordered by CID, without duplicates.
    blocks: Vec<(Cid, &'a [u8])>,
}

impl<'a> CarSlice<'a> {
    /// Reads the file and hashes every block.
    pub fn parse(bytes: &'a [u8], limits: &CarLimits) -> Result<Self, CarError> {
        if bytes.len() as u64 > limits.bytes_max {
            return Err(CarError::TooLarge(limits.bytes_max));
        }
        let (head, mut rest) = split_section(bytes, HEADER_BYTES_MAX)?;
        let root = header(head)?;
        let mut blocks = Vec::with_capacity(BLOCKS_USUAL);
        // Blocks that are passed over count too, as for a file that comes in pieces.
        for seen in 0.. {
            if rest.is_empty() {
                break;
            }
            let (section, after) = split_section(rest, limits.section_bytes_max())?;
            if seen >= limits.blocks_max {
                return Err(CarError::TooManyBlocks(limits.blocks_max));
            }
            blocks.extend(block(section)?);
            rest = after;
        }
        blocks.sort_unstable_by_key(|(cid, _)| *cid);
        blocks.dedup_by_key(|(cid, _)| *cid);
        Ok(Self { root, blocks })
    }

    /// The first root of the header.
    pub fn root(&self) -> Cid {
        self.root
    }

    /// The block a CID names.
    pub fn get(&self, cid: &Cid) -> Option<&'a [u8]> {
        let at = self.blocks.binary_search_by(|(probe, _)| probe.cmp(cid)).ok()?;
        self.blocks.get(at).map(|(_, block)| *block)
    }

    /// All blocks, ordered by CID, without duplicates.
    pub fn blocks(&self) -> &[(Cid, &'a [u8])] {
        &self.blocks
    }
}

/// Splits a section off the front. A length that points past the end is an input that broke off.
fn split_section(bytes: &[u8], section_bytes_max: usize) -> Result<(&[u8], &[u8]), CarError> {
    let (length, taken) = varint(bytes)?.ok_or(CarError::Truncated)?;
    let (_, after) = bytes.split_at_checked(taken).ok_or(CarError::Truncated)?;
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= section_bytes_max)
        .ok_or(CarError::BlockTooLarge(length))?;
    after.split_at_checked(length).ok_or(CarError::Truncated)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::CarWriter;
    use super::*;

    fn file(blocks: &[&[u8]]) -> Vec<u8> {
        let mut writer = CarWriter::new(&Cid::of_dag_cbor(b"root"));
        for block in blocks {
            writer.block(&Cid::of_dag_cbor(block), block);
        }
        writer.finish()
    }

    fn parse(bytes: &[u8]) -> Result<CarSlice<'_>, CarError> {
        CarSlice::parse(bytes, &CarLimits::COMMIT)
    }

    #[test]
    fn blocks_are_found_by_cid_in_any_order_and_repeated() {
        let bytes = file(&[b"b", b"root", b"a", b"b"]);
        let car = parse(&bytes).unwrap();
        assert_eq!(car.root(), Cid::of_dag_cbor(b"root"));
        assert_eq!(car.blocks().len(), 3);
        for block in [&b"a"[..], b"b", b"root"] {
            assert_eq!(car.get(&Cid::of_dag_cbor(block)), Some(block));
        }
        assert_eq!(car.get(&Cid::of_dag_cbor(b"c")), None);
        assert_eq!(car.get(&Cid::of_raw(b"a")), None);
    }

    #[test]
    fn a_forged_block_is_refused() {
        let mut writer = CarWriter::new(&Cid::of_dag_cbor(b"root"));
        let cid = Cid::of_dag_cbor(b"honest");
        writer.block(&cid, b"forged");
        assert_eq!(parse(&writer.finish()).unwrap_err(), CarError::Hash(cid));
    }

    #[test]
    fn every_cut_is_an_error_or_a_shorter_file() {
        let bytes = file(&[b"one", b"two"]);
        let whole = parse(&bytes).unwrap().blocks().len();
        for cut in 0..bytes.len() {
            match parse(&bytes[..cut]) {
                Ok(car) => assert!(car.blocks().len() < whole),
                Err(error) => assert!(error.retryable(), "{cut}: {error}"),
            }
        }
    }

    #[test]
    fn limits_hold() {
        let bytes = file(&[b"one", b"two"]);
        let limits = CarLimits::COMMIT;
        for (limits, expected) in [
            (CarLimits { bytes_max: 10, ..limits }, CarError::TooLarge(10)),
            (CarLimits { blocks_max: 1, ..limits }, CarError::TooManyBlocks(1)),
            (CarLimits { block_bytes_max: 2, ..limits }, CarError::BlockTooLarge(39)),
        ] {
            assert_eq!(CarSlice::parse(&bytes, &limits).unwrap_err(), expected);
        }
    }

    #[test]
    fn foreign_cids_are_passed_over() {
        let mut bytes = file(&[b"one"]);
        // A section with a CIDv0-like head, and one too short for any CID of ours.
        bytes.push(40);
        bytes.extend([0x12; 40]);
        bytes.extend([2, 7, 7]);
        assert_eq!(parse(&bytes).unwrap().blocks().len(), 1);
        bytes.push(0);
        assert_eq!(parse(&bytes).unwrap_err(), CarError::Section);
    }

    #[test]
    fn headers_are_checked() {
        for (header, expected) in [
            ("a16776657273696f6e01", CarError::Root),
            ("a265726f6f7473806776657273696f6e01", CarError::Root),
            ("a165726f6f747380", CarError::Version(0)),
            ("a265726f6f7473806776657273696f6e02", CarError::Version(2)),
        ] {
            let header = data_encoding::HEXLOWER.decode(header.as_bytes()).unwrap();
            let mut bytes = vec![header.len() as u8];
            bytes.extend(header);
            assert_eq!(parse(&bytes).unwrap_err(), expected);
        }
        assert!(matches!(parse(b"<html>"), Err(CarError::Truncated)));
        assert!(matches!(parse(&[1, 0x80]), Err(CarError::Header(_))));
    }
}
