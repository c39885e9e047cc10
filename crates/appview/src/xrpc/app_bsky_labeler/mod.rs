//! `app.bsky.labeler.*`, one file a method.

pub(super) mod get_services;
