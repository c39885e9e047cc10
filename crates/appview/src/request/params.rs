//! Query parameters as the lexicons have them: an array is a repeated name, a boolean is `true` or
//! `false`, an empty value is no value. Parsed once into types; a wrong one is refused with what
//! was expected.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use millrace_atproto::Datetime;

use crate::error::XrpcError;

/// Parameters one request may have.
const PARAMS_MAX: usize = 256;
/// Bytes of a cursor.
const CURSOR_BYTES_MAX: usize = 512;
/// Characters of a wrong value that are repeated in the message.
const SHOWN_CHARS_MAX: usize = 64;
/// The page size of the lexicons.
const LIMIT_DEFAULT: u32 = 50;
const LIMIT_MAX: u32 = 100;

/// The parameters of one request, in order.
#[derive(Debug)]
pub(crate) struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Params<'a> {
    pub(crate) fn of(query: Option<&'a str>) -> Result<Self, XrpcError> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let params: Vec<_> =
            pairs.take(PARAMS_MAX + 1).filter(|(_, value)| !value.is_empty()).collect();
        if params.len() > PARAMS_MAX {
            return Err(XrpcError::invalid(format!("at most {PARAMS_MAX} parameters")));
        }
        Ok(Self(params))
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// The only value of a parameter.
    fn one(&self, name: &str) -> Result<Option<&str>, XrpcError> {
        let mut values = self.all(name);
        let first = values.next();
        match values.next() {
            Some(_) => Err(XrpcError::invalid(format!("{name} must be given once"))),
            None => Ok(first),
        }
    }

    /// A value of a string format, if it is given.
    pub(crate) fn optional<T: FromStr<Err: Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, XrpcError> {
        self.one(name)?.map(|text| parsed(name, text)).transpose()
    }

    /// A value of a string format.
    pub(crate) fn required<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, XrpcError> {
        self.optional(name)?.ok_or_else(|| missing(name))
    }

    /// The values of an array; none when it is absent.
    pub(crate) fn list<T: FromStr<Err: Display>>(
        &self,
        name: &str,
        max: usize,
    ) -> Result<Vec<T>, XrpcError> {
        let values: Vec<&str> = self.all(name).collect();
        if values.len() > max {
            return Err(XrpcError::invalid(format!(
                "{name} may have at most {max} values, not {}",
                values.len()
            )));
        }
        values.into_iter().map(|text| parsed(name, text)).collect()
    }

    /// The values of an array that must be given.
    pub(crate) fn required_list<T: FromStr<Err: Display>>(
        &self,
        name: &str,
        max: usize,
    ) -> Result<Vec<T>, XrpcError> {
        let values = self.list(name, max)?;
        if values.is_empty() { Err(missing(name)) } else { Ok(values) }
    }

    /// Any text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, XrpcError> {
        Ok(self.one(name)?.map(str::to_owned))
    }

    /// A whole number in a range.
    pub(crate) fn integer(
        &self,
        name: &str,
        min: u32,
        max: u32,
        default: u32,
    ) -> Result<u32, XrpcError> {
        let Some(text) = self.one(name)? else { return Ok(default) };
        let digits = text.strip_prefix('-').unwrap_or(text);
        let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u32>());
        match number {
            Some(Ok(number)) if (min..=max).contains(&number) => Ok(number),
            _ => Err(XrpcError::invalid(format!(
                "{name} must be an integer from {min} to {max}, not {}",
                shown(text)
            ))),
        }
    }

    /// The size of a page.
    pub(crate) fn limit(&self) -> Result<u32, XrpcError> {
        self.integer("limit", 1, LIMIT_MAX, LIMIT_DEFAULT)
    }

    /// Where the page begins; opaque here, the data-plane reads it.
    pub(crate) fn cursor(&self) -> Result<Option<String>, XrpcError> {
        let cursor = self.text("cursor")?;
        match &cursor {
            Some(text) if text.len() > CURSOR_BYTES_MAX => {
                Err(XrpcError::invalid(format!("cursor may have at most {CURSOR_BYTES_MAX} bytes")))
            }
            _ => Ok(cursor),
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, XrpcError> {
        match self.one(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(XrpcError::invalid(format!(
                "{name} must be true or false, not {}",
                shown(text)
            ))),
        }
    }

    /// The lexicons still have `seenAt` where it is no longer supported.
    pub(crate) fn refuse_seen_at(&self) -> Result<(), XrpcError> {
        match self.optional::<Datetime>("seenAt")? {
            Some(_) => Err(XrpcError::invalid("The seenAt parameter is unsupported")),
            None => Ok(()),
        }
    }
}

fn parsed<T: FromStr<Err: Display>>(name: &str, text: &str) -> Result<T, XrpcError> {
    text.parse()
        .map_err(|error| XrpcError::invalid(format!("{name}: {error} (got {})", shown(text))))
}

fn missing(name: &str) -> XrpcError {
    XrpcError::invalid(format!("{name} is required"))
}

fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("{cut:?}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use millrace_atproto::{AtIdentifier, AtUri, Did};
    use proptest::prelude::*;

    use super::*;

    fn params(query: &str) -> Params<'_> {
        Params::of(Some(query)).unwrap()
    }

    #[test]
    fn integers() {
        let check = |query: &str, expected: Option<u32>| {
            assert_eq!(params(query).integer("n", 1, 100, 50).ok(), expected, "{query}");
        };
        check("", Some(50));
        check("n=", Some(50));
        check("other=1", Some(50));
        check("n=1", Some(1));
        check("n=100", Some(100));
        check("n=007", Some(7));
        for wrong in [
            "n=0",
            "n=101",
            "n=-1",
            "n=+5",
            "n=5.0",
            "n=abc",
            "n=1&n=2",
            "n=99999999999",
            "n=%2000",
            "n=-",
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn flags() {
        let check = |query: &str, expected: Option<Option<bool>>| {
            assert_eq!(params(query).flag("f").ok(), expected, "{query}");
        };
        check("", Some(None));
        check("f=", Some(None));
        check("f=true", Some(Some(true)));
        check("f=false", Some(Some(false)));
        for wrong in ["f=1", "f=True", "f=yes", "f=true&f=true"] {
            check(wrong, None);
        }
    }

    #[test]
    fn identifiers_are_parsed() {
        let query = "actor=Alice.test&actors=did:plc:a&actors=bob.test&uri=at%3A%2F%2Fdid:plc:a%2Fapp.bsky.feed.post%2F1";
        let params = params(query);
        assert_eq!(params.required::<AtIdentifier>("actor").unwrap().as_str(), "alice.test");
        assert_eq!(params.list::<AtIdentifier>("actors", 2).unwrap().len(), 2);
        assert!(params.list::<AtIdentifier>("actors", 1).is_err());
        assert!(params.list::<Did>("actors", 2).is_err());
        assert!(params.required::<AtUri>("uri").unwrap().as_record().is_some());
        assert!(params.required::<AtIdentifier>("actors").is_err(), "given twice");
        assert!(params.required_list::<AtIdentifier>("none", 2).is_err());
    }

    #[test]
    fn wrong_formats_say_which_parameter() {
        let error = params("actor=not a handle").required::<AtIdentifier>("actor").unwrap_err();
        assert!(error.to_string().starts_with("actor: "), "{error}");
        assert!(error.to_string().contains("not a handle"), "{error}");
        let error = params("").required::<AtIdentifier>("actor").unwrap_err();
        assert_eq!(error.to_string(), "actor is required");
    }

    #[test]
    fn bounded() {
        let many = "a=1&".repeat(PARAMS_MAX + 1);
        assert!(Params::of(Some(&many)).is_err());
        let long = format!("cursor={}", "x".repeat(CURSOR_BYTES_MAX + 1));
        assert!(params(&long).cursor().is_err());
        let wrong = format!("f={}", "x".repeat(10_000));
        assert!(params(&wrong).flag("f").unwrap_err().to_string().len() < 200);
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in "(a|limit|cursor|uri|%[0-9a-z]{0,2}|[ -~]){0,12}") {
            if let Ok(params) = Params::of(Some(&query)) {
                let _ = (params.limit(), params.cursor(), params.flag("a"));
                let _ = (params.list::<AtUri>("uri", 3), params.optional::<AtIdentifier>("a"));
            }
        }
    }

    #[test]
    fn bytes_that_are_no_text_do_no_harm() {
        let params = params("cursor=%ff%fe&%00=%zz&limit=%31");
        assert_eq!(params.cursor().unwrap().unwrap(), "\u{fffd}\u{fffd}");
        assert_eq!(params.limit().unwrap(), 1);
    }
}
