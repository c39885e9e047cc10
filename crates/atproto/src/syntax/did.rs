//! DIDs: the permanent name of an account or a service.
//! Source: <https://atproto.com/specs/did>. Methods other than `plc` and `web` are valid syntax.

use super::{Checked, Grammar, rule};

const BYTES_MAX: usize = 2048;

/// A decentralized identifier, `did:<method>:<identifier>`, at most 2,048 bytes, case kept.
pub type Did = Checked<DidGrammar>;

/// The grammar of [`Did`].
pub enum DidGrammar {}

impl Grammar for DidGrammar {
    const FORMAT: &'static str = "did";

    fn check(text: &str) -> Result<(), &'static str> {
        let (method, identifier) = text
            .strip_prefix("did:")
            .and_then(|rest| rest.split_once(':'))
            .ok_or("it must read did:<method>:<identifier>")?;
        rule(text.len() <= BYTES_MAX, "it is longer than 2,048 bytes")?;
        rule(
            !method.is_empty() && method.bytes().all(|b| b.is_ascii_lowercase()),
            "its method must be lowercase letters",
        )?;
        rule(!identifier.is_empty(), "it has no identifier")?;
        rule(identifier.bytes().all(is_identifier_byte), "a character is not allowed in a DID")?;
        rule(!identifier.ends_with([':', '%']), "it must not end with ':' or '%'")
    }
}

impl Did {
    /// The method, for example `plc` or `web`.
    pub fn method(&self) -> &str {
        self.parts().0
    }

    /// What follows `did:<method>:`.
    pub fn identifier(&self) -> &str {
        self.parts().1
    }

    fn parts(&self) -> (&str, &str) {
        self.as_str()
            .strip_prefix("did:")
            .and_then(|rest| rest.split_once(':'))
            .expect("invariant: checked when parsed")
    }
}

fn is_identifier_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'%' | b'-')
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn parts() {
        let did = Did::parse("did:web:localhost%3A1234").unwrap();
        assert_eq!(did.method(), "web");
        assert_eq!(did.identifier(), "localhost%3A1234");
    }

    #[test]
    fn length_is_bounded() {
        let longest = format!("did:plc:{}", "a".repeat(BYTES_MAX - 8));
        assert!(Did::parse(&longest).is_ok());
        assert!(Did::parse(&format!("{longest}a")).is_err());
    }
}
