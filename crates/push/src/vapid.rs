//! Who this service is to push services (RFC 8292): a P-256 key that browsers are told when they subscribe, and by
//! which each request is signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millrace_atproto::crypto::{Curve, SigningKey};
use serde_json::json;
use url::Url;

/// How long a signature is good for; push services take at most a day.
const LIFETIME_S: i64 = 12 * 3_600;

/// `push.vapid_key` is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a P-256 key, as 64 hexadecimal digits")]
pub struct PushKeyError;

/// The key, and whom push services may ask.
#[derive(Clone)]
pub struct Vapid {
    key: SigningKey,
    contact: String,
}

impl Vapid {
    /// # Errors
    /// `key` is no hex of a key.
    pub fn new(key: &str, contact: String) -> Result<Self, PushKeyError> {
        let key = key.trim();
        let mut bytes = [0_u8; 32];
        if key.len() != 64 || !key.is_ascii() {
            return Err(PushKeyError);
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            let digits = &key[2 * at..2 * at + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| PushKeyError)?;
        }
        let key = SigningKey::from_bytes(Curve::P256, &bytes).map_err(|_| PushKeyError)?;
        Ok(Self { key, contact })
    }

    /// What browsers subscribe with (`applicationServerKey`), in base64url.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.public().to_uncompressed_point())
    }

    /// The value of `authorization` for a request to an endpoint.
    pub fn authorization(&self, endpoint: &Url, now_s: i64) -> String {
        let header = json!({ "typ": "JWT", "alg": self.key.curve().jwt_algorithm() });
        let claims = json!({
            "aud": endpoint.origin().ascii_serialization(),
            "exp": now_s.saturating_add(LIFETIME_S),
            "sub": self.contact,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()));
        format!("vapid t={signed}.{signature}, k={}", self.public_key())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::Value;

    use super::*;

    #[test]
    fn a_request_says_whom_it_is_for_and_who_sent_it() {
        let vapid = Vapid::new(&"07".repeat(32), "mailto:a@example.com".to_owned()).unwrap();
        let endpoint: Url = "https://push.example.com/abc?d".parse().unwrap();
        let said = vapid.authorization(&endpoint, 100);
        let (token, key) = said.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        assert_eq!(key, vapid.public_key());
        let parts: Vec<Vec<u8>> =
            token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        let header: Value = serde_json::from_slice(&parts[0]).unwrap();
        assert_eq!(header, json!({ "typ": "JWT", "alg": "ES256" }));
        let claims: Value = serde_json::from_slice(&parts[1]).unwrap();
        let expected = json!({
            "aud": "https://push.example.com", "exp": 43_300, "sub": "mailto:a@example.com",
        });
        assert_eq!(claims, expected);
        let (signed, _) = token.rsplit_once('.').unwrap();
        vapid.key.public().verify(signed.as_bytes(), &parts[2]).unwrap();
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for key in ["", "07", &"00".repeat(32), &"ff".repeat(32), &"xy".repeat(32), &"é".repeat(32)]
        {
            assert!(Vapid::new(key, String::new()).is_err(), "{key}");
        }
        assert!(Vapid::new(&format!("{}\n", "07".repeat(32)), String::new()).is_ok());
    }
}
