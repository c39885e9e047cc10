//! `app.bsky.notification.listNotifications`: what happened around the viewer, newest first.
//!
//! A viewer who never set a seen mark finds the newest notification unread and all others read,
//! rather than years of them unread. What accounts did that the viewer blocks or mutes, or that
//! block the viewer, is not told, nor are replies the viewer hid in their own threads.

use millrace_atproto::datetime::format_ms_us;
use millrace_atproto::{AtUri, Did};
use millrace_dataplane::model::Notification;
use millrace_dataplane::query::notifications;
use millrace_dataplane::reason::Reason;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::hydration::{Hydrated, author, known_uri};
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::views::notification::starter_pack_of_follow;
use crate::views::record::PostRecord;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

/// Reasons one request may name; there are about a dozen.
const REASONS_MAX: usize = 64;

pub(crate) struct ListNotifications {
    reasons: Vec<String>,
    /// Unset: as the viewer prefers.
    priority: Option<bool>,
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    notifications: Vec<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    priority: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_at: Option<String>,
}

/// What a page is told by.
struct Told {
    priority: bool,
    /// The seen mark that applies to it.
    seen_at_us: Option<i64>,
}

impl Query for ListNotifications {
    const NSID: &'static str = "app.bsky.notification.listNotifications";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        params.refuse_seen_at()?;
        Ok(Self {
            reasons: params.list("reasons", REASONS_MAX)?,
            priority: params.flag("priority")?,
            limit: params.limit()?,
            cursor: params.cursor()?,
        })
    }

    async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let page = fill_page(self.cursor.clone(), self.limit, |cursor, limit| {
            self.page(call, cursor, limit)
        })
        .await?;
        Json::of(&Answer {
            notifications: page.items,
            cursor: page.cursor,
            priority: page.rest.priority,
            seen_at: page.rest.seen_at_us.map(format_ms_us),
        })
    }
}

impl ListNotifications {
    async fn page(
        &self,
        call: &Call<'_>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page<Told>, XrpcError> {
        // skeleton
        let viewer = call.account()?;
        let is_first = cursor.is_none();
        let question = notifications::ListNotifications {
            actor: viewer.clone(),
            reasons: self.reasons.clone(),
            priority: self.priority,
            limit,
            cursor,
        };
        let found = call.ask(question).await?;
        let newest_at_us =
            found.notifications.first().filter(|_| is_first).map(|newest| newest.sort_at_us);
        let seen_at_us = found.seen_at_us.or(newest_at_us);
        // hydration
        let hydrated = call.hydrate(named(&found.notifications, viewer)?).await?;
        // rules
        let shown = found.notifications.iter().filter(|notification| {
            let author = &notification.author;
            !hydrated.blocked(author)
                && !hydrated.muted(author)
                && !is_hidden_reply(notification, &hydrated)
                && !is_held_back(notification, viewer, &hydrated)
        });
        // presentation
        let views = call.views(&hydrated);
        let shown = shown.filter_map(|item| views.notification(item, seen_at_us));
        let rest = Told { priority: found.priority, seen_at_us };
        Ok(Page { items: raw_all(shown)?, cursor: found.cursor, rest })
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
