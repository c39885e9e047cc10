//! Secret keys: for service tokens that Millrace mints, and for whoever plays an account or a PDS.
//! Signing takes its nonce from key and message (RFC 6979), so equal input gives equal signatures.

use std::fmt;

use p256::ecdsa::signature::Signer as _;
use secp256k1::{Message, ecdsa};

use super::{Curve, KeyError, PublicKey, SIGNATURE_BYTES, sha256};

/// A secret key of either curve. Never printed.
#[derive(Clone)]
pub struct SigningKey(Secret);

#[derive(Clone)]
enum Secret {
    K256(secp256k1::SecretKey),
    P256(p256::ecdsa::SigningKey),
}

impl SigningKey {
    /// Makes a key from 32 bytes that `fill` writes; the same bytes give the same key.
    pub fn generate(curve: Curve, fill: &mut dyn FnMut(&mut [u8])) -> Self {
        let mut seed = [0; 32];
        fill(&mut seed);
        // Of 2^32 seeds at most one or so lies outside the group's order; its hash is taken instead.
        loop {
            match Self::from_bytes(curve, &seed) {
                Ok(key) => return key,
                Err(_) => seed = sha256(&seed),
            }
        }
    }

    /// Reads a secret: 32 bytes, big-endian, from 1 to the group's order less one.
    ///
    /// # Errors
    /// [`KeyError::Secret`] if it is outside.
    pub fn from_bytes(curve: Curve, bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let secret = match curve {
            Curve::K256 => secp256k1::SecretKey::from_secret_bytes(*bytes)
                .map(Secret::K256)
                .map_err(|_| KeyError::Secret)?,
            Curve::P256 => p256::ecdsa::SigningKey::from_slice(bytes)
                .map(Secret::P256)
                .map_err(|_| KeyError::Secret)?,
        };
        Ok(Self(secret))
    }

    /// The secret itself, for whoever stores it.
    pub fn to_bytes(&self) -> [u8; 32] {
        match &self.0 {
            Secret::K256(secret) => secret.to_secret_bytes(),
            Secret::P256(secret) => secret.to_bytes().into(),
        }
    }

    /// Which curve it is on.
    pub fn curve(&self) -> Curve {
        match self.0 {
            Secret::K256(_) => Curve::K256,
            Secret::P256(_) => Curve::P256,
        }
    }

    /// The key that verifies what this one signs.
    pub fn public(&self) -> PublicKey {
        match &self.0 {
            Secret::K256(secret) => PublicKey::from_k256(secret.public_key()),
            Secret::P256(secret) => PublicKey::from_p256(&secret.verifying_key().into()),
        }
    }

    /// Signs the SHA-256 of `message`; compact, with a low S.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        match &self.0 {
            Secret::K256(secret) => {
                ecdsa::sign(Message::from_digest(sha256(message)), secret).serialize_compact()
            }
            Secret::P256(secret) => {
                let signature: p256::ecdsa::Signature = secret.sign(message);
                signature.normalize_s().to_bytes().into()
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(of {})", self.public())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::crypto::SignatureError;

    fn key(curve: Curve, seed: u8) -> SigningKey {
        SigningKey::generate(curve, &mut |bytes| bytes.fill(seed))
    }

    #[test]
    fn signs_what_its_public_key_verifies() {
        for curve in [Curve::K256, Curve::P256] {
            let signer = key(curve, 7);
            let public = signer.public();
            for n in 0..32u8 {
                let message = [n; 40];
                let signature = signer.sign(&message);
                public.verify(&message, &signature).unwrap();
                public.verify_malleable(&message, &signature).unwrap();
                assert_eq!(public.verify(&[n + 1; 40], &signature), Err(SignatureError::Mismatch));
                assert_eq!(
                    key(curve, 8).public().verify(&message, &signature),
                    Err(SignatureError::Mismatch)
                );
            }
        }
    }

    #[test]
    fn keys_outside_the_order() {
        for curve in [Curve::K256, Curve::P256] {
            assert_eq!(SigningKey::from_bytes(curve, &[0; 32]).unwrap_err(), KeyError::Secret);
            assert_eq!(SigningKey::from_bytes(curve, &[0xff; 32]).unwrap_err(), KeyError::Secret);
            // A source of nothing but zeros still ends in a key.
            assert_eq!(key(curve, 0).curve(), curve);
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let signer = key(Curve::K256, 1);
        let secret: String = signer.to_bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert!(!format!("{signer:?}").contains(&secret));
        let again = SigningKey::from_bytes(Curve::K256, &signer.to_bytes()).unwrap();
        assert_eq!(again.public(), signer.public());
    }
}
