//! The public side: asks the data in this process, or over `/internal` in another. The domain `session` is its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use millrace_appview::{Appview, AppviewDeps};
use millrace_runtime::config::Secret;
use millrace_store::{Domain, Store};

use super::Common;
use super::data::Data;
use super::outside::Outside;
use crate::config::Config;
use crate::failure::Failure;

/// Opens the tables of who is signed in here.
pub(super) async fn open_session(config: &Config, common: &Common) -> Result<Store, Failure> {
    let Common { clock, registry, .. } = common;
    let (store, migrations) = (config.store(), millrace_appview::session::MIGRATIONS);
    Ok(Store::open(&store, Domain::Session, migrations, &[], clock, registry).await?)
}

/// What stands in the data folder, and where the process answers.
pub(super) struct Here {
    pub(super) admin_token: Secret,
    pub(super) session_secret: Secret,
    pub(super) session: Store,
    pub(super) listening: SocketAddr,
}

pub(super) fn build(
    config: &Config,
    common: &Common,
    data: Option<&Data>,
    outside: &Outside,
    here: Here,
) -> Result<Appview, Failure> {
    let (dataplane, ingest, feeds) = match data {
        Some(data) => local(data),
        None => remote(config)?,
    };
    let mut appview = config.appview();
    if appview.session_secret.is_empty() {
        appview.session_secret = here.session_secret;
    }
    let built = millrace_appview::build(AppviewDeps {
        config: appview,
        dataplane,
        feeds,
        ingest,
        resolver: outside.resolver.clone(),
        http: outside.http.clone(),
        admin_token: Some(here.admin_token),
        session: here.session,
        listening: Some(here.listening),
        rng: common.rng.fork(),
        clock: common.clock.clone(),
        registry: common.registry.clone(),
        shutdown: common.supervisor.shutdown_token(),
    });
    built.map_err(Failure::plain)
}

/// Who makes no homes has nobody to ask for them.
type Clients =
    (millrace_dataplane::Client, millrace_ingest::Client, Option<millrace_feeds::Client>);

fn local(data: &Data) -> Clients {
    let dataplane = millrace_dataplane::Client::Local(Arc::clone(&data.dataplane));
    let feeds = data.feeds.as_ref().map(|feeds| millrace_feeds::Client::Local(Arc::clone(feeds)));
    (dataplane, data.ingest.clone(), feeds)
}

fn remote(config: &Config) -> Result<Clients, Failure> {
    let (url, secret) = (config.data_plane_url()?, config.dataplane.secret());
    let timeout = Duration::from_millis(config.dataplane.timeout_ms);
    let dataplane = millrace_dataplane::client::Remote::new(url.clone(), secret.clone(), timeout);
    let feeds = millrace_feeds::client::Remote::new(url.clone(), secret.clone(), timeout);
    let feeds = millrace_feeds::Client::Remote(Arc::new(feeds.map_err(Failure::plain)?));
    let ingest = millrace_ingest::Remote::new(url, secret, timeout)?;
    let dataplane =
        millrace_dataplane::Client::Remote(Arc::new(dataplane.map_err(Failure::plain)?));
    let ingest = millrace_ingest::Client::Remote(Arc::new(ingest));
    let feeds = config.feeds.enabled.then_some(feeds);
    Ok((dataplane, ingest, feeds))
}
