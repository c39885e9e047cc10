//! The data-plane through its public interface: entries in, questions answered, on every engine.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bookmarks;
mod counters;
mod drafts;
mod edges;
mod entries;
mod feeds;
mod followers;
mod gates;
mod graph;
mod grpc;
mod harness;
mod hydration;
mod issued;
mod kinds;
mod labels;
mod notices;
mod notifications;
mod openapi;
mod pages;
mod posting;
mod purge;
mod push;
mod rankings;
mod remote;
mod replies;
mod retention;
mod search;
mod search_v2;
mod snapshots;
mod storms;
mod subscriptions;
mod takedowns;
mod threads;
mod upkeep;
