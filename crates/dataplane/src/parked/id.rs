//! How an operator names what is parked: by what it is, and its number.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What lies parked; each kind lies in a table of its own.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// Entries of the log that the data-plane could not apply.
    #[default]
    Entries,
    /// Facts of the data-plane that homes could not be told.
    Facts,
    /// Posts and reposts on their way into homes.
    Fanout,
    /// Events that webhooks did not take.
    Deliveries,
}

impl Of {
    pub const ALL: [Self; 4] = [Self::Entries, Self::Facts, Self::Fanout, Self::Deliveries];

    /// As it stands in a name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Facts => "facts",
            Self::Fanout => "fanout",
            Self::Deliveries => "deliveries",
        }
    }

    /// As serde asks.
    pub(super) fn is_entries(&self) -> bool {
        *self == Self::Entries
    }
}

/// `12` is an entry of the log, `facts-12`, `fanout-12` and `deliveries-12` are what else is parked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ParkedId {
    pub of: Of,
    pub number: i64,
}

/// A text that names nothing that may be parked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "what is parked is named by a number, or as facts-<number>, fanout-<number> or deliveries-<number>"
)]
pub struct NoParkedId;

impl fmt::Display for ParkedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.of {
            Of::Entries => write!(f, "{}", self.number),
            of => write!(f, "{}-{}", of.name(), self.number),
        }
    }
}

impl FromStr for ParkedId {
    type Err = NoParkedId;

    fn from_str(text: &str) -> Result<Self, NoParkedId> {
        let (of, number) = match text.split_once('-') {
            Some(("facts", number)) => (Of::Facts, number),
            Some(("fanout", number)) => (Of::Fanout, number),
            Some(("deliveries", number)) => (Of::Deliveries, number),
            _ => (Of::Entries, text),
        };
        let number = number.parse().ok().filter(|number| *number >= 0).ok_or(NoParkedId)?;
        Ok(Self { of, number })
    }
}

impl Serialize for ParkedId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ParkedId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for ParkedId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ParkedId".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_others_are_refused() {
        let check = |text: &str, expected: Option<(Of, i64)>| {
            let found = text.parse::<ParkedId>().ok();
            assert_eq!(found.map(|id| (id.of, id.number)), expected, "{text}");
            if let Some(id) = found {
                assert_eq!(id.to_string(), text);
            }
        };
        check("12", Some((Of::Entries, 12)));
        check("facts-7", Some((Of::Facts, 7)));
        check("fanout-1", Some((Of::Fanout, 1)));
        check("deliveries-3", Some((Of::Deliveries, 3)));
        for odd in ["", "x", "-1", "facts", "facts-", "facts--1", "homes-1", "99999999999999999999"]
        {
            check(odd, None);
        }
    }
}
