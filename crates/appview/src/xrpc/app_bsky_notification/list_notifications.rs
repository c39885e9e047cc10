//! `app.bsky.notification.listNotifications`: what happened around the viewer, newest first.
//!
//! A viewer who never set a seen mark finds the newest notification unread and all others read,
//! rather than years of them unread.

use millrace_atproto::datetime::format_ms_us;
use serde::Serialize;
use serde_json::value::RawValue;

use super::told::Told;
use crate::error::XrpcError;
use crate::page::{Page, fill_page, raw_all};
use crate::request::params::Params;
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
struct Rest {
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
    ) -> Result<Page<Rest>, XrpcError> {
        let is_first = cursor.is_none();
        let told = Told::of(call, self.reasons.clone(), self.priority, limit, cursor).await?;
        let newest = told.found.notifications.first().filter(|_| is_first);
        let seen_at_us = told.found.seen_at_us.or(newest.map(|newest| newest.sort_at_us));
        let views = call.views(&told.hydrated);
        let shown = told.shown().filter_map(|item| views.notification(item, seen_at_us));
        let items = raw_all(shown)?;
        let rest = Rest { priority: told.found.priority, seen_at_us };
        Ok(Page { items, cursor: told.found.cursor, rest })
    }
}
