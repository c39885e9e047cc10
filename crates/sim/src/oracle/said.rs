//! What an answer must say, and where it says something else.
//!
//! A view is compared field by field with what the model says of it; fields of which the model says
//! nothing are not compared. What depends on the moment of indexing is said as an interval.

use std::fmt;

use millrace_atproto::datetime::{epoch_us, format_ms_us};
use serde_json::Value;

use super::list::List;

/// What must stand at one place of an answer.
#[derive(Debug, Clone)]
pub enum Said {
    /// Exactly this.
    Is(Value),
    /// Nothing, or null.
    Absent,
    /// Something.
    Present,
    /// Whatever; the model does not know.
    Unknown,
    /// A text that contains all of these.
    Mentions(Vec<String>),
    /// A datetime between two moments, both included.
    Between(i64, i64),
    /// An object with at least these fields.
    Fields(Vec<(&'static str, Said)>),
    /// An array of exactly these, in this order.
    Items(Vec<Said>),
    /// An array of exactly these, in any order; those that say most come first.
    AnyOrder(Vec<Said>),
    /// An array of views in an order of time.
    List(List),
    /// One of these.
    OneOf(Vec<Said>),
}

/// The first place where an answer says something else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// JSON pointer into the answer.
    pub at: String,
    pub expected: String,
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, expected, found } = self;
        write!(f, "at {at:?}\n  expected: {expected}\n  found:    {found}")
    }
}

/// Characters of a value that are worth reading in a report.
const SHOWN_CHARS_MAX: usize = 600;

impl Difference {
    pub(super) fn new(at: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { at: at.to_owned(), expected: expected.into(), found: found.into() }
    }
}

/// A value as a report shows it.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Said {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Is(Value::String(text.into()))
    }

    pub fn count(count: usize) -> Self {
        Self::Is(Value::from(count))
    }

    pub fn truth(truth: bool) -> Self {
        Self::Is(Value::Bool(truth))
    }

    /// The value, or nothing where there is none.
    pub fn maybe(value: Option<&Value>) -> Self {
        value.map_or(Self::Absent, |value| Self::Is(value.clone()))
    }

    /// The text, or nothing where there is none.
    pub fn maybe_text(text: Option<&str>) -> Self {
        text.map_or(Self::Absent, Self::text)
    }

    /// One of several texts, any of which would be right; nothing where there is none.
    pub fn any_text<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut texts: Vec<Self> = texts.into_iter().map(Self::text).collect();
        match texts.len() {
            0 => Self::Absent,
            1 => texts.remove(0),
            _ => Self::OneOf(texts),
        }
    }

    /// The same object with further fields.
    pub(super) fn and(mut self, more: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        if let Self::Fields(fields) = &mut self {
            for (name, said) in more {
                fields.retain(|(known, _)| *known != name);
                fields.push((name, said));
            }
        }
        self
    }

    /// # Errors
    /// The first difference.
    pub fn check(&self, found: &Value) -> Result<(), Difference> {
        self.check_at("", found)
    }

    pub(super) fn check_at(&self, at: &str, found: &Value) -> Result<(), Difference> {
        let differs = |expected: String| Err(Difference::new(at, expected, shown(found)));
        match self {
            Self::Is(expected) if expected == found => Ok(()),
            Self::Is(expected) => differs(shown(expected)),
            Self::Absent if found.is_null() => Ok(()),
            Self::Absent => differs("nothing".to_owned()),
            Self::Present if !found.is_null() => Ok(()),
            Self::Present => differs("something".to_owned()),
            Self::Unknown => Ok(()),
            Self::Mentions(parts) => {
                let text = found.as_str().unwrap_or_default();
                match parts.iter().all(|part| text.contains(part)) {
                    true => Ok(()),
                    false => differs(format!("a text with {parts:?} in it")),
                }
            }
            Self::Between(first_us, last_us) => {
                // Answers say milliseconds.
                let at_us = found.as_str().and_then(epoch_us);
                match at_us.is_some_and(|us| us > first_us - 1_000 && us <= *last_us) {
                    true => Ok(()),
                    false => differs(between(*first_us, *last_us)),
                }
            }
            Self::Fields(fields) if found.is_object() => {
                fields.iter().try_for_each(|(name, said)| {
                    said.check_at(&format!("{at}/{name}"), found.get(name).unwrap_or(&Value::Null))
                })
            }
            Self::Fields(_) => differs("an object".to_owned()),
            Self::Items(expected) => in_order(expected, at, found),
            Self::AnyOrder(expected) => in_any_order(expected, at, found),
            Self::List(list) => match found.as_array() {
                Some(found) => list.check_at(at, found),
                None => differs(format!("a list of {}", list.items.len())),
            },
            Self::OneOf(either) => either_of(either, at, found),
        }
    }
}

fn between(first_us: i64, last_us: i64) -> String {
    match first_us == last_us {
        true => format_ms_us(first_us),
        false => format!("{} … {}", format_ms_us(first_us), format_ms_us(last_us)),
    }
}

fn in_order(expected: &[Said], at: &str, found: &Value) -> Result<(), Difference> {
    let items = found.as_array().map_or(&[][..], Vec::as_slice);
    if items.len() != expected.len() {
        return Err(Difference::new(at, format!("{} items", expected.len()), shown(found)));
    }
    let mut pairs = expected.iter().zip(items).enumerate();
    pairs.try_for_each(|(index, (said, item))| said.check_at(&format!("{at}/{index}"), item))
}

fn in_any_order(expected: &[Said], at: &str, found: &Value) -> Result<(), Difference> {
    let mut left: Vec<&Value> = found.as_array().map_or(&[][..], Vec::as_slice).iter().collect();
    if left.len() != expected.len() {
        let wanted = format!("{} items, {expected:?}", expected.len());
        return Err(Difference::new(at, wanted, shown(found)));
    }
    for said in expected {
        match left.iter().position(|item| said.check(item).is_ok()) {
            Some(place) => _ = left.remove(place),
            None => return Err(Difference::new(at, format!("{said:?} among them"), shown(found))),
        }
    }
    Ok(())
}

fn either_of(either: &[Said], at: &str, found: &Value) -> Result<(), Difference> {
    let mut first = None;
    for said in either {
        match said.check_at(at, found) {
            Ok(()) => return Ok(()),
            Err(difference) => first = first.or(Some(difference)),
        }
    }
    Err(first.unwrap_or_else(|| Difference::new(at, "one of nothing", shown(found))))
}
