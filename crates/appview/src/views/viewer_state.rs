//! What the viewer is to an account, as a profile shows it. Follows are not shown where a block is.

use millrace_dataplane::model::{ActivitySubscription, ActorViewer};
use serde::Serialize;
use serde_json::value::RawValue;

use super::Views;
use super::declared::Subscriptions;
use super::list::ListViewBasic;
use crate::hydration::HydratedActor;

/// `app.bsky.actor.defs#viewerState`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ViewerState<'a> {
    muted: bool,
    muted_only_reposts: bool,
    muted_only_quoteposts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    muted_by_list: Option<Box<ListViewBasic<'a>>>,
    blocked_by: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocking: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocking_by_list: Option<Box<ListViewBasic<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    following: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    followed_by: Option<&'a str>,
    /// Said as long as the account lets the viewer be told of its posts.
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_subscription: Option<ActivitySubscription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_followers: Option<KnownFollowers<'a>>,
}

/// `app.bsky.actor.defs#knownFollowers`. The count is of all, also of those that are not shown.
#[derive(Debug, Serialize)]
pub(crate) struct KnownFollowers<'a> {
    count: i64,
    followers: Vec<&'a RawValue>,
}

impl<'a> Views<'a> {
    pub(super) fn viewer_state(&self, known: &'a HydratedActor) -> Option<ViewerState<'a>> {
        self.viewer?;
        let relation = known.actor.viewer.as_ref().unwrap_or(&NOTHING);
        let blocked_by = relation.blocked_by.is_some() || relation.blocked_by_list.is_some();
        let blocking = relation.blocking.as_deref().or(relation.blocking_by_list.as_deref());
        let no_block = !blocked_by && blocking.is_none();
        let list = |uri: &Option<String>| {
            uri.as_deref().and_then(|uri| self.list_basic(uri)).map(Box::new)
        };
        let muted = relation.muted || relation.muted_by_list.is_some();
        Some(ViewerState {
            muted,
            // Who is muted wholly is not said to be muted in part.
            muted_only_reposts: relation.muted_only_reposts && !muted,
            muted_only_quoteposts: relation.muted_only_quoteposts && !muted,
            muted_by_list: list(&relation.muted_by_list),
            blocked_by,
            blocking,
            blocking_by_list: list(&relation.blocking_by_list),
            following: relation.following.as_deref().filter(|_| no_block),
            followed_by: relation.followed_by.as_deref().filter(|_| no_block),
            activity_subscription: relation
                .activity_subscription
                .filter(|_| lets_be_told(known.declared.subscriptions, relation)),
            known_followers: None,
        })
    }

    /// The same with whom the viewer follows among the account's followers.
    pub(super) fn viewer_state_detailed(
        &self,
        known: &'a HydratedActor,
    ) -> Option<ViewerState<'a>> {
        let state = self.viewer_state(known)?;
        let relation = known.actor.viewer.as_ref();
        let followers = relation.and_then(|relation| relation.known_followers.as_ref());
        let known_followers = followers.map(|found| {
            let shown = found.followers.iter().filter(|did| self.hydrated.shown(did));
            let followers = shown.filter_map(|did| self.profile_basic(did)).collect();
            KnownFollowers { count: found.count, followers }
        });
        Some(ViewerState { known_followers, ..state })
    }
}

/// Whether who is that to an account may be told of its posts.
fn lets_be_told(declared: Subscriptions, relation: &ActorViewer) -> bool {
    let (follows, is_followed) = (relation.following.is_some(), relation.followed_by.is_some());
    match declared {
        Subscriptions::Followers => follows,
        Subscriptions::Mutuals => follows && is_followed,
        Subscriptions::None => false,
    }
}

/// The relation to an account that has nothing to do with the viewer.
static NOTHING: ActorViewer = ActorViewer {
    following: None,
    followed_by: None,
    blocking: None,
    blocked_by: None,
    blocking_by_list: None,
    blocked_by_list: None,
    muted: false,
    muted_only_reposts: false,
    muted_only_quoteposts: false,
    muted_by_list: None,
    known_followers: None,
    activity_subscription: None,
};
