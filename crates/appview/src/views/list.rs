//! Lists of accounts: in short (`listViewBasic`) and with who made them (`listView`), and who is
//! on them (`listItemView`).

use std::borrow::Cow;

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::model::{List, ListItem};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::label::Label;
use super::profile::ProfileView;
use super::record::Blob;
use crate::images::Preset;

/// `app.bsky.graph.defs#listViewBasic`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListViewBasic<'a> {
    uri: &'a str,
    cid: &'a Cid,
    name: Cow<'a, str>,
    purpose: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<String>,
    list_item_count: i64,
    indexed_at: String,
    labels: Vec<Label<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    viewer: Option<ListViewerState<'a>>,
}

/// `app.bsky.graph.defs#listView`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListView<'a> {
    #[serde(flatten)]
    basic: ListViewBasic<'a>,
    creator: ProfileView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description_facets: Option<&'a RawValue>,
}

/// `app.bsky.graph.defs#listViewerState`.
#[derive(Debug, Serialize)]
struct ListViewerState<'a> {
    muted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocked: Option<&'a str>,
}

/// `app.bsky.graph.defs#listItemView`.
#[derive(Debug, Serialize)]
pub(crate) struct ListItemView<'a> {
    uri: &'a str,
    subject: ProfileView<'a>,
}

/// `app.bsky.graph.list`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListRecord<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    purpose: Cow<'a, str>,
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    description_facets: Option<&'a RawValue>,
    avatar: Option<Blob>,
}

impl<'a> ListRecord<'a> {
    fn parse(list: &'a List) -> Option<Self> {
        serde_json::from_str(list.record.value.get()).ok()
    }
}

impl<'a> Views<'a> {
    /// A list whose creator may be shown.
    pub(crate) fn list(&self, uri: &str) -> Option<ListView<'a>> {
        let list = self.hydrated.list(uri)?;
        let record = ListRecord::parse(list)?;
        Some(ListView {
            creator: self.profile(&list.creator)?,
            basic: self.list_view_basic(list, &record),
            description: record.description,
            description_facets: record.description_facets,
        })
    }

    /// A list in short.
    pub(crate) fn list_basic(&self, uri: &str) -> Option<ListViewBasic<'a>> {
        let list = self.hydrated.list(uri)?;
        Some(self.list_view_basic(list, &ListRecord::parse(list)?))
    }

    /// Who stands on a list, if the account may be shown.
    pub(crate) fn list_item(&self, item: &'a ListItem) -> Option<ListItemView<'a>> {
        Some(ListItemView { uri: &item.uri, subject: self.profile(&item.subject)? })
    }

    fn list_view_basic(&self, list: &'a List, record: &ListRecord<'a>) -> ListViewBasic<'a> {
        let avatar = record.avatar.as_ref();
        ListViewBasic {
            uri: &list.uri,
            cid: &list.record.cid,
            name: record.name.clone(),
            purpose: record.purpose.clone(),
            avatar: avatar
                .and_then(|blob| self.image_of(Preset::Avatar, &list.creator, Some(blob))),
            list_item_count: list.items_count,
            indexed_at: format_ms_us(list.sort_at_us),
            labels: self.labels(&list.uri),
            viewer: list.viewer.as_ref().map(|relation| ListViewerState {
                muted: relation.muted,
                blocked: relation.blocked.as_deref(),
            }),
        }
    }
}
