//! `searchPostsV2`: posts by their words, as `searchPosts` finds them, with alternatives ("by any of these"),
//! exclusions, and what rows say of posts: media, replies, threads, quotes.

mod marked;
mod only;

use std::collections::BTreeSet;

use foldhash::HashSet;
use millrace_atproto::syntax::{AtIdentifier, AtUri, Did};
use millrace_store::full_text::{Phrase, TextQuery, TextRange};
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hydrate::Hydrate;
use super::hydrating::Skeleton;
use super::search_posts::{self, LIMIT_MAX, Position, Sort, TOP_OF};
use super::uri_page::UriPage;
use super::{Context, Question, page_limit};
use crate::error::DataplaneError;
use crate::search::POSTS;
use crate::search::typed::{TEXT_BYTES_MAX, Typed};
use only::Only;

/// Most items of one list.
pub const LIST_MAX: usize = 10;
/// Most combinations of alternatives: two authors and three tags are six.
const COMBINATIONS_MAX: usize = 64;
/// Matches whose rows are looked at for one page of the latest.
const LOOKED_AT_MAX: u32 = 500;

/// What is typed (`q`), and what narrows it besides. Something must be asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SearchPostsV2 {
    pub q: String,
    pub sort: Sort,
    /// Not before and not after, a datetime or a date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Of each list that is not empty, one must be there.
    pub any: Marked,
    /// None may be there.
    pub none: Marked,
    pub only: Rows,
    /// Who asks: `from:me`, and whom they follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Did>,
    pub limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What posts are found by besides words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Marked {
    pub authors: Vec<AtIdentifier>,
    pub mentions: Vec<AtIdentifier>,
    pub domains: Vec<String>,
    pub urls: Vec<String>,
    pub tags: Vec<String>,
    pub languages: Vec<String>,
}

/// What rows say of posts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Rows {
    /// With images or a video.
    pub media: bool,
    pub video: bool,
    /// Replies only, or none of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replies: Option<bool>,
    /// Direct replies to a post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<AtUri>,
    /// Replies in the thread that begins with a post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root: Option<AtUri>,
    /// By whom the viewer follows.
    pub following: bool,
    /// Posts that quote one of these, or none of these.
    pub quotes: Vec<AtUri>,
    pub not_quotes: Vec<AtUri>,
}

impl Question for SearchPostsV2 {
    const NAME: &'static str = "searchPostsV2";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let limit = page_limit(self.limit.unwrap_or(25), LIMIT_MAX)?;
        self.check()?;
        let mut typed = Typed::parse(&self.q);
        typed.since_us =
            search_posts::given_time("since", self.since.as_deref())?.or(typed.since_us);
        typed.until_us =
            search_posts::given_time("until", self.until.as_deref())?.or(typed.until_us);
        let after = Position::parse(self.cursor.as_deref(), self.sort)?;
        let range = search_posts::range(&typed);
        let query = search_posts::resolved(tx, typed, self.viewer.as_ref())?;
        let (Some(query), Some(only)) = (query, Only::of(tx, &self.only, self.viewer.as_ref())?)
        else {
            return Ok(UriPage::default());
        };
        let Some(queries) = self.queries(tx, query)? else { return Ok(UriPage::default()) };
        let search = Search { queries, range, only };
        match self.sort {
            Sort::Latest => search.latest(tx, after, limit),
            Sort::Top => search.top(tx, after, limit),
        }
    }
}

impl Skeleton for SearchPostsV2 {
    const HYDRATED: &'static str = "searchPostsV2Hydrated";

    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError> {
        wanted.add_posts(&answer.uris)
    }
}

impl SearchPostsV2 {
    fn check(&self) -> Result<(), DataplaneError> {
        let invalid = |what: String| Err(DataplaneError::InvalidRequest(what));
        if self.q.len() > TEXT_BYTES_MAX {
            return invalid(format!("q must be at most {TEXT_BYTES_MAX} bytes"));
        }
        let lists = self.any.sizes().into_iter().chain(self.none.sizes());
        if lists.chain(self.only.sizes()).any(|size| size > LIST_MAX) {
            return invalid(format!("a list may have at most {LIST_MAX} items"));
        }
        let nothing = Marked::default();
        let is_empty = self.q.trim().is_empty() && self.since.is_none() && self.until.is_none();
        if is_empty && self.any == nothing && self.none == nothing && self.only == Rows::default() {
            return invalid("a query or at least one filter is required".to_owned());
        }
        Ok(())
    }

    /// A query for each combination of alternatives; none where one of them cannot be.
    fn queries(
        &self,
        tx: &mut Tx,
        mut query: TextQuery,
    ) -> Result<Option<Vec<TextQuery>>, DataplaneError> {
        let excluded = self.none.marks(tx)?;
        query.unwanted.extend(excluded.into_iter().flat_map(|kind| kind.marks).map(phrase));
        let mut queries = vec![query];
        for kind in self.any.marks(tx)? {
            if kind.marks.is_empty() && kind.given > 0 {
                return Ok(None);
            }
            if queries.len() * kind.marks.len() > COMBINATIONS_MAX {
                return Err(DataplaneError::InvalidRequest(format!(
                    "at most {COMBINATIONS_MAX} combinations of what may be"
                )));
            }
            if !kind.marks.is_empty() {
                queries = combined(&queries, &kind.marks);
            }
        }
        Ok(Some(queries))
    }
}

fn phrase(mark: String) -> Phrase {
    Phrase { tokens: vec![mark], prefix: false }
}

/// Each query with each mark.
fn combined(queries: &[TextQuery], marks: &[String]) -> Vec<TextQuery> {
    let with = |query: &TextQuery, mark: &String| {
        let mut query = query.clone();
        query.wanted.push(phrase(mark.clone()));
        query
    };
    queries.iter().flat_map(|query| marks.iter().map(move |mark| with(query, mark))).collect()
}

/// A search whose names are ids.
struct Search {
    queries: Vec<TextQuery>,
    range: TextRange,
    only: Only,
}

impl Search {
    fn latest(
        &self,
        tx: &mut Tx,
        after: Option<Position>,
        limit: i64,
    ) -> Result<UriPage, DataplaneError> {
        let below = after.map_or(self.range.below, |after| after.document.min(self.range.below));
        let looked_at = match self.only.is_needed() {
            true => LOOKED_AT_MAX,
            false => u32::try_from(limit + 1).unwrap_or(LOOKED_AT_MAX),
        };
        let matches = self.matches(tx, TextRange { below, limit: looked_at, ..self.range })?;
        let mut found = self.only.retain(tx, &matches.ids)?;
        // What was looked at and is not shown is not looked at again.
        let mut next = matches.down_to;
        if found.len() as i64 > limit {
            found.truncate(limit as usize);
            next = found.last().copied();
        }
        let cursor = next.map(|document| Position { score: 0, document }.pack(Sort::Latest));
        search_posts::page(tx, &found, cursor)
    }

    fn top(
        &self,
        tx: &mut Tx,
        after: Option<Position>,
        limit: i64,
    ) -> Result<UriPage, DataplaneError> {
        let matches = self.matches(tx, TextRange { limit: TOP_OF, ..self.range })?;
        let ids = self.only.retain(tx, &matches.ids)?;
        search_posts::best(tx, &ids, after, limit)
    }

    /// The latest documents that one of the queries matches.
    fn matches(&self, tx: &mut Tx, range: TextRange) -> Result<Matches, DataplaneError> {
        if let [query] = self.queries.as_slice()
            && query.wanted.is_empty()
        {
            return latest_without(tx, &query.unwanted, range);
        }
        let mut found = BTreeSet::new();
        for query in &self.queries {
            found.extend(tx.match_text(POSTS, query, range)?);
        }
        let limit = range.limit as usize;
        let ids: Vec<i64> = found.into_iter().rev().take(limit).collect();
        let down_to = ids.last().copied().filter(|_| ids.len() == limit);
        Ok(Matches { ids, down_to })
    }
}

/// Documents, the latest first.
struct Matches {
    ids: Vec<i64>,
    /// The last one that was looked at, where there may be more.
    down_to: Option<i64>,
}

/// The latest documents, less those that have something of what is unwanted.
fn latest_without(
    tx: &mut Tx,
    unwanted: &[Phrase],
    range: TextRange,
) -> Result<Matches, DataplaneError> {
    let mut ids: Vec<i64> = tx.query(
        "SELECT document_id FROM post_document WHERE document_id > $1 AND document_id < $2
         ORDER BY document_id DESC LIMIT $3",
        &[range.above, range.below, i64::from(range.limit)].map(Param::Int),
        |row| row.get(0),
    )?;
    let Some(last) = ids.last().copied() else { return Ok(Matches { ids, down_to: None }) };
    let down_to = (ids.len() == range.limit as usize).then_some(last);
    let among = TextRange { above: last - 1, ..range };
    for phrase in unwanted {
        let query = TextQuery { wanted: vec![phrase.clone()], unwanted: Vec::new() };
        let hidden: HashSet<i64> = tx.match_text(POSTS, &query, among)?.into_iter().collect();
        ids.retain(|id| !hidden.contains(id));
    }
    Ok(Matches { ids, down_to })
}
