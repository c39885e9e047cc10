//! The clients by which a process asks other servers; every request is guarded.

use millrace_net::{HttpClient, PdsClient, Resolver};

use super::Common;
use crate::config::Config;
use crate::failure::Failure;

/// Clients of the outside.
pub(super) struct Outside {
    pub(super) resolver: Resolver,
    pub(super) pds: PdsClient,
    pub(super) http: HttpClient,
}

pub(super) fn open(config: &Config, common: &Common) -> Result<Outside, Failure> {
    let http = HttpClient::new(&config.network.http, common.clock.clone(), &common.registry)?;
    let resolver = Resolver::new(
        http.clone(),
        config.network.resolver.clone(),
        common.clock.clone(),
        &common.registry,
    )
    .map_err(Failure::plain)?;
    Ok(Outside { resolver, pds: PdsClient::new(http.clone()), http })
}
