//! Identifiers and string formats of the protocol, each a type that can only be made by parsing.
//!
//! A value is checked once, at the rim, and carried as its type from there on.
//! Text formats are [`Checked`] strings that differ in their [`Grammar`]; a TID is a number.
//! Every type parses from text, prints the same text, and (de)serializes as a string.
//! Source: <https://atproto.com/specs/lexicon#string-formats> and the page of each format;
//! all files of the interop vectors' `syntax` folder pass.

mod at_identifier;
mod at_uri;
mod cid_string;
mod datetime;
mod did;
mod handle;
mod language;
mod nsid;
mod record_key;
mod schema;
mod tid;
mod uri;

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use at_identifier::AtIdentifier;
pub use at_uri::AtUri;
pub use cid_string::{CidString, CidStringGrammar};
pub use datetime::{Datetime, DatetimeGrammar};
pub use did::{Did, DidGrammar};
pub use handle::{HANDLE_INVALID, Handle, HandleGrammar};
pub use language::{Language, LanguageGrammar};
pub use nsid::{Nsid, NsidGrammar};
pub use record_key::{RecordKey, RecordKeyGrammar};
pub use tid::Tid;
pub use uri::{Uri, UriGrammar};

/// Text that is not what it should be.
///
/// Carries no part of the input: it may be long, and it may be private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {format}: {fault}")]
pub struct SyntaxError {
    format: &'static str,
    fault: &'static str,
}

impl SyntaxError {
    pub(crate) fn new(format: &'static str, fault: &'static str) -> Self {
        Self { format, fault }
    }

    /// The format's name as lexicons spell it, for example `at-uri`.
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// The rule that was broken, in a few words.
    pub fn fault(&self) -> &'static str {
        self.fault
    }
}

/// The rules of one text format.
pub trait Grammar: 'static {
    /// The format's name as lexicons spell it.
    const FORMAT: &'static str;

    /// Accepts `text`, or names the first rule it breaks.
    fn check(text: &str) -> Result<(), &'static str>;

    /// The one spelling in which accepted text is kept; the same text unless the format says otherwise.
    fn normalise(text: &str) -> Cow<'_, str> {
        Cow::Borrowed(text)
    }
}

/// Immutable text that follows the grammar `G`.
///
/// Compares, hashes and prints as its text, so a map keyed by it can be asked with a `&str`.
pub struct Checked<G> {
    text: Box<str>,
    grammar: PhantomData<fn() -> G>,
}

impl<G: Grammar> Checked<G> {
    /// Checks and keeps `text`.
    ///
    /// # Errors
    /// [`SyntaxError`] naming the format and the first rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Self::validate(text)?;
        Ok(Self::kept(G::normalise(text)))
    }

    /// Checks `text` without keeping it.
    ///
    /// # Errors
    /// As [`Checked::parse`].
    pub fn validate(text: &str) -> Result<(), SyntaxError> {
        G::check(text).map_err(|fault| SyntaxError::new(G::FORMAT, fault))
    }

    fn kept(text: Cow<'_, str>) -> Self {
        Self { text: text.into(), grammar: PhantomData }
    }
}

impl<G> Checked<G> {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<G> Clone for Checked<G> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), grammar: PhantomData }
    }
}

impl<G> PartialEq for Checked<G> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<G> Eq for Checked<G> {}

impl<G> PartialOrd for Checked<G> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<G> Ord for Checked<G> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl<G> Hash for Checked<G> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl<G> fmt::Display for Checked<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl<G> fmt::Debug for Checked<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.text, f)
    }
}

impl<G> AsRef<str> for Checked<G> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl<G> Borrow<str> for Checked<G> {
    fn borrow(&self) -> &str {
        &self.text
    }
}

impl<G: Grammar> FromStr for Checked<G> {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl<G: Grammar> TryFrom<String> for Checked<G> {
    type Error = SyntaxError;

    fn try_from(text: String) -> Result<Self, SyntaxError> {
        Self::parse(&text)
    }
}

impl<G> From<Checked<G>> for String {
    fn from(checked: Checked<G>) -> Self {
        checked.text.into()
    }
}

impl<G> Serialize for Checked<G> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, G: Grammar> Deserialize<'de> for Checked<G> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_parsed(deserializer, G::FORMAT)
    }
}

/// Reads a string and parses it, without copying it first.
fn deserialize_parsed<'de, T, D>(deserializer: D, expected: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err = SyntaxError>,
    D: Deserializer<'de>,
{
    struct Parsed<T>(&'static str, PhantomData<T>);

    impl<T: FromStr<Err = SyntaxError>> serde::de::Visitor<'_> for Parsed<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a string of format {}", self.0)
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Parsed(expected, PhantomData))
}

/// Breaks a rule unless `holds`: lets a grammar read as a list of its rules.
fn rule(holds: bool, fault: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(fault) }
}

/// One label of a domain name: 1–63 ASCII letters, digits and inner hyphens.
fn is_domain_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}
