//! `searchPosts`: posts that hold what was typed, the latest first or the best of the latest.

use foldhash::HashMap;
use millrace_atproto::syntax::{AtIdentifier, Did};
use millrace_store::full_text::{TextQuery, TextRange};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hydrate::Hydrate;
use super::hydrating::Skeleton;
use super::uri_page::UriPage;
use super::{Context, Question, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::search::typed::{self, TEXT_BYTES_MAX, Typed, Who};
use crate::search::{POSTS, document_id, marks};

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// The best are chosen among so many of the latest matches.
pub const TOP_OF: u32 = 2_000;
/// Most tags a search may name.
const TAGS_MAX: usize = 25;

/// In what order posts are found.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "camelCase")]
pub enum Sort {
    #[default]
    Latest,
    Top,
}

/// What is typed (`q`), and what narrows it besides.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SearchPosts {
    pub q: String,
    pub sort: Sort,
    /// Not before and not after, a datetime or a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<AtIdentifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentions: Option<AtIdentifier>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Each must be there.
    pub tags: Vec<String>,
    /// Who asks: `from:me`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Did>,
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Question for SearchPosts {
    const NAME: &'static str = "searchPosts";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let limit = page_limit(self.limit.unwrap_or(25), LIMIT_MAX)?;
        let typed = self.typed()?;
        let after = Position::parse(self.cursor.as_deref(), self.sort)?;
        let range = range(&typed);
        let Some(query) = resolved(tx, typed, self.viewer.as_ref())? else {
            return Ok(UriPage::default());
        };
        match self.sort {
            Sort::Latest => latest(tx, &query, range, after, limit),
            Sort::Top => top(tx, &query, range, after, limit),
        }
    }
}

impl Skeleton for SearchPosts {
    const HYDRATED: &'static str = "searchPostsHydrated";

    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError> {
        wanted.add_posts(&answer.uris)
    }
}

impl SearchPosts {
    /// What was typed, with what the other parameters ask for.
    fn typed(&self) -> Result<Typed, DataplaneError> {
        let invalid = |what: String| DataplaneError::InvalidRequest(what);
        if self.q.len() > TEXT_BYTES_MAX {
            return Err(invalid(format!("q must be at most {TEXT_BYTES_MAX} bytes")));
        }
        if self.tags.len() > TAGS_MAX {
            return Err(invalid(format!("at most {TAGS_MAX} tags")));
        }
        let mut typed = Typed::parse(&self.q);
        typed.authors.extend(self.author.clone().map(Who::Account));
        typed.mentions.extend(self.mentions.clone().map(Who::Account));
        let given = [
            self.lang.as_deref().map(marks::language),
            self.domain.as_deref().map(marks::domain),
            self.url.as_deref().map(marks::url),
        ];
        let tags = self.tags.iter().map(|tag| marks::tag(tag));
        given.into_iter().flatten().chain(tags).for_each(|mark| typed.want_mark(mark));
        typed.since_us = given_time("since", self.since.as_deref())?.or(typed.since_us);
        typed.until_us = given_time("until", self.until.as_deref())?.or(typed.until_us);
        Ok(typed)
    }
}

/// A time that a parameter gives: a datetime or a date.
pub(super) fn given_time(name: &str, text: Option<&str>) -> Result<Option<i64>, DataplaneError> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || DataplaneError::InvalidRequest(format!("{name} must be a datetime or a date"));
    typed::time_us(text).ok_or_else(wrong).map(Some)
}

/// The documents of the time that is asked for, the latest first.
pub(super) fn range(typed: &Typed) -> TextRange {
    TextRange {
        above: typed.since_us.map_or(-1, |since_us| document_id::first_at(since_us) - 1),
        below: typed.until_us.map_or(i64::MAX, document_id::first_at),
        descending: true,
        limit: TOP_OF,
    }
}

/// The query with accounts as marks; `None` when it names an account nobody knows.
pub(super) fn resolved(
    tx: &mut Tx,
    mut typed: Typed,
    viewer: Option<&Did>,
) -> Result<Option<TextQuery>, DataplaneError> {
    type Mark = fn(i64) -> String;
    let authors =
        std::mem::take(&mut typed.authors).into_iter().map(|who| (who, marks::author as Mark));
    let mentions =
        std::mem::take(&mut typed.mentions).into_iter().map(|who| (who, marks::mention as Mark));
    for (who, mark) in authors.chain(mentions) {
        let actor = match who {
            Who::Nobody => None,
            Who::Account(account) => lookup::known_actor(tx, &account)?,
            Who::Me => match viewer {
                Some(viewer) => lookup::actor_id(tx, viewer)?,
                None => None,
            },
        };
        match actor {
            Some(actor) => typed.want_mark(mark(actor)),
            None => return Ok(None),
        }
    }
    Ok(Some(TextQuery { wanted: typed.wanted, unwanted: typed.unwanted }))
}

fn latest(
    tx: &mut Tx,
    query: &TextQuery,
    range: TextRange,
    after: Option<Position>,
    limit: i64,
) -> Result<UriPage, DataplaneError> {
    let below = after.map_or(range.below, |after| after.document.min(range.below));
    let wanted = u32::try_from(limit + 1).unwrap_or(LIMIT_MAX);
    let mut ids = tx.match_text(POSTS, query, TextRange { below, limit: wanted, ..range })?;
    let more = ids.len() as i64 > limit;
    ids.truncate(limit as usize);
    let cursor = ids.last().filter(|_| more).map(|id| Position { score: 0, document: *id });
    page(tx, &ids, cursor.map(|position| position.pack(Sort::Latest)))
}

fn top(
    tx: &mut Tx,
    query: &TextQuery,
    range: TextRange,
    after: Option<Position>,
    limit: i64,
) -> Result<UriPage, DataplaneError> {
    let ids = tx.match_text(POSTS, query, range)?;
    best(tx, &ids, after, limit)
}

/// Of these the best after a position.
pub(super) fn best(
    tx: &mut Tx,
    ids: &[i64],
    after: Option<Position>,
    limit: i64,
) -> Result<UriPage, DataplaneError> {
    let mut found = scored(tx, ids)?;
    found.sort_unstable_by(|left, right| right.cmp(left));
    found.retain(|position| after.is_none_or(|after| *position < after));
    let more = found.len() as i64 > limit;
    found.truncate(limit as usize);
    let cursor = found.last().filter(|_| more).map(|last| last.pack(Sort::Top));
    let ids: Vec<i64> = found.iter().map(|position| position.document).collect();
    page(tx, &ids, cursor)
}

/// A match's place: its score, then how late it is. The later in this order, the better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) score: i64,
    pub(super) document: i64,
}

impl Position {
    pub(super) fn pack(self, sort: Sort) -> String {
        match sort {
            Sort::Latest => self.document.to_string(),
            Sort::Top => format!("{}::{}", self.score, self.document),
        }
    }

    pub(super) fn parse(cursor: Option<&str>, sort: Sort) -> Result<Option<Self>, DataplaneError> {
        let Some(cursor) = cursor else { return Ok(None) };
        let position = match sort {
            Sort::Latest => cursor.parse().ok().map(|document| Self { score: 0, document }),
            Sort::Top => cursor.split_once("::").and_then(|(score, document)| {
                Some(Self { score: score.parse().ok()?, document: document.parse().ok()? })
            }),
        };
        let shown: String = cursor.chars().take(64).collect();
        let malformed = || DataplaneError::InvalidRequest(format!("malformed cursor: {shown}"));
        position.ok_or_else(malformed).map(Some)
    }
}

/// A cursor that is read is written as one that means the same.
#[cfg(any(test, feature = "fuzz"))]
pub(crate) fn cursor_settles(text: &str) {
    for sort in [Sort::Latest, Sort::Top] {
        let Ok(Some(position)) = Position::parse(Some(text), sort) else { continue };
        let again = Position::parse(Some(&position.pack(sort)), sort);
        assert_eq!(again.ok().flatten(), Some(position));
    }
}

/// The matches with what people made of them.
fn scored(tx: &mut Tx, ids: &[i64]) -> Result<Vec<Position>, DataplaneError> {
    Ok(tx.query(
        "SELECT d.document_id, COALESCE(c.likes + 2 * c.reposts + 2 * c.quotes + c.replies, 0)
         FROM {id_list:$1} AS ids CROSS JOIN post_document AS d
         LEFT JOIN record_count AS c ON c.actor_id = d.actor_id AND c.rkey = d.rkey AND c.collection = $2
         WHERE d.document_id = ids.id",
        &[Param::Ids(ids), Param::Int(Collection::Post.code())],
        |row| Ok(Position { document: row.get(0)?, score: row.get(1)? }),
    )?)
}

pub(super) fn page(
    tx: &mut Tx,
    ids: &[i64],
    cursor: Option<String>,
) -> Result<UriPage, DataplaneError> {
    let keys: HashMap<i64, (i64, i64)> = tx
        .query(
            "SELECT d.document_id, d.actor_id, d.rkey
             FROM {id_list:$1} AS ids CROSS JOIN post_document AS d WHERE d.document_id = ids.id",
            &[Param::Ids(ids)],
            |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))),
        )?
        .into_iter()
        .collect();
    let names =
        lookup::Names::of(tx, keys.values().map(|key| key.0), keys.values().map(|key| key.1))?;
    let found = ids.iter().filter_map(|id| keys.get(id));
    let uris = found.map(|key| names.uri(key.0, Collection::Post.code(), key.1));
    Ok(UriPage { uris: uris.collect::<Result<_, _>>()?, cursor })
}
