//! The beginning of a run: the set is read, and made to fit the configuration, before any event is.
//!
//! Where another scope was configured before, the rows of `account` are made to fit it, page by page:
//! narrower, and those outside say that they are not followed; everybody, and those that were not
//! followed say that something of them is missing.

use std::collections::HashSet;

use millrace_atproto::Did;
use millrace_store::{Store, StoreError};

use super::{SCOPE_ACCOUNTS_MAX, Scope, listed};
use crate::config::{IngestConfig, ScopeKind};
use crate::error::IngestError;
use crate::tables::scope;

/// Rows of `account` looked at in one transaction.
const PAGE_ROWS: u32 = 5_000;

/// Reads the set into memory.
pub(crate) async fn adopt(
    store: &Store,
    config: &IngestConfig,
    scope: &Scope,
) -> Result<(), IngestError> {
    let kind = config.scope;
    let stored: Result<_, StoreError> = store.read(scope::kind).await;
    let stored = stored?;
    let before = stored.as_deref().unwrap_or(ScopeKind::Network.name());
    if kind == ScopeKind::Network {
        if before != kind.name() {
            tracing::info!(before, "everybody is followed from now on");
            pages(store, scope::widen).await?;
        }
    } else {
        enter_listed(store, config).await?;
        if before == ScopeKind::Network.name() {
            tracing::info!(scope = kind.name(), "not everybody is followed any more");
            pages(store, scope::narrow).await?;
        }
        scope.reset(members(store).await?);
    }
    let saved: Result<(), StoreError> = store
        .write(move |tx| {
            if kind == ScopeKind::Network {
                scope::clear(tx)?;
            }
            scope::set_kind(tx, kind.name())
        })
        .await;
    Ok(saved?)
}

/// Accounts named in the configuration are in the set before anything is read.
async fn enter_listed(store: &Store, config: &IngestConfig) -> Result<(), IngestError> {
    let listed: Vec<Did> = listed::accounts(config)?.into_iter().collect();
    for some in listed.chunks(SCOPE_ACCOUNTS_MAX) {
        let some = some.to_vec();
        let entered: Result<_, StoreError> =
            store.write(move |tx| scope::enter(tx, &some).map(drop)).await;
        entered?;
    }
    Ok(())
}

async fn members(store: &Store) -> Result<HashSet<Did>, IngestError> {
    let mut members = HashSet::new();
    let mut after = String::new();
    loop {
        let page: Result<Vec<(Did, bool)>, StoreError> =
            store.read(move |tx| scope::page(tx, &after, PAGE_ROWS)).await;
        let page = page?;
        let Some((last, _)) = page.last() else { return Ok(members) };
        after = last.to_string();
        members.extend(page.into_iter().map(|(did, _)| did));
    }
}

/// Changes all rows of `account`.
async fn pages(
    store: &Store,
    change: fn(&mut millrace_store::Tx, &str, u32) -> Result<Option<String>, StoreError>,
) -> Result<(), IngestError> {
    let mut after = String::new();
    loop {
        let next: Result<Option<String>, StoreError> =
            store.write(move |tx| change(tx, &after, PAGE_ROWS)).await;
        let Some(last) = next? else { return Ok(()) };
        after = last;
    }
}
