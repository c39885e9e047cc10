//! CIDs as text, of any multibase, codec and hash: what a lexicon's `cid` format accepts.
//!
//! Records may name objects whose CID is not of the one kind that repositories use, so a reference
//! keeps its text; [`crate::cid::Cid`] is the repository's own kind.
//! Source: <https://atproto.com/specs/lexicon#cid-link> and the interop vectors.

use data_encoding::BASE32_NOPAD;

use super::{Checked, Grammar, rule};

const BYTES_MIN: usize = 8;
const BYTES_MAX: usize = 256;
/// Version, codec, hash code and hash length, each a one- to nine-byte varint.
const VARINT_BYTES_MAX: usize = 9;

/// A CID of version 1 as text, 8–256 bytes, kept as written.
pub type CidString = Checked<CidStringGrammar>;

/// The grammar of [`CidString`]: alphabet and length for every multibase, and for base32, which is what
/// the protocol writes, the bytes as well.
pub enum CidStringGrammar {}

impl Grammar for CidStringGrammar {
    const FORMAT: &'static str = "cid";

    fn check(text: &str) -> Result<(), &'static str> {
        rule((BYTES_MIN..=BYTES_MAX).contains(&text.len()), "it must have 8 to 256 characters")?;
        rule(
            text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'=')),
            "a character is not allowed in a CID",
        )?;
        rule(!text.starts_with("Qm"), "it is a CID of version 0")?;
        match text.strip_prefix('b') {
            Some(digits) => rule(
                decode_base32(digits).is_some_and(|bytes| is_cid_v1(&bytes)),
                "its bytes are not a CID of version 1",
            ),
            None => Ok(()),
        }
    }
}

/// The bytes behind lower-case digits.
fn decode_base32(digits: &str) -> Option<Vec<u8>> {
    let lower = !digits.bytes().any(|b| b.is_ascii_uppercase());
    let decode = || BASE32_NOPAD.decode(digits.to_ascii_uppercase().as_bytes());
    lower.then(decode)?.ok()
}

fn is_cid_v1(bytes: &[u8]) -> bool {
    let parse = || {
        let (version, rest) = varint(bytes)?;
        let (_codec, rest) = varint(rest)?;
        let (_hash, rest) = varint(rest)?;
        let (length, digest) = varint(rest)?;
        Some(version == 1 && u64::try_from(digest.len()) == Ok(length))
    };
    parse().unwrap_or(false)
}

/// An unsigned little-endian base-128 number and what follows it.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(VARINT_BYTES_MAX) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(index + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_looked_into() {
        let check = |text: &str, valid: bool| {
            assert_eq!(CidString::parse(text).is_ok(), valid, "{text}");
        };
        check("bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq", true);
        check("bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwr", false);
        check("BAFYREICLP443LAVOGVHJ3D2OB2CXBFUSCNI2K5JK7BEBJZG7KHL3ESABWQ", true);
        check("bAFYreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq", false);
        check("bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esab", false);
        check("bananabanana", false);
    }
}
