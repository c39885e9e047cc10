//! Random tokens that browsers and programs hold. Only their SHA-256 is kept, so that who reads the tables cannot
//! act for anybody.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use millrace_atproto::crypto::sha256;
use millrace_runtime::config::Secret;
use millrace_runtime::rng::Rng;

/// Bytes of randomness: nobody guesses one.
const TOKEN_BYTES: usize = 32;
/// Bytes of a name that is shown.
const ID_BYTES: usize = 9;
/// Characters of what is looked up; nothing longer was made here.
const TOKEN_CHARS_MAX: usize = 128;

/// What is kept of a token.
pub(crate) type Digest = [u8; 32];

/// A new token, with `prefix` in front to tell what it is.
pub(crate) fn new(rng: &Rng, prefix: &str) -> Secret {
    let mut bytes = [0_u8; TOKEN_BYTES];
    rng.fill(&mut bytes);
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// A new name for a row, which is no secret.
pub(crate) fn new_id(rng: &Rng) -> String {
    let mut bytes = [0_u8; ID_BYTES];
    rng.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a token; `None` if none made here looks like it.
pub(crate) fn digest(token: &str) -> Option<Digest> {
    let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits = !token.is_empty() && token.len() <= TOKEN_CHARS_MAX;
    (fits && token.bytes().all(is_ours)).then(|| sha256(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn tokens_differ_and_are_found_again() {
        let rng = Rng::seeded(1);
        let (one, other) = (new(&rng, "mr_"), new(&rng, "mr_"));
        assert_ne!(one.expose(), other.expose());
        assert!(one.expose().starts_with("mr_"));
        assert_eq!(digest(one.expose()).unwrap(), digest(one.expose()).unwrap());
        assert_ne!(digest(one.expose()).unwrap(), digest(other.expose()).unwrap());
    }

    #[test]
    fn nothing_else_is_looked_up() {
        for wrong in ["", "a b", "a;b", "é", &"a".repeat(TOKEN_CHARS_MAX + 1)] {
            assert!(digest(wrong).is_none(), "{wrong}");
        }
    }
}
