//! Public keys as OAuth tells them: JSON Web Keys on P-256 (RFC 7517, RFC 7518 §6.2), and their
//! thumbprints (RFC 7638), by which servers know them again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::wire::base64url;
use crate::crypto::{Curve, KeyError, PublicKey, sha256};

const KEY_TYPE: &str = "EC";
const CURVE: &str = "P-256";

/// A public key on P-256. The members stand in the order that the thumbprint demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicJwk {
    crv: String,
    kty: String,
    x: String,
    y: String,
}

impl PublicJwk {
    /// The key's JSON form.
    ///
    /// # Errors
    /// [`KeyError::Kind`]: it is not on P-256, the one curve that OAuth here uses.
    pub fn of(key: &PublicKey) -> Result<Self, KeyError> {
        if key.curve() != Curve::P256 {
            return Err(KeyError::Kind);
        }
        let point = key.to_uncompressed_point();
        let (x, y) = point[1..].split_at(32);
        Ok(Self {
            crv: CURVE.to_owned(),
            kty: KEY_TYPE.to_owned(),
            x: base64url(x),
            y: base64url(y),
        })
    }

    /// The key itself.
    ///
    /// # Errors
    /// [`KeyError`]: another kind of key, or no point of the curve.
    pub fn key(&self) -> Result<PublicKey, KeyError> {
        if self.kty != KEY_TYPE || self.crv != CURVE {
            return Err(KeyError::Kind);
        }
        let mut point = vec![4];
        for coordinate in [&self.x, &self.y] {
            let bytes = URL_SAFE_NO_PAD.decode(coordinate).map_err(|_| KeyError::Point)?;
            point.extend_from_slice(&bytes);
        }
        PublicKey::from_point(Curve::P256, &point)
    }

    /// SHA-256 of the members in order, base64url: 43 characters (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let json = serde_json::to_vec(self).expect("invariant: a struct of text serializes");
        base64url(&sha256(&json))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::crypto::SigningKey;

    /// The key of RFC 9449 §6.1, whose thumbprint that section gives.
    #[test]
    fn the_thumbprint_of_the_standards_example() {
        let jwk: PublicJwk = serde_json::from_value(serde_json::json!({
            "kty": "EC",
            "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
            "crv": "P-256",
        }))
        .unwrap();
        assert_eq!(jwk.thumbprint(), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert_eq!(PublicJwk::of(&jwk.key().unwrap()).unwrap(), jwk);
    }

    #[test]
    fn keys_that_are_none() {
        let check = |change: fn(&mut PublicJwk), expected: KeyError| {
            let key = SigningKey::generate(Curve::P256, &mut |bytes| bytes.fill(7)).public();
            let mut jwk = PublicJwk::of(&key).unwrap();
            change(&mut jwk);
            assert_eq!(jwk.key(), Err(expected));
        };
        check(|jwk| jwk.kty = "OKP".to_owned(), KeyError::Kind);
        check(|jwk| jwk.crv = "secp256k1".to_owned(), KeyError::Kind);
        check(|jwk| jwk.x = "***".to_owned(), KeyError::Point);
        check(|jwk| jwk.y.truncate(8), KeyError::Point);
        check(|jwk| jwk.x = jwk.y.clone(), KeyError::Point);
        let other = SigningKey::generate(Curve::K256, &mut |bytes| bytes.fill(7)).public();
        assert_eq!(PublicJwk::of(&other), Err(KeyError::Kind));
    }
}
