//! Labeler services: in short (`labelerView`) and with what they label (`labelerViewDetailed`).

use millrace_atproto::Did;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::generator::ServiceViewerState;
use super::label::{self, Label};
use super::profile::ProfileView;
use super::record::PostRecord;

/// `app.bsky.labeler.defs#labelerView`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LabelerView<'a> {
    uri: &'a str,
    cid: &'a Cid,
    creator: ProfileView<'a>,
    like_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<ServiceViewerState<'a>>,
    indexed_at: String,
    labels: Vec<Label<'a>>,
}

/// `app.bsky.labeler.defs#labelerViewDetailed`.
#[derive(Debug, Serialize)]
pub(crate) struct LabelerViewDetailed<'a> {
    #[serde(flatten)]
    view: LabelerView<'a>,
    #[serde(flatten)]
    record: LabelerRecord<'a>,
}

/// `app.bsky.labeler.service`: what its detailed view repeats.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LabelerRecord<'a> {
    #[serde(borrow)]
    policies: &'a RawValue,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    reason_types: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    subject_types: Option<&'a RawValue>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    subject_collections: Option<&'a RawValue>,
}

impl<'a> Views<'a> {
    /// The labeler of an account that may be shown.
    pub(crate) fn labeler(&self, did: &Did) -> Option<LabelerView<'a>> {
        let known = self.hydrated.labeler(did)?;
        // Its own labels stand where a post has them.
        let own = PostRecord::parse(&known.record.value);
        let cid = &known.record.cid;
        let mut labels = self.labels(&known.uri);
        labels.extend(label::self_labels(
            &known.creator,
            &known.uri,
            cid,
            own.self_labels,
            own.created_at_us,
        ));
        Some(LabelerView {
            uri: &known.uri,
            cid,
            creator: self.profile(&known.creator)?,
            like_count: known.like_count,
            viewer: self.viewer.map(|_| ServiceViewerState { like: known.viewer_like.as_deref() }),
            indexed_at: format_ms_us(known.sort_at_us),
            labels,
        })
    }

    /// The same with its policies.
    pub(crate) fn labeler_detailed(&self, did: &Did) -> Option<LabelerViewDetailed<'a>> {
        let known = self.hydrated.labeler(did)?;
        let record = serde_json::from_str(known.record.value.get()).ok()?;
        Some(LabelerViewDetailed { view: self.labeler(did)?, record })
    }
}
