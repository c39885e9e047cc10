//! Handles: the domain name by which people know an account. A claim until verified both ways.
//! Source: <https://atproto.com/specs/handle>.

use std::borrow::Cow;

use super::{Checked, Grammar, is_domain_label, rule};

const BYTES_MAX: usize = 253;

/// What a view shows for an account whose handle does not verify.
pub const HANDLE_INVALID: &str = "handle.invalid";

/// Top-level domains that are valid syntax but must never resolve.
const TLDS_NEVER_RESOLVED: [&str; 8] =
    ["alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion"];

/// A domain name of at least two labels and at most 253 bytes, kept in lower case.
pub type Handle = Checked<HandleGrammar>;

/// The grammar of [`Handle`].
pub enum HandleGrammar {}

impl Grammar for HandleGrammar {
    const FORMAT: &'static str = "handle";

    fn check(text: &str) -> Result<(), &'static str> {
        rule(text.len() <= BYTES_MAX, "it is longer than 253 bytes")?;
        rule(
            text.split('.').all(is_domain_label),
            "each part must be 1–63 letters, digits and inner hyphens",
        )?;
        let (_, tld) = text.rsplit_once('.').ok_or("it needs at least two parts")?;
        rule(
            tld.starts_with(|c: char| c.is_ascii_alphabetic()),
            "its last part must start with a letter",
        )
    }

    fn normalise(text: &str) -> Cow<'_, str> {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        }
    }
}

impl Handle {
    /// The last label.
    pub fn tld(&self) -> &str {
        self.as_str().rsplit_once('.').expect("invariant: checked when parsed").1
    }

    /// Whether the protocol lets this handle be resolved at all: false for reserved top-level
    /// domains such as `.local` and `.onion`. `.test` is allowed; it is for development.
    pub fn may_resolve(&self) -> bool {
        !TLDS_NEVER_RESOLVED.contains(&self.tld())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn kept_in_lower_case() {
        let handle = Handle::parse("XX.LCS.MIT.EDU").unwrap();
        assert_eq!(handle.as_str(), "xx.lcs.mit.edu");
        assert_eq!(handle.tld(), "edu");
    }

    #[test]
    fn reserved_domains_do_not_resolve() {
        let may_resolve = |text: &str| Handle::parse(text).unwrap().may_resolve();
        assert!(may_resolve("alice.bsky.social"));
        assert!(may_resolve("alice.test"));
        assert!(!may_resolve("alice.LOCAL"));
        assert!(!may_resolve(HANDLE_INVALID));
    }
}
