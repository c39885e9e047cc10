//! `getQuotes`: the posts that quote a post, the latest first. A post that is gone is quoted by none.

use millrace_atproto::syntax::AtUri;
use millrace_store::{Param, Tx};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor::TimeKey;
use super::documents::dated;
use super::hydrate::Hydrate;
use super::hydrating::Skeleton;
use super::uri_page::{Dated, UriPage};
use super::{Context, Question, lookup, page_limit};
use crate::collection::Collection;
use crate::error::DataplaneError;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetQuotes {
    pub uri: AtUri,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Question for GetQuotes {
    const NAME: &'static str = "getQuotes";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let limit = page_limit(self.limit, LIMIT_MAX)?;
        let before = TimeKey::parse(self.cursor.as_deref())?;
        let quoted = lookup::post_keys(tx, std::slice::from_ref(&self.uri))?.pop();
        let Some((actor, rkey)) = quoted else { return Ok(UriPage::default()) };
        let mut rows = tx.query(
            "SELECT actor_id, rkey, sort_at_us FROM post
             WHERE quote_actor = $1 AND quote_rkey = $2
               AND EXISTS (SELECT 1 FROM post AS q WHERE q.actor_id = $1 AND q.rkey = $2) AND (sort_at_us, rkey, actor_id) < ($3, $4, $5)
             ORDER BY sort_at_us DESC, rkey DESC, actor_id DESC LIMIT $6",
            &[
                Param::Int(actor),
                Param::Int(rkey),
                Param::Int(before.time_us),
                Param::Int(before.key),
                Param::Int(before.actor),
                Param::Int(limit + 1),
            ],
            dated,
        )?;
        Dated::page(tx, &mut rows, limit, Collection::Post)
    }
}

impl Skeleton for GetQuotes {
    const HYDRATED: &'static str = "getQuotesHydrated";

    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError> {
        wanted.add_posts(&answer.uris)
    }
}
