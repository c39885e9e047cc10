//! The resolver's two caches as an operator sees them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use millrace_atproto::{Did, Handle};
use millrace_runtime::caches::{Cached, Caches, Usage};

use super::{Inner, ResolverConfig};

/// Documents of DIDs.
struct Identities(Arc<Inner>);
/// DIDs of handles.
struct Handles(Arc<Inner>);

pub(super) fn add(caches: &Caches, config: &ResolverConfig, inner: &Arc<Inner>) {
    let (identities, handles) = (inner.identities.hits(), inner.handles.hits());
    let bytes_max = config.cache_bytes_max;
    caches.add("did-documents", bytes_max, identities, Arc::new(Identities(Arc::clone(inner))));
    caches.add("handles", bytes_max / 4, handles, Arc::new(Handles(Arc::clone(inner))));
}

impl Cached for Identities {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        Box::pin(self.0.identities.usage())
    }

    fn clear(&self) {
        self.0.identities.clear();
    }

    fn forget<'a>(&'a self, key: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let Ok(did) = Did::parse(key) else { return false };
            let kept = self.0.identities.keeps(&did).await;
            self.0.identities.forget(&did).await;
            kept
        })
    }
}

impl Cached for Handles {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        Box::pin(self.0.handles.usage())
    }

    fn clear(&self) {
        self.0.handles.clear();
    }

    fn forget<'a>(&'a self, key: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let Ok(handle) = Handle::parse(key) else { return false };
            let kept = self.0.handles.keeps(&handle).await;
            self.0.handles.forget(&handle).await;
            kept
        })
    }
}
