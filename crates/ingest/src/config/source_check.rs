//! What of a source's settings cannot work, and why.

use millrace_atproto::jetstream::CURSOR_TIME_MIN;
use millrace_atproto::{Did, Nsid};

use super::{SEQ_MAX, SourceConfig, SourceKind};
use crate::error::IngestError;

const NAME_BYTES_MAX: usize = 64;
/// Hosts of one stream.
const FALLBACK_URLS_MAX: usize = 8;
/// What a Jetstream takes.
const COLLECTIONS_MAX: usize = 100;
/// What a Jetstream takes.
const DIDS_MAX: usize = 10_000;

impl SourceConfig {
    /// Refuses what cannot work; `at` is the source's place in the list.
    pub(super) fn check(&self, at: usize) -> Result<(), IngestError> {
        let refuse = |field: &str, problem: &str| {
            let key = format!("ingest.sources[{at}].{field}");
            Err(IngestError::Config { key, problem: problem.to_owned() })
        };
        if self.name.is_empty() || self.name.len() > NAME_BYTES_MAX {
            return refuse("name", "must have 1 to 64 bytes");
        }
        if let Some(problem) = self.cursor.and_then(|cursor| self.bad_cursor(cursor)) {
            return refuse("cursor", problem);
        }
        if self.fallback_urls.len() > FALLBACK_URLS_MAX {
            return refuse("fallback_urls", "must be at most 8");
        }
        let wishes = [("collections", &self.collections), ("dids", &self.dids)];
        let wished = wishes.into_iter().find(|(_, wished)| !wished.is_empty());
        if let Some((field, _)) = wished.filter(|_| !self.kind.is_jetstream()) {
            return refuse(field, "is for a Jetstream; the stream of a relay or PDS comes whole");
        }
        let patterns = self.collections.iter().all(|pattern| is_pattern(pattern));
        if self.collections.len() > COLLECTIONS_MAX || !patterns {
            return refuse(
                "collections",
                "must be at most 100 collections, as `app.bsky.feed.post` or `app.bsky.graph.*`",
            );
        }
        if self.dids.len() > DIDS_MAX || self.dids.iter().any(|did| Did::validate(did).is_err()) {
            return refuse("dids", "must be at most 10000 DIDs");
        }
        let endpoints = crate::source::endpoints(self)?;
        for (at, endpoint) in endpoints.iter().enumerate() {
            if endpoints.iter().take(at).any(|other| other.address() == endpoint.address()) {
                return refuse("fallback_urls", "name one host twice");
            }
        }
        Ok(())
    }

    fn bad_cursor(&self, cursor: i64) -> Option<&'static str> {
        if !(0..=SEQ_MAX).contains(&cursor) {
            return Some("must be 0 (oldest) or a sequence number, or be left out (live)");
        }
        let is_time = cursor == 0 || cursor >= CURSOR_TIME_MIN;
        (self.kind == SourceKind::JetstreamV1 && !is_time)
            .then_some("must be 0 (oldest) or a time in microseconds, or be left out (live)")
    }
}

/// A collection, or the beginning of several with `.*`.
fn is_pattern(text: &str) -> bool {
    match text.strip_suffix(".*") {
        Some(head) => Nsid::parse(&format!("{head}.x")).is_ok(),
        None => Nsid::parse(text).is_ok(),
    }
}
