//! Browsers that are told of notifications: who the service is to push services, and the task that tells.

use std::sync::Arc;

use millrace_dataplane::Client;
use millrace_net::HttpClient;
use millrace_push::{Pusher, PusherDeps, Vapid};
use millrace_runtime::supervise::Policy;
use millrace_store::Store;

use super::Common;
use crate::config::Config;
use crate::failure::{Failure, ProgramError};
use crate::folder::DataFolder;

/// Where notifications are read, at whatever address the dashboard is.
const PAGE: &str = "/dashboard/notifications";

/// Who this service is to push services; nobody where nothing is pushed.
pub(super) fn vapid(
    config: &Config,
    common: &Common,
    folder: &DataFolder,
) -> Result<Option<Vapid>, Failure> {
    if !config.push.enabled {
        return Ok(None);
    }
    let key = match config.push.vapid_key.is_empty() {
        true => folder.push_key(&common.rng)?,
        false => config.push.vapid_key.clone(),
    };
    let contact = config.push.contact.clone();
    let contact = contact.unwrap_or_else(|| config.appview.appview.public_url.as_str().to_owned());
    let vapid = Vapid::new(key.expose(), contact).map_err(|error| ProgramError::Setting {
        key: "push.vapid_key",
        reason: error.to_string(),
    });
    Ok(Some(vapid?))
}

/// Starts the task that tells browsers.
pub(super) fn start(
    config: &Config,
    common: &Common,
    own: &Store,
    dataplane: Client,
    (http, vapid): (HttpClient, Vapid),
) {
    let pusher = Arc::new(Pusher::new(PusherDeps {
        own: own.clone(),
        dataplane,
        http,
        vapid,
        page: PAGE.to_owned(),
        config: config.push.clone(),
        clock: common.clock.clone(),
        rng: common.rng.fork(),
        registry: common.registry.clone(),
    }));
    common.supervisor.spawn("push", Policy::restart(), move |shutdown| {
        let pusher = Arc::clone(&pusher);
        async move {
            pusher.run(&shutdown).await;
            Ok(())
        }
    });
}
