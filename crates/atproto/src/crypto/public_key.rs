//! Public keys: from and to text, and verification. A key is decoded once and then cheap to copy and use.

use std::fmt;
use std::str::FromStr;

use p256::elliptic_curve::sec1::ToSec1Point as _;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use secp256k1::{Message, ecdsa};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Curve, KeyError, SIGNATURE_BYTES, SignatureError, multikey, sha256};

const DID_KEY: &str = "did:key:";

/// A public key of either curve. Prints and (de)serializes as `did:key:z…`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey(Point);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Point {
    K256(secp256k1::PublicKey),
    /// Uncompressed (`04 | x | y`), the only form that ring takes.
    P256([u8; 65]),
}

impl PublicKey {
    /// Reads a `Multikey`: `z` and base58btc over kind and point, as DID documents hold it.
    ///
    /// # Errors
    /// [`KeyError`] if the text, the kind or the point is wrong.
    pub fn from_multibase(text: &str) -> Result<Self, KeyError> {
        let bytes = multikey::decode_base58btc(text)?;
        let (curve, point) = multikey::split(&bytes)?;
        Self::from_point(curve, point)
    }

    /// Reads the key of an old verification method (`EcdsaSecp256k1VerificationKey2019` and the like):
    /// the same text without a kind, which the method's type names instead.
    ///
    /// # Errors
    /// [`KeyError`] if the text or the point is wrong.
    pub fn from_legacy_multibase(curve: Curve, text: &str) -> Result<Self, KeyError> {
        Self::from_point(curve, &multikey::decode_base58btc(text)?)
    }

    /// Reads `did:key:z…`.
    ///
    /// # Errors
    /// [`KeyError`] if it is no such text.
    pub fn from_did_key(text: &str) -> Result<Self, KeyError> {
        Self::from_multibase(text.strip_prefix(DID_KEY).ok_or(KeyError::NotDidKey)?)
    }

    /// Reads a point: 33 bytes compressed or 65 uncompressed (SEC 1).
    ///
    /// # Errors
    /// [`KeyError::Point`] if it is not a point of the curve.
    pub fn from_point(curve: Curve, bytes: &[u8]) -> Result<Self, KeyError> {
        let plain = matches!((bytes.first(), bytes.len()), (Some(2 | 3), 33) | (Some(4), 65));
        if !plain {
            return Err(KeyError::Point);
        }
        match curve {
            Curve::K256 => secp256k1::PublicKey::from_slice(bytes)
                .map(|key| Self(Point::K256(key)))
                .map_err(|_| KeyError::Point),
            Curve::P256 => p256::PublicKey::from_sec1_bytes(bytes)
                .map(|key| Self::from_p256(&key))
                .map_err(|_| KeyError::Point),
        }
    }

    pub(super) fn from_k256(key: secp256k1::PublicKey) -> Self {
        Self(Point::K256(key))
    }

    pub(super) fn from_p256(key: &p256::PublicKey) -> Self {
        let uncompressed = key
            .to_sec1_point(false)
            .as_bytes()
            .try_into()
            .expect("invariant: an uncompressed point has 65 bytes");
        Self(Point::P256(uncompressed))
    }

    /// Which curve it is on.
    pub fn curve(&self) -> Curve {
        match self.0 {
            Point::K256(_) => Curve::K256,
            Point::P256(_) => Curve::P256,
        }
    }

    /// The compressed point: 33 bytes, SEC 1.
    pub fn to_point(&self) -> [u8; 33] {
        match &self.0 {
            Point::K256(key) => key.serialize(),
            Point::P256(uncompressed) => {
                let mut compressed = [0; 33];
                compressed[0] = 2 + (uncompressed[64] & 1);
                compressed[1..].copy_from_slice(&uncompressed[1..33]);
                compressed
            }
        }
    }

    /// The uncompressed point: `04`, 32 bytes x, 32 bytes y; SEC 1.
    pub fn to_uncompressed_point(&self) -> [u8; 65] {
        match &self.0 {
            Point::K256(key) => key.serialize_uncompressed(),
            Point::P256(uncompressed) => *uncompressed,
        }
    }

    /// The text that a `Multikey` of a DID document holds.
    pub fn to_multibase(&self) -> String {
        multikey::encode(self.curve(), &self.to_point())
    }

    /// The same text behind `did:key:`.
    pub fn to_did_key(&self) -> String {
        format!("{DID_KEY}{}", self.to_multibase())
    }

    /// Verifies a compact signature of `message` as commits and labels demand it: low S only.
    ///
    /// # Errors
    /// [`SignatureError`] naming what is wrong with it.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let signature = compact(signature)?;
        if signature[32..] > self.curve().low_s_max()[..] {
            return Err(SignatureError::HighS);
        }
        self.verify_either_s(message, signature)
    }

    /// Verifies a compact signature of `message`, whether its S is low or high: for service tokens,
    /// which libraries in use make both ways.
    ///
    /// # Errors
    /// [`SignatureError::Form`] or [`SignatureError::Mismatch`].
    pub fn verify_malleable(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        self.verify_either_s(message, compact(signature)?)
    }

    fn verify_either_s(
        &self,
        message: &[u8],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> Result<(), SignatureError> {
        let matches = match &self.0 {
            Point::K256(key) => verify_k256(key, message, signature),
            Point::P256(uncompressed) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, uncompressed)
                    .verify(message, signature)
                    .is_ok()
            }
        };
        if matches { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

fn compact(signature: &[u8]) -> Result<&[u8; SIGNATURE_BYTES], SignatureError> {
    signature.try_into().map_err(|_| SignatureError::Form)
}

/// libsecp256k1 refuses a high S, so it is brought low first.
fn verify_k256(
    key: &secp256k1::PublicKey,
    message: &[u8],
    signature: &[u8; SIGNATURE_BYTES],
) -> bool {
    ecdsa::Signature::from_compact(signature).is_ok_and(|mut signature| {
        signature.normalize_s();
        ecdsa::verify(&signature, Message::from_digest(sha256(message)), key).is_ok()
    })
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_did_key())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_did_key())
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_did_key(text)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::from_did_key(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const K256: &str = "did:key:zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc";
    const P256: &str = "did:key:zDnaembgSGUhZULN2Caob4HLJPaxBh92N7rtH21TErzqf8HQo";

    fn check(text: &str, expected: KeyError) {
        assert_eq!(PublicKey::from_did_key(text), Err(expected), "{text}");
    }

    #[test]
    fn texts_that_are_no_keys() {
        check("", KeyError::NotDidKey);
        check("zQ3shqwJEJyMBsBXCWyCBpUBMqxcon9oHB7mCvx4sSpMdLJwc", KeyError::NotDidKey);
        check("did:key:", KeyError::Multibase);
        check("did:key:uQ3sh", KeyError::Multibase);
        check("did:key:z0OIl", KeyError::Multibase);
        check(&format!("did:key:z{}", "1".repeat(128)), KeyError::Multibase);
        check("did:key:z", KeyError::Kind);
        // Ed25519, which the protocol does not know
        check("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", KeyError::Kind);
    }

    #[test]
    fn points() {
        for (text, curve) in [(K256, Curve::K256), (P256, Curve::P256)] {
            let key = PublicKey::from_did_key(text).unwrap();
            assert_eq!(key.curve(), curve);
            assert_eq!(PublicKey::from_point(curve, &key.to_point()), Ok(key));
            assert_eq!(PublicKey::from_point(curve, &key.to_uncompressed_point()), Ok(key));
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(json, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), key);
        }
        for curve in [Curve::K256, Curve::P256] {
            // The field's largest number is no coordinate; a lone zero is the point at infinity.
            let mut outside = [0xff; 33];
            outside[0] = 2;
            for bytes in [&outside[..], &[0], &[], &[2; 32]] {
                assert_eq!(PublicKey::from_point(curve, bytes), Err(KeyError::Point));
            }
        }
    }

    #[test]
    fn hybrid_points_are_refused() {
        let key = PublicKey::from_did_key(K256).unwrap();
        let Point::K256(point) = key.0 else {
            panic!("not on K-256");
        };
        let mut bytes = point.serialize_uncompressed();
        assert_eq!(PublicKey::from_point(Curve::K256, &bytes), Ok(key));
        bytes[0] = 6 + (bytes[64] & 1);
        assert_eq!(PublicKey::from_point(Curve::K256, &bytes), Err(KeyError::Point));
    }
}
