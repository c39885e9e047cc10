//! Links, tags and mentions in a text, as `app.bsky.richtext.facet` marks them: by bytes.

use millrace_atproto::{Did, Handle};
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

/// Graphemes of a tag, as its lexicon says.
const TAG_GRAPHEMES_MAX: usize = 64;
const TAG_BYTES_MAX: usize = 640;

/// Something in a text that is more than text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Feature<'a> {
    Link(&'a str),
    Tag(&'a str),
    /// A handle, which may be nobody's.
    Mention(Handle),
}

/// Where it stands, in bytes, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) feature: Feature<'a>,
}

/// All of them, in order.
pub(super) fn find(text: &str) -> Vec<Found<'_>> {
    words(text).filter_map(|(start, word)| feature(start, word)).collect()
}

/// What stands between white space, and where it begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split(char::is_whitespace).filter(|word| !word.is_empty()).map(move |word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        (start, word)
    })
}

fn feature(start: usize, word: &str) -> Option<Found<'_>> {
    let opened = word.trim_start_matches(['(', '[', '"', '\'', '„', '“', '«']);
    let start = start + (word.len() - opened.len());
    let found = |bare: &str, feature| Some(Found { start, end: start + bare.len(), feature });
    if opened.starts_with("https://") || opened.starts_with("http://") {
        let link = without_end(opened);
        let has_host = url::Url::parse(link).is_ok_and(|url| url.has_host());
        return if has_host { found(link, Feature::Link(link)) } else { None };
    }
    let bare = opened.trim_end_matches(|end: char| !end.is_alphanumeric() && end != '_');
    if let Some(tag) = bare.strip_prefix('#') {
        let fits = tag.len() <= TAG_BYTES_MAX && tag.graphemes(true).count() <= TAG_GRAPHEMES_MAX;
        let is_tag =
            !tag.is_empty() && !tag.contains('#') && !tag.chars().all(|c| c.is_ascii_digit());
        return if fits && is_tag { found(bare, Feature::Tag(tag)) } else { None };
    }
    let handle = Handle::parse(bare.strip_prefix('@')?).ok()?;
    found(bare, Feature::Mention(handle))
}

/// Without what ends a sentence; a closing bracket belongs to the link that has its opening one.
fn without_end(link: &str) -> &str {
    let mut link = link;
    loop {
        let Some(end) = link.chars().next_back() else { return link };
        let is_end = match end {
            ')' => link.matches('(').count() < link.matches(')').count(),
            '.' | ',' | ';' | ':' | '!' | '?' | '"' | '\'' | ']' | '“' | '”' | '»' => true,
            _ => false,
        };
        if !is_end {
            return link;
        }
        link = &link[..link.len() - end.len_utf8()];
    }
}

/// The facets of a record; a mention of nobody is text.
pub(super) fn facets(found: &[Found<'_>], did_of: impl Fn(&Handle) -> Option<Did>) -> Vec<Value> {
    let facet = |found: &Found<'_>| {
        let feature = match &found.feature {
            Feature::Link(uri) => json!({"$type": "app.bsky.richtext.facet#link", "uri": uri}),
            Feature::Tag(tag) => json!({"$type": "app.bsky.richtext.facet#tag", "tag": tag}),
            Feature::Mention(handle) => {
                json!({"$type": "app.bsky.richtext.facet#mention", "did": did_of(handle)?})
            }
        };
        let index = json!({"byteStart": found.start, "byteEnd": found.end});
        Some(json!({"index": index, "features": [feature]}))
    };
    found.iter().filter_map(facet).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn said(text: &str) -> Vec<(String, String)> {
        find(text)
            .into_iter()
            .map(|found| {
                let what = match found.feature {
                    Feature::Link(uri) => format!("link {uri}"),
                    Feature::Tag(tag) => format!("tag {tag}"),
                    Feature::Mention(handle) => format!("mention {handle}"),
                };
                (text[found.start..found.end].to_owned(), what)
            })
            .collect()
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let expected: Vec<(String, String)> =
            expected.iter().map(|(at, what)| ((*at).to_owned(), (*what).to_owned())).collect();
        assert_eq!(said(text), expected, "{text}");
    }

    #[test]
    fn what_is_more_than_text_is_found() {
        check(
            "Grüße @bob.test, see (https://a.test/x_(y)) #Mühle!",
            &[
                ("@bob.test", "mention bob.test"),
                ("https://a.test/x_(y)", "link https://a.test/x_(y)"),
                ("#Mühle", "tag Mühle"),
            ],
        );
        check("https://a.test.", &[("https://a.test", "link https://a.test")]);
    }

    #[test]
    fn what_is_none_is_text() {
        for text in ["", "#", "#1", "##a", "@bob", "a@bob.test", "http://", "C#", "# a", "https://"]
        {
            check(text, &[]);
        }
        check(&format!("#{}", "a".repeat(65)), &[]);
    }

    #[test]
    fn a_mention_of_nobody_stays_text() {
        let found = find("@bob.test @eve.test");
        let bob = Did::parse("did:plc:bob").unwrap();
        let facets = facets(&found, |handle| (handle.as_str() == "bob.test").then(|| bob.clone()));
        assert_eq!(facets.len(), 1);
        assert_eq!(facets[0]["index"], json!({"byteStart": 0, "byteEnd": 9}));
        assert_eq!(facets[0]["features"][0]["did"], "did:plc:bob");
    }
}
