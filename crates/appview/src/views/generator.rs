//! Feed generators: who offers which feed.

use std::borrow::Cow;

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::label::Label;
use super::profile::ProfileView;
use super::record::Blob;
use crate::images::Preset;

/// `app.bsky.feed.defs#generatorView`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GeneratorView<'a> {
    uri: &'a str,
    cid: &'a Cid,
    did: Cow<'a, str>,
    creator: ProfileView<'a>,
    display_name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description_facets: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    like_count: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepts_interactions: Option<bool>,
    labels: Vec<Label<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<ServiceViewerState<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_mode: Option<Cow<'a, str>>,
    indexed_at: String,
}

/// `app.bsky.feed.defs#generatorViewerState` and `app.bsky.labeler.defs#labelerViewerState`.
#[derive(Debug, Serialize)]
pub(crate) struct ServiceViewerState<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) like: Option<&'a str>,
}

/// `app.bsky.feed.generator`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GeneratorRecord<'a> {
    #[serde(borrow)]
    did: Cow<'a, str>,
    #[serde(borrow)]
    display_name: Cow<'a, str>,
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    description_facets: Option<&'a RawValue>,
    avatar: Option<Blob>,
    accepts_interactions: Option<bool>,
    #[serde(borrow)]
    content_mode: Option<Cow<'a, str>>,
}

impl<'a> Views<'a> {
    /// A feed generator whose creator may be shown.
    pub(crate) fn generator(&self, uri: &str) -> Option<GeneratorView<'a>> {
        let known = self.hydrated.generator(uri)?;
        let record: GeneratorRecord<'a> = serde_json::from_str(known.record.value.get()).ok()?;
        let avatar = record.avatar.as_ref();
        Some(GeneratorView {
            uri: &known.uri,
            cid: &known.record.cid,
            did: record.did,
            creator: self.profile(&known.creator)?,
            display_name: record.display_name,
            description: record.description,
            description_facets: record.description_facets,
            avatar: avatar
                .and_then(|blob| self.image_of(Preset::Avatar, &known.creator, Some(blob))),
            like_count: known.like_count,
            accepts_interactions: record.accepts_interactions,
            labels: self.labels(&known.uri),
            viewer: self.viewer.map(|_| ServiceViewerState { like: known.viewer_like.as_deref() }),
            content_mode: record.content_mode,
            indexed_at: format_ms_us(known.sort_at_us),
        })
    }
}
