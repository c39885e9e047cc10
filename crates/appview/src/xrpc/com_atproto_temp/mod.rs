//! `com.atproto.temp.*`, one file a method.

pub(super) mod fetch_labels;
