//! Language tags, BCP 47 well-formed and without repeated variants or extensions.
//! Source: <https://atproto.com/specs/lexicon#language>, RFC 5646 §2.1 and §2.2.9.

use std::iter::Peekable;
use std::str::Split;

use super::{Checked, Grammar, rule};

const BYTES_MAX: usize = 128;

/// Registered tags that the general grammar does not produce.
const IRREGULAR: [&str; 17] = [
    "en-GB-oed",
    "i-ami",
    "i-bnn",
    "i-default",
    "i-enochian",
    "i-hak",
    "i-klingon",
    "i-lux",
    "i-mingo",
    "i-navajo",
    "i-pwn",
    "i-tao",
    "i-tay",
    "i-tsu",
    "sgn-BE-FR",
    "sgn-BE-NL",
    "sgn-CH-DE",
];

/// A language tag such as `ja`, `pt-BR` or `zh-Hant`, at most 128 bytes, kept as written.
///
/// Its first part is two or three lower-case letters, except in private-use and irregular tags.
pub type Language = Checked<LanguageGrammar>;

/// The grammar of [`Language`].
pub enum LanguageGrammar {}

impl Grammar for LanguageGrammar {
    const FORMAT: &'static str = "language";

    fn check(text: &str) -> Result<(), &'static str> {
        rule(text.len() <= BYTES_MAX, "it is longer than 128 bytes")?;
        if IRREGULAR.iter().any(|tag| tag.eq_ignore_ascii_case(text)) {
            return Ok(());
        }
        let mut tag = Subtags(text.split('-').peekable());
        if tag.next_if(is_private_use).is_none() {
            tag.next_if(is_primary)
                .ok_or("its first part must be two or three lower-case letters")?;
            tag.skip_up_to(3, |s| s.len() == 3 && is_alphabetic(s));
            tag.skip_up_to(1, |s| s.len() == 4 && is_alphabetic(s));
            tag.skip_up_to(1, is_region);
            tag.variants()?;
            tag.extensions()?;
            if tag.next_if(is_private_use).is_none() {
                return tag.end();
            }
        }
        let private = tag.skip_up_to(BYTES_MAX, |s| is_alphanumeric(s, 1, 8));
        rule(private > 0, "nothing follows its private-use mark")?;
        tag.end()
    }
}

struct Subtags<'a>(Peekable<Split<'a, char>>);

impl<'a> Subtags<'a> {
    fn next_if(&mut self, accept: impl Fn(&str) -> bool) -> Option<&'a str> {
        self.0.next_if(|subtag| accept(subtag))
    }

    /// Steps over at most `max` accepted subtags; how many there were.
    fn skip_up_to(&mut self, max: usize, accept: impl Fn(&str) -> bool) -> usize {
        (0..max).map_while(|_| self.next_if(&accept)).count()
    }

    fn variants(&mut self) -> Result<(), &'static str> {
        let mut seen = Vec::new();
        while let Some(variant) = self.next_if(is_variant) {
            let variant = variant.to_ascii_lowercase();
            rule(!seen.contains(&variant), "a variant is repeated")?;
            seen.push(variant);
        }
        Ok(())
    }

    fn extensions(&mut self) -> Result<(), &'static str> {
        let mut seen = Vec::new();
        while let Some(singleton) = self.next_if(|s| is_alphanumeric(s, 1, 1) && !is_private_use(s))
        {
            let singleton = singleton.to_ascii_lowercase();
            rule(!seen.contains(&singleton), "an extension is repeated")?;
            seen.push(singleton);
            let parts = self.skip_up_to(BYTES_MAX, |s| is_alphanumeric(s, 2, 8));
            rule(parts > 0, "nothing follows an extension's mark")?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        rule(self.0.next().is_none(), "a part is out of place")
    }
}

fn is_primary(s: &str) -> bool {
    (2..=3).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_lowercase())
}

fn is_region(s: &str) -> bool {
    (s.len() == 2 && is_alphabetic(s)) || (s.len() == 3 && s.bytes().all(|b| b.is_ascii_digit()))
}

fn is_variant(s: &str) -> bool {
    is_alphanumeric(s, 5, 8)
        || (is_alphanumeric(s, 4, 4) && s.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_private_use(s: &str) -> bool {
    s.eq_ignore_ascii_case("x")
}

fn is_alphabetic(s: &str) -> bool {
    s.bytes().all(|b| b.is_ascii_alphabetic())
}

fn is_alphanumeric(s: &str, bytes_min: usize, bytes_max: usize) -> bool {
    (bytes_min..=bytes_max).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric())
}
