//! The AppView over real HTTP, on a data-plane in its process and on one in another.
#![expect(clippy::unwrap_used, reason = "tests")]

mod admin;
mod answers;
mod app_bsky_actor;
mod app_bsky_ageassurance;
mod app_bsky_bookmark;
mod app_bsky_contact;
mod app_bsky_draft;
mod app_bsky_embed;
mod app_bsky_feed;
mod app_bsky_graph;
mod app_bsky_labeler;
mod app_bsky_notification;
mod app_bsky_unspecced;
mod auth;
mod chosen;
mod com_atproto;
mod com_atproto_admin;
mod com_atproto_label;
mod directory;
mod feed_server;
mod images;
mod ingest_side;
mod issued;
mod label_stream;
mod labels;
mod lexicons;
mod people;
mod rates;
mod routes;
mod service;
mod suggestions;
mod takedowns;
mod trends;
mod views;
mod world;
