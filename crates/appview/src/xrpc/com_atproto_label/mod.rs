//! `com.atproto.label.*`, one file a method.

pub(super) mod query_labels;
pub(super) mod subscribe_labels;
