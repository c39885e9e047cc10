//! An account's status: that it is live somewhere, and until when.

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::label::Label;
use super::media::MediaView;
use crate::hydration::HydratedActor;

/// Bounds of how long a status that has an end lasts, in minutes.
const DURATION_MIN: u64 = 5;
const DURATION_MAX: u64 = 4 * 60;

/// `app.bsky.actor.defs#statusView`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusView<'a> {
    uri: String,
    cid: &'a Cid,
    record: &'a RawValue,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    embed: Option<MediaView<'a>>,
    labels: Vec<Label<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_active: Option<bool>,
    /// Said to the account itself: its status is taken down here.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_disabled: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StatusEmbed<'a> {
    #[serde(borrow)]
    embed: Option<&'a RawValue>,
}

impl<'a> Views<'a> {
    pub(super) fn status(&self, known: &'a HydratedActor) -> Option<StatusView<'a>> {
        let did = &known.actor.did;
        let uri = format!("at://{did}/app.bsky.actor.status/self");
        let record = known.actor.status_record.as_ref()?;
        let status = known.declared.status.as_ref()?;
        let expires_at_us = status.duration_minutes.map(|minutes| {
            let minutes = minutes.clamp(DURATION_MIN, DURATION_MAX);
            status.sort_at_us.saturating_add(minutes.cast_signed() * 60_000_000)
        });
        let json: StatusEmbed<'a> = serde_json::from_str(record.value.get()).unwrap_or_default();
        Some(StatusView {
            labels: self.labels(&uri),
            uri,
            cid: &record.cid,
            record: &record.value,
            status: &status.status,
            embed: json.embed.and_then(|embed| self.link(did, embed)),
            expires_at: expires_at_us.map(format_ms_us),
            is_active: expires_at_us.map(|at| at > self.now_us),
            is_disabled: (self.viewer == Some(did)).then(|| self.hydrated.is_status_disabled(did)),
        })
    }
}
