//! The world as Jetstream tells it: decoded records as JSON, without signatures or proofs.
//!
//! | | v1 `/subscribe` | v2 `/xrpc/network.bsky.jetstream.subscribeEvents` |
//! | --- | --- | --- |
//! | event | `{did, time_us, cursor, kind, commit \| identity \| account}` | `{$type: message, payload: {$type: …#commit, seq, did, time, …}}` |
//! | cursor | microseconds, or a number below 10^15; too old: the oldest, silently | a number, inclusive; too old: 400 `CursorTooOld` |
//! | filter | `wantedCollections`, `wantedDids`; changed by `options_update` | `kinds`, `dids`, `collections`, all of which must hold |
//! | `#sync` | never | yes |
//! | compression | none here | `zstdDictionary=<id>` |
//!
//! A commit of several operations is several events. It tells the truth: Jetstream has no proofs from
//! which a reader could learn better. What it may do is repeat itself, break off and fall silent.

mod dictionary;
mod event;
mod filter;
mod v1;
mod v2;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::shared::Shared;

pub use dictionary::Dictionary;
pub(crate) use event::{JetEvent, JetKind, record_json};

/// Cursors below are sequence numbers, others microseconds.
const CURSOR_SEQ_MAX: i64 = 1_000_000_000_000_000;
/// Events sent between two looks at the world.
const EVENTS_MAX: usize = 256;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/subscribe", get(v1::subscribe))
        .route("/xrpc/network.bsky.jetstream.subscribeEvents", get(v2::subscribe))
        .route("/xrpc/network.bsky.jetstream.getZstdDictionary", get(v2::get_zstd_dictionary))
}

/// Values of a query, in order; keys may repeat.
type Pairs = Vec<(String, String)>;

fn first<'a>(pairs: &'a Pairs, key: &str) -> Option<&'a str> {
    all(pairs, key).next()
}

fn all<'a>(pairs: &'a Pairs, key: &str) -> impl Iterator<Item = &'a str> {
    pairs.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
}
