//! A thread's gate: who may reply, with the lists it names.

use std::borrow::Cow;

use millrace_atproto::cid::Cid;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Views;
use super::list::ListViewBasic;

const LIST_RULE: &str = "app.bsky.feed.threadgate#listRule";

/// `app.bsky.feed.defs#threadgateView`.
#[derive(Debug, Serialize)]
pub(crate) struct ThreadgateView<'a> {
    uri: &'a str,
    cid: &'a Cid,
    record: &'a RawValue,
    lists: Vec<ListViewBasic<'a>>,
}

/// `app.bsky.feed.threadgate`: its rules.
#[derive(Default, Deserialize)]
#[serde(default)]
struct GateRecord<'a> {
    #[serde(borrow)]
    allow: Vec<Rule<'a>>,
}

#[derive(Deserialize)]
struct Rule<'a> {
    #[serde(rename = "$type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    list: Option<Cow<'a, str>>,
}

impl<'a> Views<'a> {
    /// The gate of the thread that begins with the post `root`, if there is one.
    pub(crate) fn threadgate(&self, root: &str) -> Option<ThreadgateView<'a>> {
        let gate = self.hydrated.threadgate(root)?;
        let record: GateRecord<'a> =
            serde_json::from_str(gate.record.value.get()).unwrap_or_default();
        let lists = record.allow.iter().filter(|rule| rule.kind == LIST_RULE);
        let lists = lists.filter_map(|rule| self.list_basic(rule.list.as_deref()?));
        Some(ThreadgateView {
            uri: &gate.uri,
            cid: &gate.record.cid,
            record: &gate.record.value,
            lists: lists.collect(),
        })
    }
}
