//! Profiles in the three sizes of the lexicon: `profileViewBasic` ⊂ `profileView` ⊂
//! `profileViewDetailed`.

use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::syntax::HANDLE_INVALID;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Views;
use super::declared::{Chat, Germ, Subscriptions};
use super::label::{self, Label};
use super::record::StrongRef;
use super::starter_pack::StarterPackViewBasic;
use super::status::StatusView;
use super::verification::VerificationState;
use super::viewer_state::ViewerState;
use crate::hydration::HydratedActor;
use crate::images::Preset;

/// The label by which an account asks not to be shown to who has not signed in.
const NO_UNAUTHENTICATED: &str = "!no-unauthenticated";

/// `app.bsky.actor.defs#profileViewBasic`: beside every post.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProfileViewBasic<'a> {
    did: &'a Did,
    handle: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pronouns: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    associated: Associated<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<ViewerState<'a>>,
    labels: Vec<Label<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<VerificationState<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusView<'a>>,
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
    joined_via_starter_pack: Option<StarterPackViewBasic<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_post: Option<&'a StrongRef<'static>>,
}

/// `app.bsky.actor.defs#profileAssociated`. Counts stand in the detailed view only.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Associated<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    lists: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feedgens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starter_packs: Option<i64>,
    /// Short views say it of labelers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    labeler: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<&'a Chat>,
    activity_subscription: ActivitySubscription,
    #[serde(skip_serializing_if = "Option::is_none")]
    germ: Option<&'a Germ>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ActivitySubscription {
    allow_subscriptions: Subscriptions,
}

impl<'a> Views<'a> {
    /// The smallest view, of an account that may be shown.
    pub(crate) fn profile_basic(&self, did: &Did) -> Option<&'a RawValue> {
        let known = self.hydrated.actor(did)?;
        known.basic.json(|| Some(self.basic(known)))
    }

    /// The middle view.
    pub(crate) fn profile(&self, did: &Did) -> Option<ProfileView<'a>> {
        self.hydrated.actor(did).map(|known| self.view(known, self.basic(known)))
    }

    /// The middle view with whom the viewer follows among the account's followers, who must be asked for in
    /// detail.
    pub(crate) fn profile_known_followers(&self, did: &Did) -> Option<ProfileView<'a>> {
        let known = self.hydrated.actor(did)?;
        let viewer = self.viewer_state_detailed(known);
        Some(self.view(known, ProfileViewBasic { viewer, ..self.basic(known) }))
    }

    /// The largest view.
    pub(crate) fn profile_detailed(&self, did: &Did) -> Option<ProfileViewDetailed<'a>> {
        let known = self.hydrated.actor(did)?;
        let actor = &known.actor;
        let basic = ProfileViewBasic {
            associated: detailed_associated(known),
            viewer: self.viewer_state_detailed(known),
            ..self.basic(known)
        };
        Some(ProfileViewDetailed {
            view: self.view(known, basic),
            // Clients open it: no other scheme is passed on.
            website: known.profile.website.as_deref().filter(|url| url.starts_with("https://")),
            banner: self.image_of(Preset::Banner, &actor.did, known.profile.banner.as_ref()),
            followers_count: actor.followers_count,
            follows_count: actor.follows_count,
            posts_count: actor.posts_count,
            joined_via_starter_pack: actor
                .joined_via
                .as_deref()
                .and_then(|uri| self.starter_pack_basic(uri)),
            pinned_post: known.profile.pinned_post.as_ref(),
        })
    }

    /// The account, or a labeler, asks not to have it shown to who has not signed in, and nobody has.
    pub(crate) fn hidden_from_anonymous(&self, did: &Did) -> bool {
        let asks = |known: &'a HydratedActor| {
            self.profile_labels(known).iter().any(|label| label.val() == NO_UNAUTHENTICATED)
        };
        self.viewer.is_none() && self.hydrated.actor(did).is_some_and(asks)
    }

    fn view(&self, known: &'a HydratedActor, basic: ProfileViewBasic<'a>) -> ProfileView<'a> {
        let record = known.actor.profile.as_ref();
        let indexed_at = record.map(|record| {
            let created_at_us = known.profile.created_at_us.unwrap_or(i64::MAX);
            format_ms_us(created_at_us.min(record.indexed_at_us))
        });
        ProfileView {
            basic,
            description: known.profile.description.as_deref().filter(|text| !text.is_empty()),
            indexed_at,
        }
    }

    fn basic(&self, known: &'a HydratedActor) -> ProfileViewBasic<'a> {
        let HydratedActor { actor, profile, .. } = known;
        ProfileViewBasic {
            did: &actor.did,
            handle: actor.handle.as_ref().map_or(HANDLE_INVALID, |handle| handle.as_str()),
            display_name: profile.display_name.as_deref(),
            pronouns: profile.pronouns.as_deref(),
            avatar: self.image_of(Preset::Avatar, &actor.did, profile.avatar.as_ref()),
            associated: associated(known),
            viewer: self.viewer_state(known),
            labels: self.profile_labels(known),
            created_at: profile.created_at_us.map(format_ms_us),
            verification: self.verification(known),
            status: self.status(known),
        }
    }

    /// Labels of the account, of its profile, and those in the profile.
    fn profile_labels(&self, known: &'a HydratedActor) -> Vec<Label<'a>> {
        let did = &known.actor.did;
        let uri = format!("at://{did}/app.bsky.actor.profile/self");
        let mut labels = self.labels(did.as_str());
        labels.extend(self.labels(&uri));
        if let Some(record) = &known.actor.profile {
            let values = known.profile.self_labels.iter().cloned();
            let created_at_us = known.profile.created_at_us;
            labels.extend(label::self_labels(did, &uri, &record.cid, values, created_at_us));
        }
        labels
    }
}

fn associated(known: &HydratedActor) -> Associated<'_> {
    let declared = &known.declared;
    Associated {
        lists: None,
        feedgens: None,
        starter_packs: None,
        labeler: known.actor.is_labeler.then_some(true),
        chat: declared.chat.as_ref(),
        activity_subscription: ActivitySubscription { allow_subscriptions: declared.subscriptions },
        germ: declared.germ.as_ref(),
    }
}

fn detailed_associated(known: &HydratedActor) -> Associated<'_> {
    Associated {
        lists: Some(known.actor.lists_count),
        feedgens: Some(known.actor.generators_count),
        starter_packs: Some(known.actor.starter_packs_count),
        labeler: Some(known.actor.is_labeler),
        ..associated(known)
    }
}
