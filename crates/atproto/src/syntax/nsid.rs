//! NSIDs: names of collections and methods, a reversed domain and a name.
//! Source: <https://atproto.com/specs/nsid>.

use super::{Checked, Grammar, is_domain_label, rule};

const BYTES_MAX: usize = 317;

/// A namespaced identifier such as `app.bsky.feed.post`, at most 317 bytes, case kept.
pub type Nsid = Checked<NsidGrammar>;

/// The grammar of [`Nsid`].
pub enum NsidGrammar {}

impl Grammar for NsidGrammar {
    const FORMAT: &'static str = "nsid";

    fn check(text: &str) -> Result<(), &'static str> {
        rule(text.len() <= BYTES_MAX, "it is longer than 317 bytes")?;
        let (authority, name) = text.rsplit_once('.').ok_or("it needs at least three parts")?;
        rule(authority.contains('.'), "it needs at least three parts")?;
        rule(
            authority.split('.').all(is_domain_label),
            "each part must be 1–63 letters, digits and inner hyphens",
        )?;
        rule(
            authority.starts_with(|c: char| c.is_ascii_alphabetic()),
            "its first part must start with a letter",
        )?;
        rule(
            is_domain_label(name) && name.bytes().all(|b| b.is_ascii_alphanumeric()),
            "its name must be 1–63 letters and digits",
        )?;
        rule(
            name.starts_with(|c: char| c.is_ascii_alphabetic()),
            "its name must start with a letter",
        )
    }
}

impl Nsid {
    /// The last part, for example `post`.
    pub fn name(&self) -> &str {
        self.parts().1
    }

    /// Everything before the name, as written (a reversed domain), for example `app.bsky.feed`.
    pub fn authority(&self) -> &str {
        self.parts().0
    }

    fn parts(&self) -> (&str, &str) {
        self.as_str().rsplit_once('.').expect("invariant: checked when parsed")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn parts() {
        let nsid = Nsid::parse("app.bsky.feed.post").unwrap();
        assert_eq!(nsid.name(), "post");
        assert_eq!(nsid.authority(), "app.bsky.feed");
    }
}
