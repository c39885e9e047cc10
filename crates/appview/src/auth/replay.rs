//! Tokens seen before: each is good for one request. Remembered until it expires; when as many
//! are remembered as may be, the one that expires first is forgotten.

use std::collections::{BTreeSet, HashSet};

use millrace_atproto::crypto::sha256;
use millrace_atproto::jwt::Claims;
use parking_lot::Mutex;

type Key = [u8; 16];

/// The tokens that were accepted and have not expired.
pub(super) struct SeenTokens {
    tokens_max: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    keys: HashSet<Key>,
    by_expiry: BTreeSet<(i64, Key)>,
}

impl SeenTokens {
    pub(super) fn new(tokens_max: usize) -> Self {
        Self { tokens_max: tokens_max.max(1), seen: Mutex::default() }
    }

    /// Remembers a token; false if it was seen before. `now_s` and its expiry are in seconds.
    pub(super) fn first_time(&self, claims: &Claims, now_s: i64) -> bool {
        let key = key(claims);
        let mut seen = self.seen.lock();
        seen.forget_until(now_s);
        if !seen.keys.insert(key) {
            return false;
        }
        seen.by_expiry.insert((claims.exp, key));
        while seen.keys.len() > self.tokens_max {
            seen.forget_first();
        }
        true
    }
}

impl Seen {
    fn forget_until(&mut self, now_s: i64) {
        while self.by_expiry.first().is_some_and(|(exp, _)| *exp <= now_s) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, key)) = self.by_expiry.pop_first() {
            self.keys.remove(&key);
        }
    }
}

/// Half of a digest over issuer, audience and token id; a zero byte cannot stand in any of them
/// without changing another's length.
fn key(claims: &Claims) -> Key {
    let jti = claims.jti.as_deref().unwrap_or_default();
    let text = format!("{}\0{}\0{jti}", claims.iss, claims.aud);
    let digest = sha256(text.as_bytes());
    *digest.first_chunk().expect("invariant: half a digest has the length of a key")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use millrace_atproto::Did;

    use super::*;

    fn token(iss: &str, jti: &str, exp: i64) -> Claims {
        Claims {
            iss: Did::parse(iss).unwrap(),
            iss_service: None,
            aud: "did:web:appview.test".to_owned(),
            exp,
            iat: None,
            nbf: None,
            lxm: None,
            jti: Some(jti.to_owned()),
        }
    }

    #[test]
    fn a_token_is_good_once() {
        let seen = SeenTokens::new(10);
        assert!(seen.first_time(&token("did:plc:a", "1", 60), 0));
        assert!(!seen.first_time(&token("did:plc:a", "1", 60), 30));
        assert!(seen.first_time(&token("did:plc:a", "2", 60), 30));
        assert!(seen.first_time(&token("did:plc:b", "1", 60), 30));
    }

    #[test]
    fn expired_tokens_are_forgotten() {
        let seen = SeenTokens::new(10);
        for jti in ["1", "2", "3"] {
            assert!(seen.first_time(&token("did:plc:a", jti, 60), 0));
        }
        assert!(seen.first_time(&token("did:plc:a", "4", 120), 60));
        assert_eq!(seen.seen.lock().keys.len(), 1);
        assert_eq!(seen.seen.lock().by_expiry.len(), 1);
    }

    #[test]
    fn bounded_and_the_longest_living_stay() {
        let seen = SeenTokens::new(2);
        assert!(seen.first_time(&token("did:plc:a", "long", 1_000), 0));
        for jti in 0..100 {
            assert!(seen.first_time(&token("did:plc:a", &jti.to_string(), 60 + jti), 0));
        }
        assert_eq!(seen.seen.lock().keys.len(), 2);
        assert!(!seen.first_time(&token("did:plc:a", "long", 1_000), 0));
    }
}
