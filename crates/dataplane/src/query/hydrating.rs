//! A page in one question: the skeleton, what its views need, and how far the viewer's own repository is
//! visible, all of one snapshot.

use millrace_atproto::syntax::AtUri;
use millrace_store::Tx;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hydrate::{HYDRATE_MAX, Hydrate, Hydration};
use super::{Context, Question};
use crate::error::DataplaneError;
use crate::model::FeedItem;

/// A question whose answer names what a page shows.
pub trait Skeleton: Question {
    /// The name of the question that brings its answer hydrated.
    const HYDRATED: &'static str;

    /// Adds what the answer names to what is to be hydrated.
    fn name(answer: &Self::Answer, wanted: &mut Hydrate) -> Result<(), DataplaneError>;
}

/// Asks for a skeleton and, with it, for everything its views need.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hydrating<S> {
    pub skeleton: S,
    /// Who looks, and what is wanted besides what the skeleton names.
    pub hydrate: Hydrate,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hydrated<A> {
    /// None where what was asked about is not known here.
    pub skeleton: Option<A>,
    pub hydration: Hydration,
}

impl<S: Skeleton> Question for Hydrating<S> {
    const NAME: &'static str = S::HYDRATED;
    type Answer = Hydrated<S::Answer>;

    fn answer(self, tx: &mut Tx, cx: &Context) -> Result<Self::Answer, DataplaneError> {
        let Self { skeleton, mut hydrate } = self;
        let skeleton = match skeleton.answer(tx, cx) {
            Err(DataplaneError::NotFound(_)) => None,
            answer => Some(answer?),
        };
        if let Some(answer) = &skeleton {
            S::name(answer, &mut hydrate)?;
        }
        let hydration = hydrate.answer(tx, cx)?;
        Ok(Hydrated { skeleton, hydration })
    }
}

impl Hydrate {
    /// As many of these posts as one question may name.
    pub(crate) fn add_posts<'a>(
        &mut self,
        uris: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), DataplaneError> {
        let room = HYDRATE_MAX.saturating_sub(self.posts.len());
        for uri in uris.into_iter().take(room) {
            self.posts.push(parsed(uri)?);
        }
        Ok(())
    }

    /// The posts of a feed, and who reposted them.
    pub(crate) fn add_feed(&mut self, items: &[FeedItem]) -> Result<(), DataplaneError> {
        for repost in items.iter().filter_map(|item| item.repost.as_deref()) {
            let repost = parsed(repost)?;
            self.actors.extend(repost.did().cloned());
            self.reposts.push(repost);
        }
        self.add_posts(items.iter().map(|item| &item.uri))
    }
}

fn parsed(uri: &str) -> Result<AtUri, DataplaneError> {
    AtUri::parse(uri)
        .map_err(|error| DataplaneError::Internal(format!("a skeleton names {uri}: {error}")))
}
