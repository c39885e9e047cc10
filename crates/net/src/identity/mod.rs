//! Who somebody is: DID → document, handle → DID, and whether both directions agree.
//!
//! Answers are kept ([`ResolverConfig`] says how long), asked for once however many want them, and
//! renewed past the cache by [`Resolver::refresh`] when a signature does not fit or an account says
//! that it changed. Source: the identity pages of the AT Protocol specification.

mod ask;
mod cached;
mod config;
mod error;
mod flights;
mod lookups;
mod txt;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use millrace_atproto::did_doc::Identity;
use millrace_atproto::{Did, Handle};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;

pub use config::ResolverConfig;
pub use error::ResolveError;

use crate::http::HttpClient;
use crate::metrics::LookupMetrics;
use ask::Asker;
use lookups::{Lookups, Ttls};

/// Resolves DIDs and handles. Clones share what is kept.
#[derive(Clone)]
pub struct Resolver {
    inner: Arc<Inner>,
}

struct Inner {
    asker: Asker,
    identities: Lookups<Did, Arc<Identity>>,
    handles: Lookups<Handle, Did>,
}

impl Resolver {
    /// Builds the resolver over `http`'s connections and rule about addresses.
    ///
    /// # Errors
    /// [`ResolveError::Setup`]: a URL of the configuration is none, or the system's DNS settings
    /// cannot be read.
    pub fn new(
        http: HttpClient,
        config: ResolverConfig,
        clock: SharedClock,
        registry: &Registry,
    ) -> Result<Self, ResolveError> {
        let ttls = Ttls {
            hit: Duration::from_secs(config.hit_ttl_s),
            stale: Duration::from_secs(config.stale_ttl_s),
            absent: Duration::from_secs(config.error_ttl_s),
            error: Duration::from_secs(config.error_ttl_s),
            renewal: Duration::from_millis(config.refresh_interval_ms),
        };
        let handle_ttls = Ttls {
            absent: Duration::from_secs(config.invalid_handle_ttl_s),
            stale: Duration::ZERO,
            ..ttls
        };
        let inner = Inner {
            asker: Asker::new(&http, &config)?,
            identities: Lookups::new(
                config.cache_bytes_max,
                |did, identity| {
                    did.as_str().len() + identity.map_or(0, |identity| weight(identity))
                },
                ttls,
                Arc::clone(&clock),
                LookupMetrics::new(registry, "did"),
            ),
            handles: Lookups::new(
                config.cache_bytes_max / 4,
                |handle, did| handle.as_str().len() + did.map_or(0, |did| did.as_str().len()),
                handle_ttls,
                clock,
                LookupMetrics::new(registry, "handle"),
            ),
        };
        let inner = Arc::new(inner);
        cached::add(registry.caches(), &config, &inner);
        Ok(Self { inner })
    }

    /// The document of `did`, kept or asked for. While a renewal fails, the last good one.
    ///
    /// # Errors
    /// It has none, or none could be had; kept too, for a shorter time.
    pub async fn identity(&self, did: &Did) -> Result<Arc<Identity>, ResolveError> {
        self.inner.identities.get(did, self.ask(did)).await
    }

    /// The document as it is now: asked for past the cache, which then holds it. The handle's
    /// answer is forgotten too. Several callers share one request, and one DID is asked for at
    /// most once in `refresh_interval_ms`; a call within that time gets the document of the last
    /// one, which is then kept no longer than that.
    ///
    /// # Errors
    /// None could be had now; a good one kept before stays.
    pub async fn refresh(&self, did: &Did) -> Result<Arc<Identity>, ResolveError> {
        let before = self.inner.identities.known(did).await;
        let identity = self.inner.identities.renew(did, self.ask(did)).await?;
        let handles = [before.and_then(|before| before.handle.clone()), identity.handle.clone()];
        for handle in handles.into_iter().flatten() {
            self.inner.handles.forget(&handle).await;
        }
        Ok(identity)
    }

    /// The whole document as it is now, past the cache and as it came; at most
    /// [`DOC_BYTES_MAX`](millrace_atproto::did_doc::DOC_BYTES_MAX) bytes of anything.
    ///
    /// # Errors
    /// None could be had.
    pub async fn document(&self, did: &Did) -> Result<Bytes, ResolveError> {
        self.inner.asker.document(did).await
    }

    /// Drops what is kept about `did` and its handle, so that the next question is asked outside.
    /// A lookup under way does not bring the old answer back.
    pub async fn forget(&self, did: &Did) {
        let before = self.inner.identities.known(did).await;
        self.inner.identities.forget(did).await;
        if let Some(handle) = before.and_then(|before| before.handle.clone()) {
            self.inner.handles.forget(&handle).await;
        }
    }

    /// Drops what is kept about `handle`, which may name somebody else by now.
    pub async fn forget_handle(&self, handle: &Handle) {
        self.inner.handles.forget(handle).await;
    }

    /// The DID that `handle` names; one direction only.
    ///
    /// # Errors
    /// It names none, several, or none could be had; see [`ResolveError::is_transient`].
    pub async fn handle_to_did(&self, handle: &Handle) -> Result<Did, ResolveError> {
        self.inner.handles.get(handle, self.inner.asker.handle(handle)).await
    }

    /// The handle that `did`'s document claims, if that handle names `did` in turn. `None` is an
    /// answer: the account has no valid handle.
    ///
    /// # Errors
    /// The document could not be had, or whether the handle is valid could not be found out now:
    /// the caller keeps what it knew.
    pub async fn verified_handle(&self, did: &Did) -> Result<Option<Handle>, ResolveError> {
        let identity = self.identity(did).await?;
        let Some(handle) = &identity.handle else {
            return Ok(None);
        };
        match self.handle_to_did(handle).await {
            Ok(named) => Ok((named == *did).then(|| handle.clone())),
            Err(error) if error.is_transient() => Err(error),
            Err(_) => Ok(None),
        }
    }

    async fn ask(&self, did: &Did) -> Result<Arc<Identity>, ResolveError> {
        self.inner.asker.identity(did).await.map(Arc::new)
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

/// Bytes an identity takes, roughly.
fn weight(identity: &Identity) -> usize {
    let services: usize = identity
        .services
        .iter()
        .map(|service| 72 + service.id.len() + service.kind.len() + service.endpoint.len())
        .sum();
    let pds = identity.pds.as_ref().map_or(0, String::len);
    std::mem::size_of::<Identity>() + 2 * identity.did.as_str().len() + pds + services
}
