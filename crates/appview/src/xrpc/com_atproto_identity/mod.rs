//! `com.atproto.identity.*`, one file a method.

pub(super) mod resolve_handle;
