//! A page of what the viewer is told: skeleton, hydration, rules. What accounts did that the viewer blocks or
//! mutes, or that block the viewer, is not told, nor are replies the viewer hid in their own threads.

use millrace_atproto::{AtUri, Did};
use millrace_dataplane::model::Notification;
use millrace_dataplane::query::notifications::{ListNotifications, NotificationPage};
use millrace_dataplane::reason::Reason;

use crate::error::XrpcError;
use crate::hydration::{Hydrated, author, known_uri};
use crate::views::notification::starter_pack_of_follow;
use crate::views::record::PostRecord;
use crate::xrpc::Call;
use crate::xrpc::call::Skeleton;

/// A page, and what its views need.
pub(crate) struct Told {
    pub(crate) found: NotificationPage,
    pub(crate) hydrated: Hydrated,
    viewer: Did,
}

impl Told {
    /// Of the reasons that are named, or of all.
    pub(crate) async fn of(
        call: &Call<'_>,
        reasons: Vec<String>,
        priority: Option<bool>,
        limit: u32,
        cursor: Option<String>,
    ) -> Result<Self, XrpcError> {
        let viewer = call.account()?.clone();
        let actor = viewer.clone();
        let question = ListNotifications { actor, reasons, priority, limit, cursor };
        let found = call.ask(question).await?;
        let hydrated = call.hydrate(named(&found.notifications, &viewer)?).await?;
        Ok(Self { found, hydrated, viewer })
    }

    /// What of it the viewer may be told.
    pub(crate) fn shown(&self) -> impl Iterator<Item = &Notification> {
        self.found.notifications.iter().filter(|notification| self.is_shown(notification))
    }

    pub(crate) fn is_shown(&self, notification: &Notification) -> bool {
        let (author, hydrated) = (&notification.author, &self.hydrated);
        !hydrated.blocked(author)
            && !hydrated.muted(author)
            && !is_hidden_reply(notification, hydrated)
            && !is_held_back(notification, &self.viewer, hydrated)
    }
}

/// What the views and the rules need: who did something, replies in threads of the viewer's own,
/// which they may have hidden, and the starter packs that follows came by.
fn named(notifications: &[Notification], viewer: &Did) -> Result<Skeleton, XrpcError> {
    let replies = notifications.iter().filter(|item| is_reply_to_thread_of(item, viewer));
    let packs = notifications.iter().filter_map(|item| starter_pack_of_follow(&item.record));
    Ok(Skeleton {
        actors: notifications.iter().map(|item| item.author.clone()).collect(),
        posts: replies.map(|item| known_uri(&item.uri)).collect::<Result<_, _>>()?,
        labelled: notifications.iter().filter_map(|item| AtUri::parse(&item.uri).ok()).collect(),
        starter_packs: packs.filter_map(|uri| AtUri::parse(&uri).ok()).collect(),
        ..Skeleton::default()
    })
}

fn is_reply_to_thread_of(notification: &Notification, viewer: &Did) -> bool {
    let reply = PostRecord::parse(&notification.record).reply;
    let root = reply.and_then(|reply| author(&reply.root.uri));
    notification.reason == Reason::Reply.name() && root.as_ref() == Some(viewer)
}

/// What comes from somebody who needs review, unless the viewer follows them.
fn is_held_back(notification: &Notification, viewer: &Did, hydrated: &Hydrated) -> bool {
    let told = [Reason::Reply, Reason::Quote, Reason::Mention, Reason::Like, Reason::Follow];
    told.iter().any(|reason| reason.name() == notification.reason)
        && hydrated.held_back(Some(viewer), &notification.author, &notification.uri)
}

/// Only replies in the viewer's own threads are hydrated: these the viewer hid themselves.
fn is_hidden_reply(notification: &Notification, hydrated: &Hydrated) -> bool {
    notification.reason == Reason::Reply.name()
        && hydrated.post(&notification.uri).is_some_and(|known| known.post.hidden_by_root)
}
