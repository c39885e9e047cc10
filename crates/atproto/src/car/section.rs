//! The two things both CAR readers read: varint-framed sections and the header.

use super::CarError;
use crate::cbor::{CborError, Reader};
use crate::cid::{CID_BYTES, Cid};

/// Largest header, in bytes: room for far more roots than any repository has.
pub(super) const HEADER_BYTES_MAX: usize = 4 * 1024;
/// Longest varint: 10 × 7 bits hold 64.
pub(super) const VARINT_BYTES_MAX: usize = 10;

/// Reads a LEB128 number from the front; `None` if the bytes end inside it. Gives the number and its length.
pub(super) fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, CarError> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(VARINT_BYTES_MAX).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * at as u32;
        // The tenth byte has room for one bit only.
        if shift == 63 && bits > 1 {
            return Err(CarError::Varint);
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return if *byte == 0 && at > 0 {
                Err(CarError::Varint)
            } else {
                Ok(Some((value, at + 1)))
            };
        }
    }
    if bytes.len() >= VARINT_BYTES_MAX { Err(CarError::Varint) } else { Ok(None) }
}

/// Reads `{roots: [CID, …], version: 1}` and returns the first root.
pub(super) fn header(bytes: &[u8]) -> Result<Cid, CarError> {
    let mut root = None;
    let mut version = None;
    let mut reader = Reader::new(bytes);
    reader.pairs::<CarError>(|reader, key| {
        match key {
            "roots" => root = first_root(reader)?,
            "version" => version = Some(reader.int()?),
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    reader.finish()?;
    match version {
        Some(1) => root.ok_or(CarError::Root),
        other => Err(CarError::Version(other.unwrap_or_default())),
    }
}

fn first_root(reader: &mut Reader<'_>) -> Result<Option<Cid>, CarError> {
    let mut first = None;
    for at in 0..reader.array()? {
        // Other roots are not used, so their form does not matter; the first must be a usable CID.
        match reader.link() {
            Ok(cid) if at == 0 => first = Some(cid),
            Ok(_) => {}
            Err(CborError::Link(_)) => return Err(CarError::Root),
            Err(other) => return Err(other.into()),
        }
    }
    Ok(first)
}

/// A section's block, once its bytes are known to be what its CID names. `None`: the CID is of a form this
/// network does not use, so nothing can refer to the block.
pub(super) fn block(section: &[u8]) -> Result<Option<(Cid, &[u8])>, CarError> {
    // CIDs of other forms have other lengths; only version 1 with a 32-byte digest is told apart here.
    let Some((head, block)) = section.split_at_checked(CID_BYTES) else {
        return if section.is_empty() { Err(CarError::Section) } else { Ok(None) };
    };
    let Ok(cid) = Cid::from_bytes(head) else {
        return Ok(None);
    };
    if cid.names(block) { Ok(Some((cid, block))) } else { Err(CarError::Hash(cid)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Expected = Result<Option<(u64, usize)>, CarError>;

    #[test]
    fn varints_are_minimal_and_fit_64_bits() {
        let cases: [(&[u8], Expected); 10] = [
            (&[], Ok(None)),
            (&[0], Ok(Some((0, 1)))),
            (&[0x7f, 9], Ok(Some((127, 1)))),
            (&[0x80], Ok(None)),
            (&[0x80, 1], Ok(Some((128, 2)))),
            (&[0x80, 0], Err(CarError::Varint)),
            (&[0xff; 9], Ok(None)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Ok(Some((u64::MAX, 10)))),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2], Err(CarError::Varint)),
            (&[0xff; 11], Err(CarError::Varint)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(varint(bytes), expected, "{bytes:?}");
        }
    }
}
