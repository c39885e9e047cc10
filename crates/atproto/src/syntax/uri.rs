//! URIs as lexicons mean them: any scheme, generic RFC 3986 shape, not resolved, not normalised.
//! Source: <https://atproto.com/specs/lexicon#uri>.

use super::{Checked, Grammar, rule};

const BYTES_MAX: usize = 8 * 1024;
const SCHEME_BYTES_MAX: usize = 80;

/// A URI of any scheme, at most 8 KiB, kept as written.
pub type Uri = Checked<UriGrammar>;

/// The grammar of [`Uri`]: letters outside ASCII are let through after the scheme, white space and
/// control characters are not.
pub enum UriGrammar {}

impl Grammar for UriGrammar {
    const FORMAT: &'static str = "uri";

    fn check(text: &str) -> Result<(), &'static str> {
        rule(text.len() <= BYTES_MAX, "it is longer than 8 KiB")?;
        let (scheme, rest) = text.split_once(':').ok_or("it has no scheme")?;
        rule(
            is_scheme(scheme),
            "its scheme must be a letter, then letters, digits, '+', '-' and '.'",
        )?;
        rule(!rest.is_empty(), "nothing follows its scheme")?;
        rule(
            !rest.contains(|c: char| c.is_whitespace() || c.is_control()),
            "it contains white space or a control character",
        )
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.len() <= SCHEME_BYTES_MAX
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}
