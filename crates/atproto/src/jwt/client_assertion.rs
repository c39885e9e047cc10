//! Tokens by which a confidential OAuth client proves who it is (RFC 7523 §2.2,
//! <https://atproto.com/specs/oauth#confidential-client-authentication>).

use serde::Serialize;

use super::wire::sign;
use crate::crypto::SigningKey;

/// What an assertion says; it is good for one request within its short life.
#[derive(Debug, Clone)]
pub struct ClientAssertion<'a> {
    /// Who asks: the URL of the client's metadata.
    pub client_id: &'a str,
    /// Who is asked: the authorization server's issuer.
    pub issuer: &'a str,
    /// What tells it from every other: random.
    pub token_id: &'a str,
    /// When it was made, in seconds since the epoch.
    pub issued_s: i64,
    /// How long it is good for, in seconds; at most a minute.
    pub lifetime_s: i64,
}

/// The longest life of an assertion, in seconds.
const LIFETIME_SECONDS_MAX: i64 = 60;

impl ClientAssertion<'_> {
    /// Makes and signs the assertion with the key that the client's metadata calls `key_id`.
    pub fn sign(&self, key: &SigningKey, key_id: &str) -> String {
        let header = Header { typ: "JWT", alg: key.curve().jwt_algorithm(), kid: key_id };
        let lifetime_s = self.lifetime_s.clamp(1, LIFETIME_SECONDS_MAX);
        let claims = Claims {
            iss: self.client_id,
            sub: self.client_id,
            aud: self.issuer,
            jti: self.token_id,
            iat: self.issued_s,
            exp: self.issued_s.saturating_add(lifetime_s),
        };
        sign(key, &header, &claims)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    typ: &'a str,
    alg: &'a str,
    kid: &'a str,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: i64,
    exp: i64,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::crypto::Curve;

    #[test]
    fn an_assertion_names_who_asks_and_who_is_asked() {
        let key = SigningKey::generate(Curve::P256, &mut |bytes| bytes.fill(3));
        let assertion = ClientAssertion {
            client_id: "https://app.example.com/client.json",
            issuer: "https://pds.example.com",
            token_id: "once",
            issued_s: 100,
            lifetime_s: 3_600,
        };
        let token = assertion.sign(&key, "first");
        let parts: Vec<Vec<u8>> =
            token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        let header: Value = serde_json::from_slice(&parts[0]).unwrap();
        assert_eq!(header, json!({ "typ": "JWT", "alg": "ES256", "kid": "first" }));
        let claims: Value = serde_json::from_slice(&parts[1]).unwrap();
        let expected = json!({
            "iss": "https://app.example.com/client.json", "sub": "https://app.example.com/client.json",
            "aud": "https://pds.example.com", "jti": "once", "iat": 100, "exp": 160,
        });
        assert_eq!(claims, expected);
        let (signed, _) = token.rsplit_once('.').unwrap();
        key.public().verify(signed.as_bytes(), &parts[2]).unwrap();
    }
}
