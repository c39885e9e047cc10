//! What must not be seen: tokens and the keys of sessions. `Debug` never shows them; serialising does,
//! for whoever stores them and has to seal what it stores.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_atproto::jwt::PublicJwk;
use millrace_runtime::config::Secret;
use millrace_runtime::rng::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a random secret.
const RANDOM_BYTES: usize = 32;

/// A token, a password or another secret of a few kilobytes at most. Serialises as it is.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Token(Secret);

impl Token {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Secret::new(secret))
    }

    /// 256 random bits, base64url: 43 characters.
    pub(crate) fn random(rng: &Rng) -> Self {
        let mut bytes = [0; RANDOM_BYTES];
        rng.fill(&mut bytes);
        Self::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The secret itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether `given` is this secret, in a time that tells nothing but its length.
    pub(crate) fn matches(&self, given: &str) -> bool {
        self.0.matches(given)
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The key that one session's tokens are bound to: P-256. Serialises as its 32 bytes in base64url.
#[derive(Clone)]
pub struct SessionKey(SigningKey);

impl SessionKey {
    /// A new key.
    pub fn random(rng: &Rng) -> Self {
        Self(SigningKey::generate(Curve::P256, &mut |bytes| rng.fill(bytes)))
    }

    /// What signs.
    pub(crate) fn signing(&self) -> &SigningKey {
        &self.0
    }

    /// By which servers know it again (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let jwk = PublicJwk::of(&self.0.public());
        jwk.expect("invariant: a session's key is on P-256").thumbprint()
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({})", self.thumbprint())
    }
}

impl Serialize for SessionKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        let key = bytes.and_then(|bytes| SigningKey::from_bytes(Curve::P256, &bytes).ok());
        key.map(Self).ok_or_else(|| serde::de::Error::custom("not the key of a session"))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn secrets_are_stored_but_not_shown() {
        let token = Token::new("very-secret");
        assert_eq!(format!("{token:?}"), "***");
        let json = serde_json::to_string(&token).unwrap();
        assert_eq!(serde_json::from_str::<Token>(&json).unwrap(), token);

        let key = SessionKey::random(&Rng::seeded(1));
        let json = serde_json::to_string(&key).unwrap();
        assert!(!format!("{key:?}").contains(json.trim_matches('"')));
        let again: SessionKey = serde_json::from_str(&json).unwrap();
        assert_eq!(again.thumbprint(), key.thumbprint());
        assert!(serde_json::from_str::<SessionKey>("\"AAAA\"").is_err());
        assert!(serde_json::from_str::<SessionKey>(&json.replace('"', "\"A")).is_err());
    }

    #[test]
    fn only_the_same_secret_matches() {
        let token = Token::new("abc");
        let check = |given: &str, expected: bool| {
            assert_eq!(token.matches(given), expected, "{given}");
        };
        check("abc", true);
        check("abd", false);
        check("ab", false);
        check("abcd", false);
        check("", false);
        assert!(!Token::new("").matches(""));
    }
}
