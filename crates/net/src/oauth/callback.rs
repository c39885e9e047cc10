//! What the browser brings back (RFC 6749 §4.1.2, RFC 9207).

use millrace_atproto::crypto::sha256;
use url::form_urlencoded;

use super::error::OAuthError;
use super::secret::Token;

/// Bytes of a callback's query.
const QUERY_BYTES_MAX: usize = 8 * 1024;

/// The parameters of a callback, each there at most once. Nothing in it is proven.
#[derive(Debug, Clone)]
pub struct Callback {
    pub(super) state: Token,
    pub(super) issuer: Option<String>,
    pub(super) code: Option<Token>,
    pub(super) error: Option<String>,
    pub(super) description: Option<String>,
}

impl Callback {
    /// Reads the query of the URL that the browser came back to, without `?`.
    ///
    /// # Errors
    /// [`OAuthError::Callback`]: it is too long, has no state, or a parameter twice.
    pub fn parse(query: &str) -> Result<Self, OAuthError> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(OAuthError::Callback("it is too long"));
        }
        let [mut state, mut issuer, mut code, mut error, mut description] = [const { None }; 5];
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match name.as_ref() {
                "state" => &mut state,
                "iss" => &mut issuer,
                "code" => &mut code,
                "error" => &mut error,
                "error_description" => &mut description,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(OAuthError::Callback("a parameter is there twice"));
            }
        }
        let state = state.filter(|state| !state.is_empty());
        let state = state.ok_or(OAuthError::Callback("it has no state"))?;
        Ok(Self {
            state: Token::new(state),
            issuer,
            code: code.map(Token::new),
            error,
            description,
        })
    }

    /// By which the [`super::Pending`] that it is about is found.
    pub fn state_hash(&self) -> [u8; 32] {
        sha256(self.state.expose().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_callback_says_each_thing_once() {
        let callback = Callback::parse("iss=https%3A%2F%2Fa.example&state=abc&code=x%2By&more=1");
        let callback = callback.unwrap();
        assert_eq!(callback.issuer.as_deref(), Some("https://a.example"));
        assert_eq!(callback.code.as_ref().map(Token::expose), Some("x+y"));
        assert_eq!(callback.state_hash(), sha256(b"abc"));
        assert!(!format!("{callback:?}").contains("x+y"));

        let check = |query: &str, expected: &str| {
            let error = Callback::parse(query).unwrap_err();
            assert_eq!(error.to_string(), format!("callback refused: {expected}"), "{query}");
        };
        check("", "it has no state");
        check("state=&code=x", "it has no state");
        check("state=a&state=a", "a parameter is there twice");
        check("state=a&iss=https://a.example&iss=https://b.example", "a parameter is there twice");
        check(&format!("state={}", "a".repeat(9000)), "it is too long");
    }
}
