//! `com.atproto.repo.*`, one file a method.

pub(super) mod get_record;
