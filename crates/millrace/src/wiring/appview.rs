//! The public side: asks the data in this process, or over `/internal` in another.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use millrace_appview::AppviewDeps;
use millrace_runtime::config::Secret;

use super::Common;
use super::data::Data;
use super::outside::Outside;
use crate::config::Config;
use crate::failure::Failure;

pub(super) fn router(
    config: &Config,
    common: &Common,
    data: Option<&Data>,
    outside: &Outside,
    token: Secret,
) -> Result<Router, Failure> {
    let (dataplane, ingest) = match data {
        Some(data) => local(data),
        None => remote(config)?,
    };
    Ok(millrace_appview::router(AppviewDeps {
        config: config.appview(),
        dataplane,
        ingest,
        resolver: outside.resolver.clone(),
        http: outside.http.clone(),
        admin_token: Some(token),
        clock: common.clock.clone(),
        registry: common.registry.clone(),
        shutdown: common.supervisor.shutdown_token(),
    }))
}

type Clients = (millrace_dataplane::Client, millrace_ingest::Client);

fn local(data: &Data) -> Clients {
    let dataplane = millrace_dataplane::Client::Local(Arc::clone(&data.dataplane));
    (dataplane, data.ingest.clone())
}

fn remote(config: &Config) -> Result<Clients, Failure> {
    let (url, secret) = (config.data_plane_url()?, config.dataplane.secret());
    let timeout = Duration::from_millis(config.dataplane.timeout_ms);
    let dataplane = millrace_dataplane::client::Remote::new(url.clone(), secret.clone(), timeout);
    let ingest = millrace_ingest::Remote::new(url, secret, timeout)?;
    let dataplane =
        millrace_dataplane::Client::Remote(Arc::new(dataplane.map_err(Failure::plain)?));
    Ok((dataplane, millrace_ingest::Client::Remote(Arc::new(ingest))))
}
