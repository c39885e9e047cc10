//! A value that must not be shown.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

/// What stands where a secret would.
pub(super) const MASK: &str = "***";

/// The schema's `format` of a secret: how the loader knows that `…_file` is accepted beside it.
pub(super) const FORMAT: &str = "secret";

/// A password, token or key. It is masked when printed or serialised; [`Secret::expose`] is the
/// only way to read it. A setting `x` of this type may also be given as `x_file`, the path of a
/// file that holds it.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `given` is this secret, in a time that tells nothing but its length. An empty
    /// secret matches nothing.
    pub fn matches(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        let differing = own.iter().zip(given).fold(0, |bits, (a, b)| bits | (a ^ b));
        !own.is_empty() && own.len() == given.len() && differing == 0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self::new(secret)
    }
}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "(empty)" } else { MASK })
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.0.is_empty() { "" } else { MASK })
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": FORMAT })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_matches_itself_alone() {
        let check = |own: &str, given: &str, expected: bool| {
            assert_eq!(Secret::new(own).matches(given), expected, "{own} {given}");
        };
        check("s3cret", "s3cret", true);
        check("s3cret", "s3creT", false);
        check("s3cret", "s3cre", false);
        check("s3cret", "s3cret2", false);
        check("s3cret", "", false);
        check("", "", false);
    }
}
