//! The connections beneath the guarded client: TLS, pools, and names turned into addresses by the
//! guard. Whatever the library would do by itself (redirects, retries, proxies) is off.

use std::time::Duration;

use super::answer::deepest;
use super::{HttpConfig, HttpError, tls};
use crate::guard::Guard;

/// Idle connections kept to one host, and how long.
const IDLE_CONNECTIONS_MAX: usize = 8;
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_secs(60);

/// A client that speaks the protocols of `alpn`.
pub(super) fn build(
    config: &HttpConfig,
    guard: Guard,
    alpn: &[&str],
) -> Result<reqwest::Client, HttpError> {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client(config.ca_file.as_deref(), alpn)?)
        .dns_resolver(Names(guard))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(Duration::from_millis(config.connect_timeout_ms))
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .pool_idle_timeout(IDLE_CONNECTION_TIMEOUT);
    if !alpn.contains(&"h2") {
        builder = builder.http1_only();
    }
    builder.build().map_err(|error| HttpError::Setup(deepest(&error).into()))
}

/// The guard, where names become addresses.
struct Names(Guard);

impl reqwest::dns::Resolve for Names {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let guard = self.0;
        Box::pin(async move {
            // The port is the URL's; 0 here is replaced by it.
            let addrs = guard.resolve(name.as_str(), 0).await?;
            let addrs: reqwest::dns::Addrs = Box::new(addrs.into_iter());
            Ok(addrs)
        })
    }
}
