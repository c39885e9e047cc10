//! `GET /api/v1/notifications`: what happened around the caller, in groups; `GET /api/v1/notifications/unread`: how
//! much of it was not seen.
//!
//! A page is of groups, and its cursor stands behind the last notification in them. A group whose next ones may lie
//! behind the page says so (`isCut`): they come as a group of their own. Of very many notifications not all are read
//! for one page; then it is shorter, and its last groups are cut.

use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::query::notifications::{GetUnreadCount, LIMIT_MAX};
use millrace_dataplane::reason::Reason;
use serde::Serialize;
use serde_json::value::RawValue;

use super::groups::{Group, Groups, One};
use crate::error::XrpcError;
use crate::page::raw;
use crate::request::params::Params;
use crate::views::notification::is_read;
use crate::xrpc::told::Told;
use crate::xrpc::{Call, Json};

pub(super) const PATH: &str = "/api/v1/notifications";
pub(super) const UNREAD_PATH: &str = "/api/v1/notifications/unread";
/// Times the data-plane is asked for one page.
const READS_MAX: usize = 5;

/// What is asked for.
pub(super) struct Asked {
    limit: u32,
    cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    notifications: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_at: Option<String>,
}

/// A group.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: Option<String>,
    people: Vec<Box<RawValue>>,
    count: usize,
    is_read: bool,
    is_cut: bool,
    created_at: String,
}

#[derive(Serialize)]
struct Unread {
    count: i64,
}

/// How far a page has come.
struct Reading {
    groups: Groups<Box<RawValue>>,
    /// Where the next page begins.
    cursor: Option<String>,
    /// When what was read last happened.
    last_us: i64,
}

impl Asked {
    pub(super) fn parse(params: &Params<'_>) -> Result<Self, XrpcError> {
        Ok(Self { limit: params.limit()?, cursor: params.cursor()? })
    }

    pub(super) async fn answer(self, call: &Call<'_>) -> Result<Json, XrpcError> {
        let groups = Groups::new(self.limit as usize);
        let mut reading = Reading { groups, cursor: self.cursor, last_us: i64::MAX };
        let mut seen_at_us = None;
        for _ in 0..READS_MAX {
            let cursor = reading.cursor.clone();
            let told = Told::of(call, Vec::new(), None, LIMIT_MAX, cursor).await?;
            seen_at_us = told.found.seen_at_us;
            let is_full = !reading.take(call, &told)?;
            if is_full {
                break;
            }
            reading.cursor = told.found.cursor;
            if reading.cursor.is_none() {
                break;
            }
        }
        let Reading { groups, cursor, last_us } = reading;
        let goes_on_after = cursor.is_some().then_some(last_us);
        let groups = groups.groups.into_iter();
        Json::of(&Answer {
            notifications: groups.map(|group| Shown::of(group, goes_on_after)).collect(),
            cursor,
            seen_at: seen_at_us.map(format_ms_us),
        })
    }
}

impl Reading {
    /// Takes what was read into the groups; `false` once there is one that has no place.
    fn take(&mut self, call: &Call<'_>, told: &Told) -> Result<bool, XrpcError> {
        let views = call.views(&told.hydrated);
        // Who has never looked has read nothing: so it is counted, too.
        let seen_at_us = told.found.seen_at_us.unwrap_or(i64::MIN);
        for item in &told.found.notifications {
            let who = views.who_did(item).filter(|_| told.is_shown(item));
            if let Some((who, reason)) = who.zip(Reason::from_name(&item.reason)) {
                let one = One {
                    reason,
                    uri: &item.uri,
                    reason_subject: item.reason_subject.as_deref(),
                    author: &item.author,
                    is_read: is_read(seen_at_us, item.sort_at_us),
                    at_us: item.sort_at_us,
                };
                if !self.groups.add(one, || raw(&who))? {
                    return Ok(false);
                }
            }
            self.cursor = Some(item.cursor.clone());
            self.last_us = item.sort_at_us;
        }
        Ok(true)
    }
}

impl Shown {
    fn of(group: Group<Box<RawValue>>, goes_on_after_us: Option<i64>) -> Self {
        Self {
            kind: group.reason.word(),
            count: group.count(),
            is_read: group.is_read,
            is_cut: goes_on_after_us.is_some_and(|last_us| group.may_go_on(last_us)),
            created_at: format_ms_us(group.newest_us),
            id: group.id,
            subject: group.subject,
            people: group.people,
        }
    }
}

pub(super) async fn unread(call: &Call<'_>) -> Result<Json, XrpcError> {
    let actor = call.account()?.clone();
    let count = call.ask(GetUnreadCount { actor, priority: None }).await?.count;
    Json::of(&Unread { count })
}
