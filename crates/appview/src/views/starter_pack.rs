//! Starter packs: in short (`starterPackViewBasic`), and with feeds, list and some of those on it
//! (`starterPackView`).

use std::borrow::Cow;

use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::model::ListItem;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::generator::GeneratorView;
use super::label::Label;
use super::list::{ListItemView, ListViewBasic};

/// `app.bsky.graph.defs#starterPackViewBasic`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StarterPackViewBasic<'a> {
    uri: &'a str,
    cid: &'a Cid,
    record: &'a RawValue,
    creator: &'a RawValue,
    joined_all_time_count: i64,
    joined_week_count: i64,
    labels: Vec<Label<'a>>,
    indexed_at: String,
}

/// `app.bsky.graph.defs#starterPackView`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StarterPackView<'a> {
    #[serde(flatten)]
    basic: StarterPackViewBasic<'a>,
    feeds: Vec<GeneratorView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<ListViewBasic<'a>>,
    list_items_sample: Vec<ListItemView<'a>>,
}

/// `app.bsky.graph.starterpack`: what it refers to.
#[derive(Deserialize)]
struct StarterPackRecord<'a> {
    #[serde(borrow)]
    list: Cow<'a, str>,
    #[serde(borrow, default)]
    feeds: Vec<FeedItem<'a>>,
}

#[derive(Deserialize)]
struct FeedItem<'a> {
    #[serde(borrow)]
    uri: Cow<'a, str>,
}

impl<'a> Views<'a> {
    /// A starter pack in short, whose creator may be shown.
    pub(crate) fn starter_pack_basic(&self, uri: &str) -> Option<StarterPackViewBasic<'a>> {
        let pack = self.hydrated.starter_pack(uri)?;
        Some(StarterPackViewBasic {
            uri: &pack.uri,
            cid: &pack.record.cid,
            record: &pack.record.value,
            creator: self.profile_basic(&pack.creator)?,
            joined_all_time_count: pack.joined_all_time_count,
            joined_week_count: pack.joined_week_count,
            labels: self.labels(&pack.uri),
            indexed_at: format_ms_us(pack.sort_at_us),
        })
    }

    /// The whole view; `sample` is of its list.
    pub(crate) fn starter_pack(
        &self,
        uri: &str,
        sample: &'a [ListItem],
    ) -> Option<StarterPackView<'a>> {
        let pack = self.hydrated.starter_pack(uri)?;
        let record: StarterPackRecord<'a> = serde_json::from_str(pack.record.value.get()).ok()?;
        Some(StarterPackView {
            basic: self.starter_pack_basic(uri)?,
            feeds: record.feeds.iter().filter_map(|feed| self.generator(&feed.uri)).collect(),
            list: self.list_basic(&record.list),
            list_items_sample: sample.iter().filter_map(|item| self.list_item(item)).collect(),
        })
    }
}
