//! `app.bsky.embed.*`, one file a method.

pub(super) mod get_embed_external_view;
