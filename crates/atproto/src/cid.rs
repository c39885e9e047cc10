//! Content identifiers, in the two "blessed" forms only: CIDv1, sha2-256, codec `dag-cbor` (records,
//! commits, tree nodes) or `raw` (blobs). A value of this type is always one of them, so 33 bytes hold it.
//!
//! ```text
//! byte   0     1      2     3     4 ……………… 35
//!      0x01  codec  0x12  0x20    sha2-256 digest
//!       v1  71|55  sha256  32
//! ```
//!
//! Spec: atproto.com/specs/data-model ("link and CID formats").

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::crypto::sha256;

/// Length of a CID in binary form, in bytes.
pub const CID_BYTES: usize = 36;

/// Length of a CID as text, in characters: `b` and 58 base32 digits.
pub const CID_CHARS: usize = 59;

const PREFIX_BYTES: usize = 4;
const DIGEST_BYTES: usize = 32;

/// RFC 4648 base32, lower case, unpadded; bits left over at the end must be zero.
static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().expect("invariant: 32 distinct symbols make an encoding")
});

/// What the bytes behind a CID are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Codec {
    /// Opaque bytes: blobs.
    Raw = 0x55,
    /// DAG-CBOR: records, commits, tree nodes.
    DagCbor = 0x71,
}

impl Codec {
    fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x55 => Some(Self::Raw),
            0x71 => Some(Self::DagCbor),
            _ => None,
        }
    }
}

/// Why bytes or text are not a CID this network uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CidError {
    /// Binary form of another length than [`CID_BYTES`], or text of another length than [`CID_CHARS`].
    #[error("a CID has {CID_BYTES} bytes or {CID_CHARS} characters, this one {0}")]
    Length(usize),
    /// Another version, codec, hash function or digest length.
    #[error("not a CIDv1 with sha2-256 and codec dag-cbor or raw")]
    Form,
    /// Text that is not lower-case base32 with the prefix `b`.
    #[error("not lower-case base32 with the multibase prefix 'b'")]
    Text,
}

/// A content identifier; `Copy`, ordered as its binary form is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cid {
    codec: Codec,
    digest: [u8; DIGEST_BYTES],
}

impl Cid {
    /// The CID of a DAG-CBOR block.
    pub fn of_dag_cbor(block: &[u8]) -> Self {
        Self { codec: Codec::DagCbor, digest: sha256(block) }
    }

    /// The CID of a blob's bytes.
    pub fn of_raw(block: &[u8]) -> Self {
        Self { codec: Codec::Raw, digest: sha256(block) }
    }

    /// Puts a CID together from its codec and sha2-256 digest.
    pub const fn new(codec: Codec, digest: [u8; DIGEST_BYTES]) -> Self {
        Self { codec, digest }
    }

    /// Reads the binary form, exactly [`CID_BYTES`] long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CidError> {
        let (prefix, digest) =
            bytes.split_at_checked(PREFIX_BYTES).ok_or(CidError::Length(bytes.len()))?;
        let digest =
            <[u8; DIGEST_BYTES]>::try_from(digest).map_err(|_| CidError::Length(bytes.len()))?;
        match *prefix {
            [0x01, codec, 0x12, 0x20] => {
                let codec = Codec::from_byte(codec).ok_or(CidError::Form)?;
                Ok(Self { codec, digest })
            }
            _ => Err(CidError::Form),
        }
    }

    /// The binary form.
    pub fn to_bytes(&self) -> [u8; CID_BYTES] {
        let mut bytes = [0; CID_BYTES];
        let (prefix, digest) = bytes.split_at_mut(PREFIX_BYTES);
        prefix.copy_from_slice(&[0x01, self.codec as u8, 0x12, 0x20]);
        digest.copy_from_slice(&self.digest);
        bytes
    }

    /// Reads the text form: `b` and lower-case base32.
    pub fn parse(text: &str) -> Result<Self, CidError> {
        if text.len() != CID_CHARS {
            return Err(CidError::Length(text.len()));
        }
        let digits = text.strip_prefix('b').ok_or(CidError::Text)?;
        let mut bytes = [0; CID_BYTES];
        match BASE32.decode_mut(digits.as_bytes(), &mut bytes) {
            Ok(CID_BYTES) => Self::from_bytes(&bytes),
            Ok(_) | Err(_) => Err(CidError::Text),
        }
    }

    /// What the bytes behind this CID are.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// The sha2-256 digest of the bytes behind this CID.
    pub const fn digest(&self) -> &[u8; DIGEST_BYTES] {
        &self.digest
    }

    /// Whether `block` is the content this CID names. Costs one SHA-256 of the block.
    pub fn names(&self, block: &[u8]) -> bool {
        sha256(block) == self.digest
    }

    /// The first 8 bytes of the digest, big-endian: what edge rows keep of a CID.
    pub fn prefix_i64(&self) -> i64 {
        let (head, _) =
            self.digest.split_first_chunk::<8>().expect("invariant: a digest has 32 bytes");
        i64::from_be_bytes(*head)
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [b'b'; CID_CHARS];
        let (_, digits) = text.split_at_mut(1);
        BASE32.encode_mut(&self.to_bytes(), digits);
        formatter.pad(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Cid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Cid({self})")
    }
}

impl FromStr for Cid {
    type Err = CidError;

    fn from_str(text: &str) -> Result<Self, CidError> {
        Self::parse(text)
    }
}

impl Serialize for Cid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const RECORD: &str = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";
    const BLOB: &str = "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity";

    #[test]
    fn text_and_binary_forms_agree() {
        for (text, codec) in [(RECORD, Codec::DagCbor), (BLOB, Codec::Raw)] {
            let cid = Cid::parse(text).unwrap();
            assert_eq!(cid.codec(), codec);
            assert_eq!(cid.to_string(), text);
            assert_eq!(Cid::from_bytes(&cid.to_bytes()), Ok(cid));
            let json = serde_json::to_string(&cid).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Cid>(&json).unwrap(), cid);
        }
    }

    #[test]
    fn order_is_that_of_the_binary_form() {
        let (low, high) = (Cid::of_raw(b"zz"), Cid::of_dag_cbor(b"aa"));
        assert_eq!(low.cmp(&high), low.to_bytes().cmp(&high.to_bytes()));
    }

    #[test]
    fn other_forms_are_refused() {
        let dag_pb = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi";
        let upper = RECORD.to_uppercase();
        let loose_bits = format!("{}b", &RECORD[..58]);
        let cases = [
            ("", CidError::Length(0)),
            (dag_pb, CidError::Form),
            (&upper, CidError::Text),
            (&loose_bits, CidError::Text),
            ("QmbWqxBEKC3P8tqsKc98xmWNzrzDtRLMiMPL8wBuTGsMnR", CidError::Length(46)),
        ];
        for (text, error) in cases {
            assert_eq!(Cid::parse(text), Err(error), "{text}");
        }
        assert_eq!(Cid::from_bytes(&[1, 0x71, 0x12, 0x20]), Err(CidError::Length(4)));
        assert_eq!(Cid::from_bytes(&[1; 36]), Err(CidError::Form));
    }

    #[test]
    fn prefix_is_the_first_eight_digest_bytes() {
        let cid = Cid::new(Codec::Raw, [0xff; 32]);
        assert_eq!(cid.prefix_i64(), -1);
        let mut digest = [0; 32];
        digest[7] = 9;
        assert_eq!(Cid::new(Codec::DagCbor, digest).prefix_i64(), 9);
    }
}
