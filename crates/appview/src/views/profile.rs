//! Profiles in the three sizes of the lexicon: `profileViewBasic` ⊂ `profileView` ⊂
//! `profileViewDetailed`.

use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::HANDLE_INVALID;
use serde::Serialize;

use super::Views;
use super::label::{self, Label};
use super::record::{Blob, StrongRef};
use crate::hydration::HydratedActor;
use crate::urls::ImagePreset;

/// `app.bsky.actor.defs#profileViewBasic`: beside every post.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileViewBasic<'a> {
    did: &'a Did,
    handle: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pronouns: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    associated: Associated,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<ViewerState<'a>>,
    labels: Vec<Label<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
}

/// `app.bsky.actor.defs#profileView`: in lists of people.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileView<'a> {
    #[serde(flatten)]
    basic: ProfileViewBasic<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    indexed_at: Option<String>,
}

/// `app.bsky.actor.defs#profileViewDetailed`: a profile's own page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProfileViewDetailed<'a> {
    #[serde(flatten)]
    view: ProfileView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    website: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    banner: Option<String>,
    followers_count: i64,
    follows_count: i64,
    posts_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_post: Option<&'a StrongRef<'static>>,
}

/// `app.bsky.actor.defs#profileAssociated`. Counts stand in the detailed view only.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Associated {
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    counts: Option<AssociatedCounts>,
    activity_subscription: ActivitySubscription,
}

/// Nothing of these kinds is indexed yet, so there is none.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct AssociatedCounts {
    lists: i64,
    feedgens: i64,
    starter_packs: i64,
    labeler: bool,
}

/// Who may ask to be told of an account's posts; followers, unless it says otherwise.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ActivitySubscription {
    allow_subscriptions: &'static str,
}

/// `app.bsky.actor.defs#viewerState`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ViewerState<'a> {
    muted: bool,
    muted_only_reposts: bool,
    muted_only_quoteposts: bool,
    blocked_by: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    following: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    followed_by: Option<&'a str>,
}

impl<'a> Views<'a> {
    /// The smallest view, of an account that may be shown.
    pub(crate) fn profile_basic(&self, did: &Did) -> Option<ProfileViewBasic<'a>> {
        self.hydrated.actor(did).map(|known| self.basic(known, None))
    }

    /// The middle view.
    pub(crate) fn profile(&self, did: &Did) -> Option<ProfileView<'a>> {
        self.hydrated.actor(did).map(|known| self.view(known, None))
    }

    /// The largest view.
    pub(crate) fn profile_detailed(&self, did: &Did) -> Option<ProfileViewDetailed<'a>> {
        let known = self.hydrated.actor(did)?;
        let actor = &known.actor;
        Some(ProfileViewDetailed {
            view: self.view(known, Some(AssociatedCounts::default())),
            // Clients open it: no other scheme is passed on.
            website: known.profile.website.as_deref().filter(|url| url.starts_with("https://")),
            banner: self.image(known, ImagePreset::Banner, known.profile.banner.as_ref()),
            followers_count: actor.followers_count,
            follows_count: actor.follows_count,
            posts_count: actor.posts_count,
            pinned_post: known.profile.pinned_post.as_ref(),
        })
    }

    fn view(&self, known: &'a HydratedActor, counts: Option<AssociatedCounts>) -> ProfileView<'a> {
        let record = known.actor.profile.as_ref();
        let indexed_at = record.map(|record| {
            let created_at_us = known.profile.created_at_us.unwrap_or(i64::MAX);
            format_ms_us(created_at_us.min(record.indexed_at_us))
        });
        ProfileView {
            basic: self.basic(known, counts),
            description: known.profile.description.as_deref().filter(|text| !text.is_empty()),
            indexed_at,
        }
    }

    fn basic(
        &self,
        known: &'a HydratedActor,
        counts: Option<AssociatedCounts>,
    ) -> ProfileViewBasic<'a> {
        let HydratedActor { actor, profile } = known;
        ProfileViewBasic {
            did: &actor.did,
            handle: actor.handle.as_ref().map_or(HANDLE_INVALID, |handle| handle.as_str()),
            display_name: profile.display_name.as_deref(),
            pronouns: profile.pronouns.as_deref(),
            avatar: self.image(known, ImagePreset::Avatar, profile.avatar.as_ref()),
            associated: Associated {
                counts,
                activity_subscription: ActivitySubscription { allow_subscriptions: "followers" },
            },
            viewer: self.viewer_state(known),
            labels: profile_labels(known),
            created_at: profile.created_at_us.map(format_ms_us),
        }
    }

    fn viewer_state(&self, known: &'a HydratedActor) -> Option<ViewerState<'a>> {
        let viewer = self.viewer?;
        // Nobody is anything to themselves, whatever their records say.
        let relation = known.actor.viewer.as_ref().filter(|_| *viewer != known.actor.did);
        Some(ViewerState {
            muted: false,
            muted_only_reposts: false,
            muted_only_quoteposts: false,
            blocked_by: false,
            following: relation.and_then(|relation| relation.following.as_deref()),
            followed_by: relation.and_then(|relation| relation.followed_by.as_deref()),
        })
    }

    fn image(
        &self,
        known: &HydratedActor,
        preset: ImagePreset,
        blob: Option<&Blob>,
    ) -> Option<String> {
        blob.map(|blob| self.urls.image(preset, &known.actor.did, blob.cid()))
    }
}

fn profile_labels(known: &HydratedActor) -> Vec<Label<'_>> {
    let Some(record) =
        known.actor.profile.as_ref().filter(|_| !known.profile.self_labels.is_empty())
    else {
        return Vec::new();
    };
    let did = &known.actor.did;
    let uri = format!("at://{did}/app.bsky.actor.profile/self");
    let values = known.profile.self_labels.iter().cloned();
    label::self_labels(did, &uri, &record.cid, values, known.profile.created_at_us)
}
