//! `getSuggestedFeeds`, `getSuggestedStarterPacks`: those that the operator chose, then those that people like or
//! came by most, the best first; or of all, those whose names have some words.

use millrace_store::Tx;
use millrace_store::full_text::Phrase;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::curated::CuratedList;
use super::cursor::TimeKey;
use super::uri_page::UriPage;
use super::{Context, Question, chosen, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::ranking::{Named, Place};
use crate::search::typed::TEXT_BYTES_MAX;
use crate::search::words;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

/// Feed generators.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetSuggestedFeeds {
    /// Words that their names have; none: all of them.
    #[serde(default)]
    pub q: String,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Starter packs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetSuggestedStarterPacks {
    /// Words that their names have; none: all of them.
    #[serde(default)]
    pub q: String,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of what the words find.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundPage {
    pub uris: Vec<String>,
    pub cursor: Option<String>,
    /// How many are found in all, of those that are remembered.
    pub hits_total: u64,
}

impl Question for GetSuggestedFeeds {
    const NAME: &'static str = "getSuggestedFeeds";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<UriPage, DataplaneError> {
        let ranked = cx.rankings.now();
        let asked = (self.limit, self.cursor.as_deref());
        let kind = (Collection::Generator, CuratedList::Feeds);
        let found = page(tx, &ranked.generators, kind, &self.q, asked)?;
        Ok(UriPage { uris: found.uris, cursor: found.cursor })
    }
}

impl Question for GetSuggestedStarterPacks {
    const NAME: &'static str = "getSuggestedStarterPacks";
    type Answer = FoundPage;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<FoundPage, DataplaneError> {
        let ranked = cx.rankings.now();
        let asked = (self.limit, self.cursor.as_deref());
        let kind = (Collection::StarterPack, CuratedList::StarterPacks);
        page(tx, &ranked.starter_packs, kind, &self.q, asked)
    }
}

fn page(
    tx: &mut Tx,
    ranked: &[Named],
    (collection, list): (Collection, CuratedList),
    q: &str,
    (limit, cursor): (u32, Option<&str>),
) -> Result<FoundPage, DataplaneError> {
    let limit = page_limit(limit, LIMIT_MAX)?;
    if q.len() > TEXT_BYTES_MAX {
        let message = format!("q must be at most {TEXT_BYTES_MAX} bytes");
        return Err(DataplaneError::InvalidRequest(message));
    }
    // The position of the best is a score where others have a time.
    let TimeKey { time_us: score, key: rkey, actor } = TimeKey::parse(cursor)?;
    let after = Place { score, rkey, actor };
    let Some(wanted) = wanted(q) else { return Ok(FoundPage::default()) };
    let mut found = match wanted[..] {
        [] => chosen::records(tx, list)?,
        _ => Vec::new(),
    };
    let chosen = chosen::subjects_of(&found);
    let named = ranked.iter().filter(|it| holds(&it.words, &wanted)).map(|it| it.place);
    found.extend(named.filter(|place| !chosen.contains(&(place.actor, place.rkey))));
    let rest = found.iter().copied().filter(|place| *place < after);
    let mut places: Vec<Place> = rest.take(limit as usize + 1).collect();
    let cursor = TimeKey::next(&mut places, limit, Place::key);
    let (actors, rkeys) = (places.iter().map(|p| p.actor), places.iter().map(|p| p.rkey));
    let names = lookup::Names::of(tx, actors, rkeys)?;
    let uris = places.iter().map(|p| names.uri(p.actor, collection.code(), p.rkey));
    let hits_total = found.len() as u64;
    Ok(FoundPage { uris: uris.collect::<Result<_, _>>()?, cursor, hits_total })
}

/// What must stand in a name, each after a space; nothing can be found where no word was typed but
/// something else was.
fn wanted(q: &str) -> Option<Vec<String>> {
    let parts: Vec<&str> = q.split_whitespace().collect();
    let phrases: Vec<Phrase> = parts.iter().filter_map(|part| words::phrase(part)).collect();
    if phrases.is_empty() && !parts.is_empty() {
        return None;
    }
    Some(phrases.iter().map(|phrase| format!(" {}", phrase.tokens.join(" "))).collect())
}

/// The words are there, each from its beginning; they may go on.
fn holds(words: &str, wanted: &[String]) -> bool {
    wanted.iter().all(|phrase| words.contains(phrase.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_have_the_words() {
        let check = |name: &str, q: &str, expected: bool| {
            let words: String = words::words(name).iter().map(|word| format!(" {word}")).collect();
            let found = wanted(q).is_some_and(|wanted| holds(&words, &wanted));
            assert_eq!(found, expected, "{q} in {name}");
        };
        check("River News", "", true);
        check("River News", "  ", true);
        check("River News", "news RIVER", true);
        check("River News", "riv", true);
        check("River News", "iver", false);
        check("River News", "rivers", false);
        check("River News", "!?", false);
        check("東京都ニュース", "京都", true);
        check("東京都ニュース", "都", true);
        check("東京都ニュース", "都京", false);
    }
}
