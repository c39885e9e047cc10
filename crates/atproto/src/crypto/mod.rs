//! Keys and signatures of the two curves that the protocol allows, and SHA-256.
//!
//! ECDSA over the SHA-256 of a message, in compact form: 32 bytes R, 32 bytes S, big-endian; never DER.
//! Commits and labels demand a low S ([`PublicKey::verify`]); service tokens may have either
//! ([`PublicKey::verify_malleable`]). P-256 is verified by ring, K-256 by libsecp256k1.
//! Source: <https://atproto.com/specs/cryptography>.

mod multikey;
mod public_key;
mod signing_key;

use std::fmt;

pub use public_key::PublicKey;
pub use signing_key::SigningKey;

/// Bytes of a compact signature.
pub const SIGNATURE_BYTES: usize = 64;

/// SHA-256 of `bytes`.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    ring::digest::digest(&ring::digest::SHA256, bytes)
        .as_ref()
        .try_into()
        .expect("invariant: SHA-256 has 32 bytes")
}

/// An elliptic curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Curve {
    /// secp256k1, JWT algorithm `ES256K`; what most accounts use.
    K256,
    /// NIST P-256 (secp256r1), JWT algorithm `ES256`.
    P256,
}

impl Curve {
    /// The name in the `alg` field of a JWT made with this curve.
    pub fn jwt_algorithm(self) -> &'static str {
        match self {
            Self::K256 => "ES256K",
            Self::P256 => "ES256",
        }
    }

    /// The largest S that counts as low: half the order of the group, big-endian.
    fn low_s_max(self) -> &'static [u8; 32] {
        match self {
            Self::K256 => &K256_LOW_S_MAX,
            Self::P256 => &P256_LOW_S_MAX,
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::K256 => "K-256",
            Self::P256 => "P-256",
        })
    }
}

const K256_LOW_S_MAX: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

const P256_LOW_S_MAX: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

/// Why bytes or text are not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text does not start with `did:key:`.
    #[error("it is not a did:key")]
    NotDidKey,
    /// The text is not base58btc behind a `z`, or is too long for a key.
    #[error("it is not base58btc multibase text of a key's length")]
    Multibase,
    /// The bytes name another kind of key than K-256 or P-256.
    #[error("its kind of key is neither K-256 nor P-256")]
    Kind,
    /// The bytes are not a point of the curve in compressed or uncompressed form.
    #[error("its bytes are not a point of the curve")]
    Point,
    /// The secret is zero or not below the order of the group.
    #[error("it is not a secret key of the curve")]
    Secret,
}

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not 64 bytes: DER, or no signature at all.
    #[error("the signature does not have the compact form of 64 bytes")]
    Form,
    /// S is above half the group's order where that is forbidden.
    #[error("the signature is malleable: its S is high")]
    HighS,
    /// The signature is not this key's for this message.
    #[error("the signature does not match key and message")]
    Mismatch,
}
