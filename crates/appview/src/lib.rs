//! All public HTTP: the XRPC methods of an AppView, health and the operator's routes.
//!
//! A method is skeleton → hydration → rules → presentation: which records, everything their views
//! need in one question, what the viewer must not see, and the lexicon's JSON. State comes from
//! the data-plane's and ingest's clients alone, in process or over `/internal`; nothing here opens
//! a projection's tables. Must stay true: no request without bounds in bytes and time, who may
//! call what stands in [`routes`] alone, and stored records are spliced into answers unchanged.
//!
//! Start at `xrpc/app_bsky_feed/get_author_feed.rs`, which every other method imitates.

pub mod routes;

// what a request passes through
mod auth;
mod posting;
mod request;
mod rest;
mod server;

// the methods and what they are made of
mod hydration;
mod page;
mod views;
mod xrpc;

// labels issued here
mod issuer;
mod label_stream;

// who is signed in
pub mod session;
mod sign_in;

// beside the methods
mod admin;
mod dashboard;
mod health;
mod images;
mod well_known;

pub mod config;
mod error;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod looks;
mod metrics;
mod readers;
mod service_key;
pub mod urls;

pub use config::{AppviewConfig, OAuthKeys};
pub use posting::Posting;
pub use server::{Appview, AppviewDeps, build};
pub use service_key::ServiceKey;
pub use sign_in::{ClientDocuments, Upkeep, client_documents};
pub use well_known::did_document;
