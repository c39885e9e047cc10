//! Notifications: what happened, who did it, and whether the viewer has seen it.

use std::borrow::Cow;

use millrace_atproto::AtUri;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::model::Notification;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::label::{self, Label};
use super::profile::ProfileView;
use super::record::{PostRecord, StrongRef};
use super::starter_pack::StarterPackViewBasic;

const FOLLOW: &str = "app.bsky.graph.follow";
const STARTER_PACK: &str = "app.bsky.graph.starterpack";

/// `app.bsky.notification.listNotifications#notification`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotificationView<'a> {
    uri: &'a str,
    cid: &'a Cid,
    author: ProfileView<'a>,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_subject: Option<&'a str>,
    record: &'a RawValue,
    /// The starter pack a follow came by.
    #[serde(skip_serializing_if = "Option::is_none")]
    starter_pack: Option<StarterPackViewBasic<'a>>,
    is_read: bool,
    indexed_at: String,
    labels: Vec<Label<'a>>,
}

/// `app.bsky.graph.follow`: what it came by.
#[derive(Deserialize)]
struct FollowRecord<'a> {
    #[serde(rename = "$type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    via: Option<StrongRef<'a>>,
}

/// URI of the starter pack that a follow came by.
pub(crate) fn starter_pack_of_follow(record: &RawValue) -> Option<String> {
    let follow: FollowRecord<'_> = serde_json::from_str(record.get()).ok()?;
    let via = follow.via.filter(|_| follow.kind == FOLLOW)?;
    let uri = AtUri::parse(&via.uri).ok()?;
    let (_, collection, _) = uri.as_record()?;
    (collection.as_str() == STARTER_PACK).then(|| uri.to_string())
}

/// Milliseconds: finer parts of a time are not shown, so they must not decide either.
fn ms(us: i64) -> i64 {
    us.div_euclid(1_000)
}

/// Whether what happened then was seen by then.
pub(crate) fn is_read(seen_at_us: i64, sort_at_us: i64) -> bool {
    ms(seen_at_us) > ms(sort_at_us)
}

impl<'a> Views<'a> {
    /// Who did what is told of, if it may be shown.
    pub(crate) fn who_did(&self, notification: &'a Notification) -> Option<ProfileView<'a>> {
        let is_shown = !self.hydrated.is_hidden_here(&notification.uri);
        is_shown.then(|| self.profile(&notification.author)).flatten()
    }

    /// A notification whose author and record may be shown. Without a seen mark everything counts as read.
    pub(crate) fn notification(
        &self,
        notification: &'a Notification,
        seen_at_us: Option<i64>,
    ) -> Option<NotificationView<'a>> {
        let Notification { author, uri, cid, .. } = notification;
        let who = self.who_did(notification)?;
        let record = PostRecord::parse(&notification.record);
        let mut labels = self.labels(uri);
        // Only posts among the records that notify can carry labels of their own.
        labels.extend(label::self_labels(
            author,
            uri,
            cid,
            record.self_labels,
            record.created_at_us,
        ));
        Some(NotificationView {
            uri,
            cid,
            author: who,
            reason: &notification.reason,
            reason_subject: notification.reason_subject.as_deref(),
            record: &notification.record,
            starter_pack: starter_pack_of_follow(&notification.record)
                .and_then(|uri| self.starter_pack_basic(&uri)),
            is_read: seen_at_us.is_none_or(|seen| is_read(seen, notification.sort_at_us)),
            indexed_at: format_ms_us(notification.sort_at_us),
            labels,
        })
    }
}
