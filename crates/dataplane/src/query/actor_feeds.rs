//! `getActorFeeds`: the feed generators an account offers, the latest first. `getFeedGenerators`:
//! feed generators by name.

use millrace_atproto::syntax::{AtIdentifier, AtUri, Did};
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hydrate::Hydrate;
use super::uri_page::UriPage;
use super::{Context, Question, documents, lookup};
use crate::collection::Collection;
use crate::error::DataplaneError;
use crate::model::Service;

/// Largest page.
pub const LIMIT_MAX: u32 = 100;
/// Most feed generators one question may name.
pub const FEEDS_MAX: usize = 500;

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetActorFeeds {
    pub actor: AtIdentifier,
    #[serde(default = "super::timeline::default_limit")]
    pub limit: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GetFeedGenerators {
    pub uris: Vec<AtUri>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer: Option<Did>,
}

/// The feed generators found, in the order asked for; unknown ones, and those taken
/// down here, are left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FeedGenerators {
    pub feeds: Vec<Service>,
}

impl Question for GetActorFeeds {
    const NAME: &'static str = "getActorFeeds";
    type Answer = UriPage;

    fn answer(self, tx: &mut Tx, _: &Context) -> Result<UriPage, DataplaneError> {
        let actor = lookup::known_actor(tx, &self.actor)?.ok_or_else(|| {
            DataplaneError::NotFound(format!("profile not found: {}", self.actor))
        })?;
        let limit = (self.limit, LIMIT_MAX);
        let cursor = self.cursor.as_deref();
        documents::of_actor(tx, Some(actor), Collection::Generator, &[], limit, cursor)
    }
}

impl Question for GetFeedGenerators {
    const NAME: &'static str = "getFeedGenerators";
    type Answer = FeedGenerators;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<FeedGenerators, DataplaneError> {
        if self.uris.len() > FEEDS_MAX {
            return Err(DataplaneError::InvalidRequest(format!(
                "at most {FEEDS_MAX} uris, not {}",
                self.uris.len()
            )));
        }
        let generators = self.uris.clone();
        let hydrate = Hydrate { viewer: self.viewer, generators, ..Hydrate::default() };
        let found = hydrate.answer(tx, cx)?;
        let mut feeds = found.generators;
        let down = found.taken_down.subjects;
        let is_down = |name: &str| down.iter().any(|subject| subject == name);
        feeds.retain(|feed| !is_down(&feed.uri) && !is_down(feed.creator.as_str()));
        let asked: Vec<String> = self.uris.iter().map(AtUri::to_string).collect();
        feeds.sort_by_key(|feed| asked.iter().position(|uri| *uri == feed.uri));
        Ok(FeedGenerators { feeds })
    }
}
