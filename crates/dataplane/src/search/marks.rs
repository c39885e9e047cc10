//! Marks: tokens of a document that no text can write, since they begin with a private-use
//! character, which words never hold. A search is narrowed by asking for them.

use millrace_atproto::cid::Cid;
use millrace_atproto::lexicon::{Embed, Feature, Media, Post};
use unicode_normalization::UnicodeNormalization as _;

/// What a mark is about.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Author,
    Mention,
    Language,
    Tag,
    Domain,
    Url,
}

/// Most marks of a kind in one document.
const MARKS_MAX: usize = 60;

/// Characters that are no part of a token stand as private-use ones, so that a name stays whole.
fn mark(kind: Kind, name: &str) -> String {
    let kind = match kind {
        Kind::Author => '\u{e001}',
        Kind::Mention => '\u{e002}',
        Kind::Language => '\u{e003}',
        Kind::Tag => '\u{e004}',
        Kind::Domain => '\u{e005}',
        Kind::Url => '\u{e006}',
    };
    let plain = |c: char| match c {
        c if c.is_alphanumeric() => c,
        c => char::from_u32(0xe100 + (u32::from(c) & 0xfff)).unwrap_or('\u{e0ff}'),
    };
    [kind].into_iter().chain(name.chars().map(plain)).collect()
}

pub(crate) fn author(actor: i64) -> String {
    mark(Kind::Author, &actor.to_string())
}

pub(crate) fn mention(actor: i64) -> String {
    mark(Kind::Mention, &actor.to_string())
}

/// A language by its first subtag: `en-GB` is `en`.
pub(crate) fn language(tag: &str) -> String {
    mark(Kind::Language, &tag.split('-').next().unwrap_or_default().to_lowercase())
}

/// A hashtag, with or without its `#`.
pub(crate) fn tag(text: &str) -> String {
    let text = text.trim_start_matches(['#', '＃']);
    mark(Kind::Tag, &text.nfkc().flat_map(char::to_lowercase).collect::<String>())
}

pub(crate) fn domain(host: &str) -> String {
    mark(Kind::Domain, &host.trim_matches('.').to_lowercase())
}

/// A URL, compared without scheme, `www.`, fragment and closing slash.
pub(crate) fn url(text: &str) -> String {
    let plain = text.split('#').next().unwrap_or_default();
    let plain = plain.split_once("://").map_or(plain, |(_, rest)| rest);
    let (host, path) = plain.split_at(plain.find('/').unwrap_or(plain.len()));
    let host = host.to_lowercase();
    let plain = format!("{}{}", host.trim_start_matches("www."), path.trim_end_matches('/'));
    mark(Kind::Url, &Cid::of_raw(plain.as_bytes()).to_string())
}

/// The host of a URL and every domain it is part of, down to two labels.
fn domains(url: &str) -> Vec<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_lowercase();
    let labels: Vec<&str> = host.split('.').filter(|label| !label.is_empty()).collect();
    let parts = (0..labels.len().saturating_sub(1)).take(MARKS_MAX);
    parts.map(|from| labels.get(from..).unwrap_or_default().join(".")).collect()
}

/// The marks of a post that need no ids: languages, tags, links.
pub(crate) fn of_post(post: &Post<'_>) -> Vec<String> {
    let features = || post.facets.iter().flat_map(|facet| &facet.features);
    let facet_tags = features().filter_map(|feature| match feature {
        Feature::Tag(tag) => Some(*tag),
        Feature::Link(_) | Feature::Mention(_) => None,
    });
    let facet_links = features().filter_map(|feature| match feature {
        Feature::Link(link) => Some(*link),
        Feature::Tag(_) | Feature::Mention(_) => None,
    });
    let external = match post.embed.as_ref().and_then(Embed::media) {
        Some(Media::External(external)) => Some(external.uri),
        _ => None,
    };
    let mut marks: Vec<String> =
        post.langs.iter().take(MARKS_MAX).map(|lang| language(lang)).collect();
    let tags = post.tags.iter().copied().chain(facet_tags);
    marks.extend(tags.take(MARKS_MAX).map(tag));
    for link in facet_links.chain(external).take(MARKS_MAX) {
        marks.push(url(link));
        marks.extend(domains(link).iter().map(|host| domain(host)));
    }
    marks.sort_unstable();
    marks.dedup();
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_lead_to_the_same_are_one() {
        let same = url("https://example.com/a");
        for other in ["http://www.Example.com/a/", "example.com/a#part", "https://example.com/a"] {
            assert_eq!(url(other), same, "{other}");
        }
        assert_ne!(url("https://example.com/A"), same);
        assert_ne!(url("https://example.com/a?b"), same);
    }

    #[test]
    fn a_host_is_part_of_its_domains() {
        assert_eq!(domains("https://u@News.example.com:80/x"), ["news.example.com", "example.com"]);
        assert_eq!(domains("https://localhost/"), Vec::<String>::new());
        assert_eq!(domains("nonsense"), Vec::<String>::new());
    }

    #[test]
    fn marks_keep_kinds_and_names_apart() {
        assert_ne!(author(1), mention(1));
        assert_ne!(tag("a.b"), tag("a-b"));
        assert_eq!(tag("#Mühle"), tag("mühle"));
        assert_eq!(language("EN-gb"), language("en"));
        assert!(super::super::words::words(&tag("rust")).iter().all(|word| *word != tag("rust")));
    }
}
