//! `getTrends`: what the newest posts are about, and who wrote about it last.

use millrace_atproto::syntax::Did;
use millrace_store::{StoreError, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Question, lookup, page_limit};
use crate::error::DataplaneError;
use crate::ranking::Topic;

/// Largest answer.
pub const LIMIT_MAX: u32 = 25;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetTrends {
    #[serde(default = "default_limit")]
    pub limit: u32,
}

fn default_limit() -> u32 {
    10
}

/// What most write about first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trends {
    pub trends: Vec<Trend>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trend {
    /// As it was written last, without the number sign.
    pub tag: String,
    /// Posts of the last day that have it, among those that were looked at.
    pub posts: i64,
    /// The first of them.
    pub started_at_us: i64,
    /// At least half of them are of the last hour.
    pub is_hot: bool,
    /// The last first.
    pub authors: Vec<Did>,
}

impl Question for GetTrends {
    const NAME: &'static str = "getTrends";
    type Answer = Trends;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<Trends, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let ranked = cx.rankings.now();
        let topics = || ranked.topics.iter().take(limit as usize);
        let authors = topics().flat_map(|topic| topic.authors.iter().copied());
        let names = lookup::Names::of(tx, authors, [])?;
        let trend = |topic: &Topic| -> Result<Trend, StoreError> {
            let authors = topic.authors.iter().map(|author| names.did(*author).cloned());
            Ok(Trend {
                tag: topic.tag.clone(),
                posts: topic.posts,
                started_at_us: topic.started_at_us,
                is_hot: topic.is_hot,
                authors: authors.collect::<Result<_, _>>()?,
            })
        };
        Ok(Trends { trends: topics().map(trend).collect::<Result<_, _>>()? })
    }
}
