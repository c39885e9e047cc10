//! `atproto-accept-labelers` and `atproto-content-labelers`: whose labels a request asks for and
//! whose it got. The header is a list of RFC 8941: DIDs as tokens or strings, with `redact` as a
//! parameter. What cannot be read is an error, never the default.

use std::collections::HashSet;

use http::{HeaderMap, HeaderName, HeaderValue};
use millrace_atproto::Did;

use crate::error::XrpcError;

pub(crate) const ACCEPT: HeaderName = HeaderName::from_static("atproto-accept-labelers");
pub(crate) const CONTENT: HeaderName = HeaderName::from_static("atproto-content-labelers");

/// Labelers one request may name.
const LABELERS_MAX: usize = 64;

/// A labeler, and whether its takedowns remove content from the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Labeler {
    pub(crate) did: Did,
    pub(crate) redact: bool,
}

/// The labelers that apply to a request, each once, in the order named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Labelers(Vec<Labeler>);

impl Labelers {
    /// Those the request names; without the header, those this service trusts.
    pub(crate) fn of(headers: &HeaderMap, trusted: &[Did]) -> Result<Self, XrpcError> {
        let mut lines = headers.get_all(ACCEPT).iter().peekable();
        if lines.peek().is_none() {
            let trusted = trusted.iter().map(|did| Labeler { did: did.clone(), redact: true });
            return Ok(Self(trusted.collect()));
        }
        // Lines of one header are one list.
        let mut text = String::new();
        for line in lines {
            let line = line.to_str().map_err(|_| malformed("it is not ASCII"))?;
            if !text.is_empty() {
                text.push(',');
            }
            text.push_str(line);
        }
        parse(&text).map(Self)
    }

    pub(crate) fn dids(&self) -> impl Iterator<Item = &Did> {
        self.0.iter().map(|labeler| &labeler.did)
    }

    /// Whether a takedown of this labeler removes content.
    pub(crate) fn redacts(&self, did: &Did) -> bool {
        self.0.iter().any(|labeler| labeler.redact && labeler.did == *did)
    }

    /// Keeps those for whom `available` holds.
    pub(crate) fn retain(&mut self, available: impl Fn(&Did) -> bool) {
        self.0.retain(|labeler| available(&labeler.did));
    }

    /// The answer's header.
    pub(crate) fn header(&self) -> HeaderValue {
        let parts = self.0.iter().map(|labeler| {
            let redact = if labeler.redact { ";redact" } else { "" };
            format!("{}{redact}", labeler.did)
        });
        let text = parts.collect::<Vec<_>>().join(",");
        HeaderValue::from_str(&text).expect("invariant: a DID is ASCII without control characters")
    }
}

/// A header that is read is written as one that is read as the same.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn header_settles(text: &str) {
    let Ok(labelers) = parse(text) else { return };
    assert!(labelers.len() <= LABELERS_MAX);
    let labelers = Labelers(labelers);
    let written = labelers.header();
    let written = written.to_str().expect("a header is ASCII");
    assert_eq!(parse(written).ok().map(Labelers), Some(labelers));
}

fn malformed(why: &str) -> XrpcError {
    XrpcError::invalid(format!("atproto-accept-labelers is malformed: {why}"))
}

fn parse(text: &str) -> Result<Vec<Labeler>, XrpcError> {
    let mut cursor = Cursor(text.trim_matches(' '));
    let mut labelers: Vec<Labeler> = Vec::new();
    let mut seen = HashSet::new();
    if cursor.0.is_empty() {
        return Ok(labelers);
    }
    loop {
        let name = cursor.item().ok_or_else(|| malformed("a DID is expected"))?;
        let redact = cursor.parameters().ok_or_else(|| malformed("a parameter cannot be read"))?;
        let did = Did::parse(&name).map_err(|error| malformed(&error.to_string()))?;
        if seen.insert(did.clone()) {
            labelers.push(Labeler { did, redact });
        } else if let Some(known) = labelers.iter_mut().find(|labeler| labeler.did == did) {
            known.redact |= redact;
        }
        if labelers.len() > LABELERS_MAX {
            return Err(malformed(&format!("it names more than {LABELERS_MAX} labelers")));
        }
        cursor.skip_whitespace();
        if cursor.0.is_empty() {
            return Ok(labelers);
        }
        if !cursor.take(',') {
            return Err(malformed("a comma is expected"));
        }
        cursor.skip_whitespace();
    }
}

/// What of the header is still unread.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn skip_whitespace(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, expected: char) -> bool {
        match self.0.strip_prefix(expected) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the longest prefix of accepted characters.
    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(|c: char| !accept(c)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at_checked(end).unwrap_or((self.0, ""));
        self.0 = rest;
        taken
    }

    /// A token or a string.
    fn item(&mut self) -> Option<String> {
        if self.take('"') {
            return self.string();
        }
        self.0
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '*')
            .then(|| self.take_while(is_token).to_owned())
    }

    /// The rest of a string, its opening quote read.
    fn string(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.0.chars();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => value.push(chars.next().filter(|c| matches!(c, '"' | '\\'))?),
                c if c == ' ' || c.is_ascii_graphic() => value.push(c),
                _ => return None,
            }
        }
        self.0 = chars.as_str();
        Some(value)
    }

    /// The parameters of an item; whether `redact` is true among them, the last one counting.
    fn parameters(&mut self) -> Option<bool> {
        let mut redact = false;
        while self.take(';') {
            self.0 = self.0.trim_start_matches(' ');
            if !self.0.starts_with(|c: char| c.is_ascii_lowercase() || c == '*') {
                return None;
            }
            let key = self
                .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.*".contains(c));
            let value = if self.take('=') { self.bare_item()? } else { true };
            if key == "redact" {
                redact = value;
            }
        }
        Some(redact)
    }

    /// A parameter's value; only the boolean true is told apart.
    fn bare_item(&mut self) -> Option<bool> {
        if self.take('?') {
            return if self.take('1') { Some(true) } else { self.take('0').then_some(false) };
        }
        if self.take(':') {
            self.take_while(|c| c.is_ascii_alphanumeric() || "+/=".contains(c));
            return self.take(':').then_some(false);
        }
        if self.0.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let number = self.take_while(|c| c.is_ascii_digit() || "-.".contains(c));
            return number.parse::<f64>().is_ok().then_some(false);
        }
        self.item().map(|_| false)
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:/".contains(c)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let header = parse(text).ok().map(|list| Labelers(list).header());
        let header = header.as_ref().map(|value| value.to_str().unwrap());
        assert_eq!(header, expected, "{text:?}");
    }

    #[test]
    fn lists_of_labelers() {
        check("", Some(""));
        check("   ", Some(""));
        check("did:plc:a", Some("did:plc:a"));
        check("did:plc:a;redact", Some("did:plc:a;redact"));
        check("did:plc:a;redact, did:web:b.test", Some("did:plc:a;redact,did:web:b.test"));
        check("did:plc:a;redact=?1,did:plc:b;redact=?0", Some("did:plc:a;redact,did:plc:b"));
        check("did:plc:a; redact;x=1.5;y=\"a\\\"b\";z=:aGk=:;t=tok", Some("did:plc:a;redact"));
        check("\"did:plc:a\";redact", Some("did:plc:a;redact"));
        check("did:web:localhost%3A1234", Some("did:web:localhost%3A1234"));
        check("did:plc:a,did:plc:a;redact", Some("did:plc:a;redact"));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let wrong = [
            ",",
            "did:plc:a,",
            "did:plc:a,,did:plc:b",
            "did:plc:a did:plc:b",
            "did:plc:a;",
            "did:plc:a;;redact",
            "did:plc:a;Redact",
            "did:plc:a;redact=",
            "did:plc:a;redact=?2",
            "did:plc:a;x=:b",
            "did:plc:a;x=1.2.3",
            "\"did:plc:a",
            "\"did:plc:\\a\"",
            "alice.test",
            "1",
            "(did:plc:a)",
            "did:plc:a;x=\"\u{7f}\"",
            "é",
        ];
        for text in wrong {
            check(text, None);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_list_or_an_error(text in r#"[ -~\t]{0,80}"#) {
            let _ = parse(&text);
        }

        #[test]
        fn what_was_read_reads_the_same_again(text in r#"did:plc:[a-c](;redact(=\?[01])?)?( ?, ?did:web:[a-c](;x="[ -~&&[^"\\]]*")?)*"#) {
            let once = Labelers(parse(&text).unwrap());
            let again = Labelers(parse(once.header().to_str().unwrap()).unwrap());
            prop_assert_eq!(once, again);
        }
    }

    #[test]
    fn the_number_of_labelers_is_bounded() {
        let name = |i: usize| format!("did:plc:l{i}");
        let list = |n: usize| (0..n).map(name).collect::<Vec<_>>().join(",");
        assert!(parse(&list(LABELERS_MAX)).is_ok());
        assert!(parse(&list(LABELERS_MAX + 1)).is_err());
    }

    #[test]
    fn without_the_header_the_trusted_labelers_apply() {
        let trusted = [Did::parse("did:plc:trusted").unwrap()];
        let mut headers = HeaderMap::new();
        assert_eq!(Labelers::of(&headers, &trusted).unwrap().header(), "did:plc:trusted;redact");
        headers.insert(ACCEPT, HeaderValue::from_static(""));
        assert_eq!(Labelers::of(&headers, &trusted).unwrap().header(), "");
        headers.insert(ACCEPT, HeaderValue::from_static("did:plc:a"));
        headers.append(ACCEPT, HeaderValue::from_static("did:plc:b;redact"));
        assert_eq!(
            Labelers::of(&headers, &trusted).unwrap().header(),
            "did:plc:a,did:plc:b;redact"
        );
    }
}
