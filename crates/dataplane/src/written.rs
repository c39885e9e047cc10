//! What a post's stored record says of itself beside its text: its tags, its languages, whether its author
//! labelled it. A record that cannot be read says nothing.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Tags of one post that count, and the length of one in characters.
const TAGS_MAX: usize = 5;
const TAG_CHARS_MAX: usize = 64;
/// Languages of one post that count; the lexicon's bound.
const LANGUAGES_MAX: usize = 3;
/// Bytes of a primary subtag (BCP 47).
const LANGUAGE_BYTES_MAX: usize = 8;

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    /// As they were written, without number signs; those of the text first.
    pub tags: Vec<String>,
    /// Primary subtags in lower case: `en` of `en-GB`.
    pub languages: Vec<String>,
    /// Its author gave it labels.
    pub labelled: bool,
}

impl Written {
    pub(crate) fn of(record: &str) -> Self {
        let record: Record<'_> = serde_json::from_str(record).unwrap_or_default();
        let features = record.facets.into_iter().flat_map(|facet| facet.features);
        let tags = features.filter_map(|feature| feature.tag).chain(record.tags);
        let fits = |tag: &Cow<'_, str>| !tag.is_empty() && tag.chars().count() <= TAG_CHARS_MAX;
        Self {
            tags: tags.filter(fits).take(TAGS_MAX).map(Cow::into_owned).collect(),
            languages: languages(&record.langs),
            labelled: record.labels.is_some(),
        }
    }
}

/// Primary subtags, in lower case, each once.
pub(crate) fn languages(langs: &[impl AsRef<str>]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for lang in langs {
        let primary = lang.as_ref().split('-').next().unwrap_or_default().to_ascii_lowercase();
        let is_subtag = (2..=LANGUAGE_BYTES_MAX).contains(&primary.len())
            && primary.bytes().all(|byte| byte.is_ascii_lowercase());
        if is_subtag && !found.contains(&primary) && found.len() < LANGUAGES_MAX {
            found.push(primary);
        }
    }
    found
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Record<'a> {
    #[serde(borrow)]
    facets: Vec<Facet<'a>>,
    #[serde(borrow)]
    tags: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    langs: Vec<Cow<'a, str>>,
    labels: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Facet<'a> {
    #[serde(borrow)]
    features: Vec<Feature<'a>>,
}

#[derive(Deserialize)]
struct Feature<'a> {
    #[serde(borrow, default)]
    tag: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_a_record() {
        let check = |record: &str, expected: &[&str]| {
            assert_eq!(Written::of(record).tags, expected, "{record}");
        };
        let facet = |tag: &str| format!(r#"{{"features":[{{"$type":"x","tag":"{tag}"}}]}}"#);
        check(&format!(r#"{{"facets":[{}],"tags":["b\"c"]}}"#, facet("a")), &["a", "b\"c"]);
        check(r#"{"facets":[{"features":[{"uri":"x"}]}]}"#, &[]);
        check(&format!(r#"{{"tags":["{}"]}}"#, "x".repeat(65)), &[]);
        check(r#"{"tags":["1","2","3","4","5","6"]}"#, &["1", "2", "3", "4", "5"]);
        check(r#"{"tags":7}"#, &[]);
        check("no json", &[]);
    }

    #[test]
    fn languages_are_primary_subtags() {
        let check = |langs: &str, expected: &[&str]| {
            let record = format!(r#"{{"langs":{langs}}}"#);
            assert_eq!(Written::of(&record).languages, expected, "{langs}");
        };
        check(r#"["en-GB","EN","pt"]"#, &["en", "pt"]);
        check(r#"["", "e", "toolonglang", "d3", "日本"]"#, &[]);
        check(r#"["a1","aa","bb","cc","dd"]"#, &["aa", "bb", "cc"]);
    }

    #[test]
    fn labels_are_noticed() {
        assert!(Written::of(r#"{"tags":["a"],"labels":{"values":[]}}"#).labelled);
        assert!(!Written::of(r#"{"tags":["a"]}"#).labelled);
    }
}
