//! `app.bsky.notification.listNotifications`: what happened around the viewer, newest first.
//!
//! A viewer who never set a seen mark finds the newest notification unread and all others read,
//! rather than years of them unread.

use millrace_atproto::Did;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::query::notifications;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
use crate::xrpc::call::Skeleton;
use crate::xrpc::{Call, Json, Query};

/// Reasons one request may name; there are about a dozen.
const REASONS_MAX: usize = 64;

pub(crate) struct ListNotifications {
    reasons: Vec<String>,
    priority: bool,
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

impl Query for ListNotifications {
    const NSID: &'static str = "app.bsky.notification.listNotifications";

    fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        params.refuse_seen_at()?;
        Ok(Self {
            reasons: params.list("reasons", REASONS_MAX)?,
            priority: params.flag("priority")?.unwrap_or(false),
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
            priority: self.priority,
            seen_at: page.rest.map(format_ms_us),
        })
    }
}

impl ListNotifications {
    /// A page with the seen mark that applies to it.
    async fn page(
        &self,
        call: &Call<'_>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page<Option<i64>>, XrpcError> {
        // skeleton
        let actor = call.account()?.clone();
        let is_first = cursor.is_none();
        let question = notifications::ListNotifications {
            actor,
            reasons: self.reasons.clone(),
            limit,
            cursor,
        };
        let mut found = call.ask(question).await?;
        let newest_at_us =
            found.notifications.first().filter(|_| is_first).map(|newest| newest.sort_at_us);
        let seen_at_us = found.seen_at_us.or(newest_at_us);
        // hydration
        let actors: Vec<Did> =
            found.notifications.iter().map(|notification| notification.author.clone()).collect();
        let hydrated = call.hydrate(Skeleton { actors, ..Skeleton::default() }).await?;
        // rules
        if self.priority {
            let followed = |did: &Did| {
                let relation = hydrated.actor(did).and_then(|known| known.actor.viewer.as_ref());
                relation.is_some_and(|relation| relation.following.is_some())
            };
            found.notifications.retain(|notification| followed(&notification.author));
        }
        // presentation
        let views = call.views(&hydrated);
        let shown =
            found.notifications.iter().filter_map(|item| views.notification(item, seen_at_us));
        Ok(Page { items: raw_all(shown)?, cursor: found.cursor, rest: seen_at_us })
    }
}
