//! Resolver.

mod config;
mod error;

pub use config::ResolverConfig;
pub use error::ResolveError;

use std::sync::Arc;

use millrace_atproto::did_doc::Identity;
use millrace_atproto::{Did, Handle};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;

use crate::http::HttpClient;

/// Resolves identities. Cheap to clone; clones share the cache.
#[derive(Clone)]
pub struct Resolver {}

impl Resolver {
    /// Builds the resolver.
    pub fn new(
        _http: HttpClient,
        _config: ResolverConfig,
        _clock: SharedClock,
        _registry: &Registry,
    ) -> Result<Self, ResolveError> {
        unimplemented!()
    }

    /// The identity, from the cache or asked.
    pub async fn identity(&self, _did: &Did) -> Result<Arc<Identity>, ResolveError> {
        unimplemented!()
    }

    /// The identity, asked anew.
    pub async fn refresh(&self, _did: &Did) -> Result<Arc<Identity>, ResolveError> {
        unimplemented!()
    }

    /// Drops what is cached about it.
    pub async fn forget(&self, _did: &Did) {
        unimplemented!()
    }

    /// The DID a handle names.
    pub async fn handle_to_did(&self, _handle: &Handle) -> Result<Did, ResolveError> {
        unimplemented!()
    }

    /// The handle when both directions agree.
    pub async fn verified_handle(&self, _did: &Did) -> Result<Option<Handle>, ResolveError> {
        unimplemented!()
    }
}
