//! Proofs that whoever shows an access token holds the key it was given to (RFC 9449 §4.2).

use serde::Serialize;
use url::Url;

use super::PublicJwk;
use super::wire::{base64url, sign};
use crate::crypto::{KeyError, SigningKey, sha256};

/// What a proof says; it is good for this one request.
#[derive(Debug, Clone)]
pub struct DpopProof<'a> {
    /// The request's method, in capitals.
    pub method: &'a str,
    /// The request's URL. Its query and fragment are left out of the proof.
    pub url: &'a Url,
    /// What tells it from every other proof of the key: random.
    pub token_id: &'a str,
    /// When it was made, in seconds since the epoch.
    pub issued_s: i64,
    /// What the server gave out last.
    pub nonce: Option<&'a str>,
    /// The access token shown with it; none where tokens are asked for.
    pub access_token: Option<&'a str>,
}

impl DpopProof<'_> {
    /// Makes and signs the proof.
    ///
    /// # Errors
    /// [`KeyError::Kind`]: the key is not on P-256.
    pub fn sign(&self, key: &SigningKey) -> Result<String, KeyError> {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        let header = Header {
            typ: "dpop+jwt",
            alg: key.curve().jwt_algorithm(),
            jwk: PublicJwk::of(&key.public())?,
        };
        let claims = Claims {
            jti: self.token_id,
            htm: self.method,
            htu: url.as_str(),
            iat: self.issued_s,
            nonce: self.nonce,
            ath: self.access_token.map(|token| base64url(&sha256(token.as_bytes()))),
        };
        Ok(sign(key, &header, &claims))
    }
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    jwk: PublicJwk,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: &'a str,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::crypto::Curve;

    fn part(token: &str, n: usize) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(token.split('.').nth(n).unwrap()).unwrap()
    }

    /// The access token of RFC 9449 §7.1 and its hash.
    #[test]
    fn a_proof_is_about_one_request() {
        let key = SigningKey::generate(Curve::P256, &mut |bytes| bytes.fill(9));
        let url = Url::parse("https://resource.example.org/protected?page=2#part").unwrap();
        let proof = DpopProof {
            method: "GET",
            url: &url,
            token_id: "one",
            issued_s: 1_562_262_618,
            nonce: Some("n"),
            access_token: Some("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
        };
        let token = proof.sign(&key).unwrap();
        let header: Value = serde_json::from_slice(&part(&token, 0)).unwrap();
        assert_eq!((&header["typ"], &header["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
        let jwk: PublicJwk = serde_json::from_value(header["jwk"].clone()).unwrap();
        assert_eq!(jwk.key().unwrap(), key.public());
        let claims: Value = serde_json::from_slice(&part(&token, 1)).unwrap();
        let expected = json!({
            "jti": "one", "htm": "GET", "htu": "https://resource.example.org/protected",
            "iat": 1_562_262_618, "nonce": "n", "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
        });
        assert_eq!(claims, expected);
        let (signed, _) = token.rsplit_once('.').unwrap();
        key.public().verify(signed.as_bytes(), &part(&token, 2)).unwrap();
    }

    #[test]
    fn a_key_of_the_other_curve_makes_none() {
        let key = SigningKey::generate(Curve::K256, &mut |bytes| bytes.fill(9));
        let url = Url::parse("https://a.example").unwrap();
        let proof = DpopProof {
            method: "POST",
            url: &url,
            token_id: "one",
            issued_s: 0,
            nonce: None,
            access_token: None,
        };
        assert_eq!(proof.sign(&key), Err(KeyError::Kind));
    }
}
