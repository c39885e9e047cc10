//! Which events a reader wants. Without a wish everything.

use std::collections::HashSet;

use millrace_atproto::syntax::{Did, Nsid};
use serde::Deserialize;

use super::event::{JetEvent, JetKind};
use super::{Pairs, all, first};

const COLLECTIONS_MAX: usize = 100;
const DIDS_MAX: usize = 10_000;
const KINDS: [&str; 4] = ["commit", "identity", "account", "sync"];

/// What a reader wants. Collections hold for commits only.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    kinds: Option<HashSet<String>>,
    dids: Option<HashSet<String>>,
    collections: Option<Collections>,
    message_bytes_max: Option<usize>,
}

#[derive(Debug, Clone, Default)]
struct Collections {
    exact: HashSet<String>,
    /// Each ends with a dot.
    prefixes: Vec<String>,
}

/// The payload of `options_update`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Options {
    wanted_collections: Vec<String>,
    wanted_dids: Vec<String>,
    max_message_size_bytes: i64,
}

impl Filter {
    /// From the query of `/subscribe`.
    pub(super) fn v1(query: &Pairs) -> Result<Self, String> {
        let texts = |key| all(query, key).map(str::to_owned).collect();
        Self::of_options(&Options {
            wanted_collections: texts("wantedCollections"),
            wanted_dids: texts("wantedDids"),
            max_message_size_bytes: first(query, "maxMessageSizeBytes")
                .and_then(|bytes| bytes.parse().ok())
                .unwrap_or(0),
        })
    }

    /// From an `options_update`.
    pub(super) fn of_options(options: &Options) -> Result<Self, String> {
        Ok(Self {
            kinds: None,
            dids: dids(options.wanted_dids.iter().map(String::as_str))?,
            collections: collections(options.wanted_collections.iter().map(String::as_str))?,
            message_bytes_max: bytes_max(options.max_message_size_bytes),
        })
    }

    /// From the query of `subscribeEvents`; the first wire's names are errors there.
    pub(super) fn v2(query: &Pairs) -> Result<Self, String> {
        for old in ["wantedDids", "wantedCollections", "requireHello", "compress"] {
            if first(query, old).is_some() {
                return Err(format!("{old} belongs to /subscribe"));
            }
        }
        let kinds: HashSet<String> = all(query, "kinds").map(str::to_owned).collect();
        if let Some(unknown) = kinds.iter().find(|kind| !KINDS.contains(&kind.as_str())) {
            return Err(format!("unknown kind {unknown}"));
        }
        let collections = collections(all(query, "collections"))?;
        if collections.is_some() && !kinds.is_empty() && !kinds.contains("commit") {
            return Err("collections can never apply: kinds leaves commits out".to_owned());
        }
        let message_bytes_max = match first(query, "maxMessageSizeBytes") {
            None => None,
            Some(bytes) => {
                bytes_max(bytes.parse().map_err(|_| "maxMessageSizeBytes is no number")?)
            }
        };
        Ok(Self {
            kinds: Some(kinds).filter(|kinds| !kinds.is_empty()),
            dids: dids(all(query, "dids"))?,
            collections,
            message_bytes_max,
        })
    }

    /// Whether the reader wants the event.
    pub(super) fn wants(&self, event: &JetEvent) -> bool {
        let kind = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(event.kind_name()));
        let did = self.dids.as_ref().is_none_or(|dids| dids.contains(&event.did));
        let collection = match (&event.kind, &self.collections) {
            (JetKind::Commit { collection, .. }, Some(wanted)) => wanted.contains(collection),
            _ => true,
        };
        kind && did && collection
    }

    /// Whether a message is not larger than the reader takes.
    pub(super) fn takes(&self, message: &str) -> bool {
        self.message_bytes_max.is_none_or(|max| message.len() <= max)
    }
}

impl Collections {
    fn contains(&self, collection: &str) -> bool {
        self.exact.contains(collection)
            || self.prefixes.iter().any(|prefix| collection.starts_with(prefix))
    }
}

/// 0 and less mean no bound.
fn bytes_max(bytes: i64) -> Option<usize> {
    usize::try_from(bytes).ok().filter(|bytes| *bytes > 0)
}

fn dids<'a>(wanted: impl Iterator<Item = &'a str>) -> Result<Option<HashSet<String>>, String> {
    let wanted: HashSet<String> = wanted.map(str::to_owned).collect();
    if wanted.len() > DIDS_MAX {
        return Err(format!("more than {DIDS_MAX} DIDs"));
    }
    match wanted.iter().find(|did| Did::parse(did).is_err()) {
        Some(wrong) => Err(format!("invalid DID: {wrong}")),
        None => Ok(Some(wanted).filter(|wanted| !wanted.is_empty())),
    }
}

fn collections<'a>(wanted: impl Iterator<Item = &'a str>) -> Result<Option<Collections>, String> {
    let mut found = Collections::default();
    for pattern in wanted {
        match pattern.strip_suffix('*').filter(|prefix| prefix.ends_with('.')) {
            Some(prefix) => found.prefixes.push(prefix.to_owned()),
            None if Nsid::parse(pattern).is_ok() => {
                found.exact.insert(pattern.to_owned());
            }
            None => return Err(format!("invalid collection: {pattern}")),
        }
    }
    match found.exact.len() + found.prefixes.len() {
        0 => Ok(None),
        count if count > COLLECTIONS_MAX => Err(format!("more than {COLLECTIONS_MAX} collections")),
        _ => Ok(Some(found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn nonsense_is_refused() {
        let check = |query: &[(&str, &str)], v1: bool, v2: bool| {
            let query = pairs(query);
            assert_eq!(Filter::v1(&query).is_ok(), v1, "v1 {query:?}");
            assert_eq!(Filter::v2(&query).is_ok(), v2, "v2 {query:?}");
        };
        check(&[], true, true);
        check(&[("wantedCollections", "app.bsky.*")], true, false);
        check(&[("wantedCollections", "app.bsky.fo*")], false, false);
        check(&[("wantedDids", "nobody")], false, false);
        check(&[("maxMessageSizeBytes", "-3")], true, true);
        check(&[("maxMessageSizeBytes", "x")], true, false);
        check(&[("kinds", "labels")], true, false);
        check(&[("kinds", "sync"), ("collections", "app.bsky.feed.like")], true, false);
        check(&[("kinds", "commit"), ("collections", "app.bsky.feed.like")], true, true);
        check(&[("dids", "nobody")], true, false);
    }
}
