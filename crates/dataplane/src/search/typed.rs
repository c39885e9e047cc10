//! What a person typed into the search field: words, "phrases", -exclusions and `key:value` pairs.
//!
//! `from:` (`author:`), `mentions:` (`to:`), `lang:`, `domain:`, `url:`, `since:`, `until:`, `#tag`, and
//! a bare `did:…`, which means its posts. A key that is none of these is a word like any other.

use millrace_atproto::datetime::epoch_us;
use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_store::full_text::Phrase;

use super::{marks, words};

/// Longest search text, bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 2_048;

/// A search, its accounts still by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Typed {
    pub wanted: Vec<Phrase>,
    pub unwanted: Vec<Phrase>,
    pub authors: Vec<Who>,
    pub mentions: Vec<Who>,
    pub since_us: Option<i64>,
    pub until_us: Option<i64>,
}

/// An account somebody means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever asks.
    Me,
    Account(AtIdentifier),
    /// Nobody: what was written names no account.
    Nobody,
}

impl Who {
    fn parse(text: &str) -> Self {
        match text.trim_start_matches('@') {
            "me" => Self::Me,
            name => AtIdentifier::parse(name).map_or(Self::Nobody, Self::Account),
        }
    }
}

impl Typed {
    pub(crate) fn parse(text: &str) -> Self {
        let mut typed = Self::default();
        for part in parts(text) {
            typed.add(&part);
        }
        typed
    }

    /// Wants a mark.
    pub(crate) fn want_mark(&mut self, mark: String) {
        self.wanted.push(Phrase { tokens: vec![mark], prefix: false });
    }

    fn add(&mut self, part: &Part) {
        if part.quoted {
            self.add_words(&part.text, part.excluded);
            return;
        }
        let text = part.text.as_str();
        if let Some(tag) = text.strip_prefix(['#', '＃']).filter(|tag| !tag.is_empty()) {
            return self.add_mark(marks::tag(tag), part.excluded);
        }
        if !part.excluded && Did::parse(text).is_ok() {
            return self.authors.push(Who::parse(text));
        }
        let pair = text.split_once(':').filter(|(_, value)| !value.is_empty());
        match pair {
            Some(("from" | "author", who)) if !part.excluded => self.authors.push(Who::parse(who)),
            Some(("mentions" | "to", who)) if !part.excluded => self.mentions.push(Who::parse(who)),
            Some(("lang", lang)) => self.add_mark(marks::language(lang), part.excluded),
            Some(("domain", host)) => self.add_mark(marks::domain(host), part.excluded),
            Some(("url", url)) => self.add_mark(marks::url(url), part.excluded),
            Some(("since", time)) if time_us(time).is_some() => self.since_us = time_us(time),
            Some(("until", time)) if time_us(time).is_some() => self.until_us = time_us(time),
            _ => self.add_words(text, part.excluded),
        }
    }

    fn add_mark(&mut self, mark: String, excluded: bool) {
        let phrase = Phrase { tokens: vec![mark], prefix: false };
        if excluded { self.unwanted.push(phrase) } else { self.wanted.push(phrase) }
    }

    fn add_words(&mut self, text: &str, excluded: bool) {
        let phrase = words::phrase(text);
        if excluded { self.unwanted.extend(phrase) } else { self.wanted.extend(phrase) }
    }
}

/// A time as the lexicon allows it: a datetime, or a date, which begins at midnight UTC.
pub(crate) fn time_us(text: &str) -> Option<i64> {
    let is_date = text.len() == "2026-01-01".len();
    epoch_us(text).or_else(|| is_date.then(|| epoch_us(&format!("{text}T00:00:00Z"))).flatten())
}

struct Part {
    text: String,
    quoted: bool,
    excluded: bool,
}

/// Parts between spaces; quotes hold words together, also after a key. An open quote ends with
/// the text.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let excluded = rest.starts_with('-') && rest.len() > 1;
        if excluded {
            rest = rest.get(1..).unwrap_or_default();
        }
        let (part, after, quoted) = match rest.strip_prefix(['"', '“', '”']) {
            Some(inner) => match inner.split_once(['"', '“', '”']) {
                Some((part, after)) => (part, after, true),
                None => (inner, "", true),
            },
            None => match rest.split_once(char::is_whitespace) {
                Some((part, after)) => (part, after, false),
                None => (rest, "", false),
            },
        };
        parts.push(Part { text: part.to_owned(), quoted, excluded });
        rest = after.trim_start();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(tokens: &[&str]) -> Phrase {
        Phrase { tokens: tokens.iter().map(|t| (*t).to_owned()).collect(), prefix: false }
    }

    #[test]
    fn words_phrases_and_exclusions() {
        let typed = Typed::parse(r#"mill "the wheel" -dry o'neill -"old stone" -"#);
        assert_eq!(
            typed.wanted,
            [phrase(&["mill"]), phrase(&["the", "wheel"]), phrase(&["o", "neill"])]
        );
        assert_eq!(typed.unwanted, [phrase(&["dry"]), phrase(&["old", "stone"])]);
        assert_eq!(Typed::parse(r#"  "never closed"#).wanted, [phrase(&["never", "closed"])]);
        assert_eq!(Typed::parse(" \t ").wanted, []);
    }

    #[test]
    fn keys_narrow() {
        let typed = Typed::parse(
            "from:@alice.test mentions:me to:did:plc:abc lang:en-GB #Mill since:2026-01-01 \
             until:2026-01-02T03:04:05Z domain:Example.com did:plc:xyz from:§ -lang:de key:value",
        );
        let who = |text: &str| Who::Account(AtIdentifier::parse(text).expect("an account"));
        assert_eq!(typed.authors, [who("alice.test"), who("did:plc:xyz"), Who::Nobody]);
        assert_eq!(typed.mentions, [Who::Me, who("did:plc:abc")]);
        assert_eq!(typed.since_us, Some(1_767_225_600_000_000));
        assert_eq!(typed.until_us, epoch_us("2026-01-02T03:04:05Z"));
        let marks = [marks::language("en"), marks::tag("mill"), marks::domain("example.com")];
        let wanted: Vec<&str> =
            typed.wanted.iter().map(|phrase| phrase.tokens[0].as_str()).collect();
        assert_eq!(wanted, [&marks[0], &marks[1], &marks[2], "key"]);
        assert_eq!(typed.unwanted, [phrase(&[&marks::language("de")])]);
    }
}
