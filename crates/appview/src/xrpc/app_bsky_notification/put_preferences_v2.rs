//! `app.bsky.notification.putPreferencesV2`: what the viewer wants to be told of, for the reasons that
//! are named; the others stay as they are.

use millrace_dataplane::query::preferences::{Preference, PutNotificationPreferences};
use millrace_dataplane::reason::Reason;
use serde::Deserialize;

use super::preferences::{Answer, Filterable, Plain};
use crate::error::XrpcError;
use crate::xrpc::{Call, Json, Procedure};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutPreferencesV2 {
    chat: Option<Chat>,
    follow: Option<Filterable>,
    like: Option<Filterable>,
    like_via_repost: Option<Filterable>,
    mention: Option<Filterable>,
    quote: Option<Filterable>,
    reply: Option<Filterable>,
    repost: Option<Filterable>,
    repost_via_repost: Option<Filterable>,
    starterpack_joined: Option<Plain>,
    subscribed_post: Option<Plain>,
    unverified: Option<Plain>,
    verified: Option<Plain>,
}

/// `app.bsky.notification.defs#chatPreference`: read, for it must be well formed, and not kept.
#[derive(Deserialize)]
struct Chat {
    #[serde(rename = "include")]
    _include: String,
    #[serde(rename = "push")]
    _push: bool,
}

impl Procedure for PutPreferencesV2 {
    const NSID: &'static str = "app.bsky.notification.putPreferencesV2";
    type Answer = Json;

    async fn run(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let actor = call.account()?.clone();
        let command = PutNotificationPreferences { actor, preferences: self.named() };
        Json::of(&Answer::of(&call.api().dataplane.command(command).await?))
    }
}

impl PutPreferencesV2 {
    fn named(self) -> Vec<Preference> {
        drop(self.chat);
        let filterable = [
            (Reason::Follow, self.follow),
            (Reason::Like, self.like),
            (Reason::LikeViaRepost, self.like_via_repost),
            (Reason::Mention, self.mention),
            (Reason::Quote, self.quote),
            (Reason::Reply, self.reply),
            (Reason::Repost, self.repost),
            (Reason::RepostViaRepost, self.repost_via_repost),
        ];
        let plain = [
            (Reason::StarterpackJoined, self.starterpack_joined),
            (Reason::SubscribedPost, self.subscribed_post),
            (Reason::Unverified, self.unverified),
            (Reason::Verified, self.verified),
        ];
        let filterable = filterable.into_iter().filter_map(|(reason, said)| Some(said?.of(reason)));
        let plain = plain.into_iter().filter_map(|(reason, said)| Some(said?.of(reason)));
        filterable.chain(plain).collect()
    }
}
