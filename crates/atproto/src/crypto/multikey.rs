//! The text form of public keys: base58btc behind `z`, over a two-byte kind and the compressed point.
//!
//! ```text
//! z base58btc( E7 01 | 33 bytes )   K-256
//! z base58btc( 80 24 | 33 bytes )   P-256
//! ```
//! Source: <https://atproto.com/specs/cryptography#public-key-encoding>.

use super::{Curve, KeyError};

const K256_KIND: [u8; 2] = [0xe7, 0x01];
const P256_KIND: [u8; 2] = [0x80, 0x24];
/// Longer than any key: two bytes and an uncompressed point take 92 digits. Decoding is quadratic.
const TEXT_BYTES_MAX: usize = 128;

/// The bytes of multibase text.
pub(super) fn decode_base58btc(text: &str) -> Result<Vec<u8>, KeyError> {
    text.strip_prefix('z')
        .filter(|digits| digits.len() < TEXT_BYTES_MAX)
        .and_then(|digits| bs58::decode(digits).into_vec().ok())
        .ok_or(KeyError::Multibase)
}

/// Splits kind and point.
pub(super) fn split(bytes: &[u8]) -> Result<(Curve, &[u8]), KeyError> {
    let (kind, point) = bytes.split_first_chunk().ok_or(KeyError::Kind)?;
    match *kind {
        K256_KIND => Ok((Curve::K256, point)),
        P256_KIND => Ok((Curve::P256, point)),
        _ => Err(KeyError::Kind),
    }
}

/// The text of a compressed point.
pub(super) fn encode(curve: Curve, compressed: &[u8; 33]) -> String {
    let kind = match curve {
        Curve::K256 => K256_KIND,
        Curve::P256 => P256_KIND,
    };
    let mut bytes = Vec::with_capacity(kind.len() + compressed.len());
    bytes.extend_from_slice(&kind);
    bytes.extend_from_slice(compressed);
    format!("z{}", bs58::encode(bytes).into_string())
}
