//! Labels of a view: what labelers say of it, then what its author says themselves.

use millrace_atproto::Did;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use millrace_dataplane::model;
use serde::Serialize;

use super::Views;

/// `com.atproto.label.defs#label`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Label<'a> {
    Said(&'a model::Label),
    Own(SelfLabel<'a>),
}

/// A label that an author put on their own record.
#[derive(Debug, Serialize)]
pub(crate) struct SelfLabel<'a> {
    src: &'a Did,
    uri: String,
    cid: &'a Cid,
    val: String,
    cts: String,
}

impl Label<'_> {
    pub(super) fn val(&self) -> &str {
        match self {
            Self::Said(label) => &label.val,
            Self::Own(label) => &label.val,
        }
    }
}

impl<'a> Views<'a> {
    /// What labelers say of an account or a record.
    pub(super) fn labels(&self, subject: &str) -> Vec<Label<'a>> {
        self.hydrated.labels().of(subject).iter().map(Label::Said).collect()
    }
}

/// The labels in a record of `src`; a record without a time of its own is as old as the epoch.
pub(crate) fn self_labels<'a>(
    src: &'a Did,
    uri: &str,
    cid: &'a Cid,
    values: impl IntoIterator<Item = String>,
    created_at_us: Option<i64>,
) -> impl Iterator<Item = Label<'a>> {
    values.into_iter().map(move |val| {
        Label::Own(SelfLabel {
            src,
            uri: uri.to_owned(),
            cid,
            val,
            cts: format_ms_us(created_at_us.unwrap_or_default()),
        })
    })
}
