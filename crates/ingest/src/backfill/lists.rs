//! Who belongs to a backfill: a page of what a host lists, or the members of an account's list.
//!
//! A list is read from its author's repository, checked like any other, so that it needs nothing that was
//! applied here before.

use std::sync::Arc;
use std::time::Duration;

use millrace_atproto::lexicon::{List, ListItem, Record, StarterPack};
use millrace_atproto::sync::VerifiedRepo;
use millrace_atproto::syntax::AtUri;
use millrace_atproto::{Did, Nsid, cbor};
use millrace_net::PdsError;
use millrace_store::StoreError;

use crate::config::IngestConfig;
use crate::error::IngestError;
use crate::progress::SourceState;
use crate::resync::{self, FetchError, ResyncDeps};
use crate::tables::backfill_jobs::{self, Next, OpenList};

use super::model::{BACKFILL_ACCOUNTS_MAX, BackfillKind};

/// Accounts of one list; the rest are left out, and a warning says so.
const MEMBERS_MAX: usize = 100_000;
/// Accounts asked for at once; the protocol's most.
const PAGE_REPOS: u16 = 1_000;

/// Why a list was not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error("listRepos of {origin}")]
    Host { origin: String, source: PdsError },
    #[error("the repository of {did}, who has the list, is not to be had")]
    Repo { did: Did, source: FetchError },
    #[error("{0}")]
    NoList(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ListError {
    /// Asking again is useless.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::NoList(_))
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Host { source, .. } => source.retry_after(),
            Self::Repo { source, .. } => source.retry_after(),
            Self::NoList(_) | Self::Store(_) => None,
        }
    }
}

/// Who lists repositories: relays and PDSs; a Jetstream does not.
pub(crate) fn hosts(sources: &[Arc<SourceState>], config: &IngestConfig) -> Vec<String> {
    let hosts = sources.iter().filter(|source| !source.kind.is_jetstream());
    let mut hosts: Vec<String> =
        hosts.map(|source| source.endpoint().origin().to_owned()).collect();
    if hosts.is_empty() {
        hosts.extend(config.resync.relay_url.clone());
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// The record that a list's members are asked of: a list, or a starter pack.
///
/// # Errors
/// It is neither, or not named by DID.
pub(crate) fn checked(uri: &AtUri) -> Result<(), IngestError> {
    let of_list = uri.as_record().is_some_and(|(_, collection, _)| {
        [List::COLLECTION, StarterPack::COLLECTION].contains(&collection.as_str())
    });
    match of_list {
        true => Ok(()),
        false => Err(IngestError::InvalidRequest(format!(
            "{uri} is not the URI of a list or a starter pack by its author's DID"
        ))),
    }
}

/// Reads one list a step further.
pub(crate) async fn read(deps: &ResyncDeps, list: &OpenList) -> Result<(), ListError> {
    match list.kind {
        BackfillKind::Network => read_page(deps, list).await,
        BackfillKind::List => read_members(deps, list).await,
        // The operator says who.
        BackfillKind::Dids | BackfillKind::Interest => Ok(()),
    }
}

async fn read_page(deps: &ResyncDeps, list: &OpenList) -> Result<(), ListError> {
    let page = deps.pds.list_repos(&list.origin, list.cursor.as_deref(), PAGE_REPOS).await;
    let page = page.map_err(|source| ListError::Host { origin: list.origin.clone(), source })?;
    let active = page.repos.into_iter().filter(|repo| repo.active);
    let dids: Vec<Did> = active.map(|repo| repo.did).collect();
    // A cursor that does not move would be asked for ever.
    let cursor = page.cursor.filter(|cursor| Some(cursor) != list.cursor.as_ref());
    let of = list.clone();
    deps.store
        .write(move |tx| {
            let next = cursor.as_deref().map_or(Next::End, Next::At);
            backfill_jobs::take_in(tx, &of, &dids, next)
        })
        .await
        .map(drop)
        .map_err(ListError::Store)
}

async fn read_members(deps: &ResyncDeps, list: &OpenList) -> Result<(), ListError> {
    let none = || ListError::NoList(format!("{} is no list or starter pack", list.origin));
    let uri = AtUri::parse(&list.origin).map_err(|_| none())?;
    let did = uri.did().cloned().ok_or_else(none)?;
    let received = resync::look(deps, &did).await;
    let received = received.map_err(|source| ListError::Repo { did, source })?;
    let found = tokio::task::spawn_blocking(move || members(&received.repo, &uri)).await;
    let mut found = found
        .map_err(|_| ListError::NoList(format!("{} could not be read", list.origin)))?
        .ok_or_else(none)?;
    if found.len() > MEMBERS_MAX {
        tracing::warn!(
            list = list.origin,
            members = found.len(),
            "too many accounts are on this list: some are left out"
        );
        found.truncate(MEMBERS_MAX);
    }
    let of = list.clone();
    deps.store
        .write(move |tx| {
            for some in found.chunks(BACKFILL_ACCOUNTS_MAX) {
                backfill_jobs::take_in(tx, &of, some, Next::At(""))?;
            }
            backfill_jobs::take_in(tx, &of, &[], Next::End)
        })
        .await
        .map(drop)
        .map_err(ListError::Store)
}

/// Who is on the list, or in the starter pack, by its author's repository; none if it is not there.
fn members(repo: &VerifiedRepo, uri: &AtUri) -> Option<Vec<Did>> {
    let (did, collection, rkey) = uri.as_record()?;
    let of_pack = collection.as_str() == StarterPack::COLLECTION;
    let path = format!("{collection}/{rkey}");
    let mut list = (!of_pack).then(|| uri.clone());
    let mut is_there = false;
    let mut items = Vec::new();
    for leaf in repo.leaves() {
        let Some((in_collection, _)) = leaf.path.split_once('/') else { continue };
        if leaf.path != path && in_collection != ListItem::COLLECTION {
            continue;
        }
        let (Ok(value), Ok(nsid)) = (cbor::decode(leaf.record), Nsid::parse(in_collection)) else {
            continue;
        };
        match Record::parse(&nsid, &value) {
            Ok(Some(Record::ListItem(item))) => items.push((item.list, item.subject)),
            Ok(Some(Record::StarterPack(pack))) => {
                is_there = true;
                list = Some(pack.list);
            }
            Ok(Some(Record::List(_))) => is_there = true,
            _ => {}
        }
    }
    // Somebody else's list would be another repository; the protocol's own clients make no such pack.
    let list = list.filter(|list| is_there && list.did() == Some(did))?;
    items.retain(|(of, _)| *of == list);
    Some(items.into_iter().map(|(_, subject)| subject).collect())
}
