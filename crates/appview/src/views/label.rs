//! Labels of a view. So far those an author put on their own record; a labeler's come with the
//! labelers' streams.

use millrace_atproto::Did;
use millrace_atproto::cid::Cid;
use millrace_atproto::datetime::format_ms_us;
use serde::Serialize;

/// `com.atproto.label.defs#label`.
#[derive(Debug, Serialize)]
pub(crate) struct Label<'a> {
    src: &'a Did,
    uri: String,
    cid: &'a Cid,
    val: String,
    cts: String,
}

/// The labels in a record of `src`; a record without a time of its own is as old as the epoch.
pub(crate) fn self_labels<'a>(
    src: &'a Did,
    uri: &str,
    cid: &'a Cid,
    values: impl IntoIterator<Item = String>,
    created_at_us: Option<i64>,
) -> Vec<Label<'a>> {
    let label = |val| Label {
        src,
        uri: uri.to_owned(),
        cid,
        val,
        cts: format_ms_us(created_at_us.unwrap_or_default()),
    };
    values.into_iter().map(label).collect()
}
