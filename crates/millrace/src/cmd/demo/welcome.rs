//! What a demo prints once it answers: where, who lives on its network, and what to try.

use std::path::Path;

use millrace_runtime::config::Secret;
use millrace_sim::Network;

use crate::wiring::{Addresses, loopback_url};

/// Accounts that are printed.
const ACCOUNTS_SHOWN: usize = 5;

pub(super) fn text(
    addresses: &Addresses,
    network: &Network,
    data_dir: &Path,
    token: Option<&Secret>,
) -> String {
    let url = |addr: Option<std::net::SocketAddr>| addr.map(loopback_url).unwrap_or_default();
    let (appview, internal) = (url(addresses.appview), url(addresses.internal));
    let accounts = network.accounts();
    let mut lines = vec![
        format!(
            "Millrace runs on a made-up network of {} accounts. Ctrl-C ends it.",
            accounts.len()
        ),
        String::new(),
        format!("  dashboard    {appview}/dashboard/{}", signed_in(token)),
        format!("  AppView      {appview}{}", apart(addresses)),
        format!("  data-plane   {internal}  (/health, /ready, /metrics, /internal)"),
        format!("  made-up PLC  {}", network.plc_url()),
        format!("  made-up PDS  {}", network.pds_url()),
        format!("  data         {}", data_dir.display()),
        String::new(),
        "Some of its accounts:".to_owned(),
    ];
    let shown = || accounts.iter().take(ACCOUNTS_SHOWN);
    let width = shown().map(|account| account.handle.len()).max().unwrap_or(0);
    lines.extend(shown().map(|account| format!("  {:width$}  {}", account.handle, account.did)));
    if let Some(account) = accounts.first() {
        lines.extend([String::new(), "Try:".to_owned()]);
        lines.extend(to_try(&account.handle, &appview, &internal, data_dir));
    }
    lines.join("\n")
}

/// What signs whoever follows the address in as the operator. Servers are not sent what is behind a `#`.
fn signed_in(token: Option<&Secret>) -> String {
    token.map(|token| format!("#token={}", token.expose())).unwrap_or_default()
}

/// Of an AppView in a process of its own, where its metrics are.
fn apart(addresses: &Addresses) -> String {
    let metrics = addresses.metrics.map(loopback_url);
    metrics.map(|url| format!("  (a process of its own; {url}/metrics)")).unwrap_or_default()
}

fn to_try(actor: &str, appview: &str, internal: &str, data_dir: &Path) -> Vec<String> {
    let methods =
        ["app.bsky.actor.getProfile", "app.bsky.feed.getAuthorFeed", "app.bsky.graph.getFollowers"];
    let mut lines =
        Vec::from(methods.map(|method| format!("  curl '{appview}/xrpc/{method}?actor={actor}'")));
    lines.push(format!(
        "  curl -X POST {internal}/internal/getProfile -H 'content-type: application/json' -d '{{\"actor\":\"{actor}\"}}'"
    ));
    lines.push(format!(
        "  curl -H \"Authorization: Bearer $(cat {}/admin.token)\" {appview}/api/v1/admin/sources",
        data_dir.display()
    ));
    lines
}
