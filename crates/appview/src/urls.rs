//! URLs made from patterns: images and videos are served by a CDN or by a route of ours, and only
//! the pattern knows which.

use std::borrow::Cow;
use std::fmt;

use millrace_atproto::Did;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use crate::images::Preset;

/// Bytes a pattern may have.
const PATTERN_BYTES_MAX: usize = 1_024;

/// What a pattern may have filled in.
const PLACES: [&str; 4] = ["public_url", "preset", "did", "cid"];

/// What stays as it is in a path segment; a DID's colons do not.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Why a text is no URL or pattern of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    #[error("{0:?} is not an http or https URL without path, query and fragment")]
    NotABase(String),
    #[error("a pattern has at most {PATTERN_BYTES_MAX} bytes")]
    TooLong,
    #[error("the pattern {0:?} must contain {{did}} and {{cid}}")]
    Incomplete(String),
    #[error(
        "the pattern {pattern:?} names {{{place}}}, and only {{public_url}}, {{preset}}, {{did}} and {{cid}} are filled in"
    )]
    UnknownPlace { pattern: String, place: String },
    #[error(
        "the pattern {0:?} makes no http or https URL: it begins with {{public_url}}, http:// or https://"
    )]
    NotAUrl(String),
}

/// The origin under which the public reaches this service, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads an origin; a trailing slash is dropped.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        let fault = || UrlFault::NotABase(text.to_owned());
        let url = url::Url::parse(text).map_err(|_| fault())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !bare {
            return Err(fault());
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The origin's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A URL with places for `{public_url}`, `{preset}`, `{did}` and `{cid}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlPattern(String);

impl UrlPattern {
    /// Reads a pattern; it must tell one blob from another.
    pub fn parse(text: &str) -> Result<Self, UrlFault> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(UrlFault::TooLong);
        }
        if !text.contains("{did}") || !text.contains("{cid}") {
            return Err(UrlFault::Incomplete(text.to_owned()));
        }
        if let Some(place) = places(text).find(|place| !PLACES.contains(place)) {
            let (pattern, place) = (text.to_owned(), place.to_owned());
            return Err(UrlFault::UnknownPlace { pattern, place });
        }
        let base = PublicUrl("https://public.test".to_owned());
        let filled = Self(text.to_owned()).with_base(&base).fill("avatar", "did:plc:a", "bafk");
        let url = url::Url::parse(&filled).ok();
        if !url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            return Err(UrlFault::NotAUrl(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The pattern with `{public_url}` filled in.
    pub fn with_base(&self, base: &PublicUrl) -> Self {
        Self(self.0.replace("{public_url}", base.as_str()))
    }

    fn fill(&self, preset: &str, did: &str, cid: &str) -> String {
        let mut url = String::with_capacity(self.0.len() + did.len() + cid.len());
        let mut rest = self.0.as_str();
        while let Some((before, place)) = rest.split_once('{') {
            url.push_str(before);
            let (value, after) = match place.split_once('}') {
                Some(("preset", after)) => (preset, after),
                Some(("did", after)) => (did, after),
                Some(("cid", after)) => (cid, after),
                _ => ("{", place),
            };
            url.push_str(value);
            rest = after;
        }
        url.push_str(rest);
        url
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands between braces.
fn places(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('{').skip(1).map(|part| part.split_once('}').map_or(part, |(place, _)| place))
}

/// The patterns of a running service, public URL filled in.
#[derive(Debug, Clone)]
pub(crate) struct MediaUrls {
    pub(crate) image: UrlPattern,
    pub(crate) video_playlist: UrlPattern,
    pub(crate) video_thumbnail: UrlPattern,
}

impl MediaUrls {
    pub(crate) fn image(&self, preset: Preset, did: &Did, cid: &str) -> String {
        self.image.fill(preset.name(), did.as_str(), cid)
    }

    pub(crate) fn video_playlist(&self, did: &Did, cid: &str) -> String {
        self.video_playlist.fill("", &segment(did.as_str()), &segment(cid))
    }

    pub(crate) fn video_thumbnail(&self, did: &Did, cid: &str) -> String {
        self.video_thumbnail.fill("", &segment(did.as_str()), &segment(cid))
    }
}

fn segment(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, SEGMENT).into()
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = UrlFault;
            fn try_from(text: String) -> Result<Self, UrlFault> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                String::json_schema(generator)
            }
        }
    };
}

text_newtype!(PublicUrl);
text_newtype!(UrlPattern);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn fills_a_pattern() {
        let base = PublicUrl::parse("https://app.test/").unwrap();
        let check = |pattern: &str, expected: &str| {
            let pattern = UrlPattern::parse(pattern).unwrap().with_base(&base);
            assert_eq!(pattern.fill("avatar", "did:plc:a", "bafk"), expected);
        };
        check(
            "{public_url}/img/{preset}/plain/{did}/{cid}@jpeg",
            "https://app.test/img/avatar/plain/did:plc:a/bafk@jpeg",
        );
        check("https://cdn/{cid}?by={did}&as=}x", "https://cdn/bafk?by=did:plc:a&as=}x");
    }

    #[test]
    fn a_filled_in_value_is_not_filled_again() {
        let pattern = UrlPattern::parse("http://cdn/{did}/{cid}").unwrap();
        assert_eq!(pattern.fill("", "{cid}", "x"), "http://cdn/{cid}/x");
    }

    #[test]
    fn a_video_url_escapes_the_colons_of_a_did() {
        let urls = MediaUrls {
            image: UrlPattern::parse("http://i/{did}/{cid}").unwrap(),
            video_playlist: UrlPattern::parse("https://v/{did}/{cid}/playlist.m3u8").unwrap(),
            video_thumbnail: UrlPattern::parse("https://v/{did}/{cid}/thumbnail.jpg").unwrap(),
        };
        let did = Did::parse("did:plc:abc").unwrap();
        assert_eq!(
            urls.video_playlist(&did, "bafk"),
            "https://v/did%3Aplc%3Aabc/bafk/playlist.m3u8"
        );
        assert_eq!(
            urls.video_thumbnail(&did, "bafk"),
            "https://v/did%3Aplc%3Aabc/bafk/thumbnail.jpg"
        );
    }

    #[test]
    fn refuses_what_is_not_a_base_or_a_pattern() {
        for text in
            ["", "localhost:5000", "ftp://a.test", "https://a.test/path", "https://a.test/?q"]
        {
            assert!(PublicUrl::parse(text).is_err(), "{text}");
        }
        for text in [
            "",
            "https://cdn/{did}",
            "https://cdn/{cid}",
            "{did}/{cid}",
            "cdn.example/{did}/{cid}",
            "ftp://cdn/{did}/{cid}",
            "https:///{did}",
            "https://cdn/{size}/{did}/{cid}",
            "https://cdn/{did}/{cid}/{",
        ] {
            assert!(UrlPattern::parse(text).is_err(), "{text}");
        }
    }
}
