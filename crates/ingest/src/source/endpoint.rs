//! From a configured URL to the WebSocket address of `com.atproto.sync.subscribeRepos`, and to the
//! origin of the same host for its other methods.

use std::net::IpAddr;

use url::{Host, Url};

use crate::config::SourceConfig;
use crate::error::IngestError;

const SUBSCRIBE_PATH: &str = "/xrpc/com.atproto.sync.subscribeRepos";

/// Where a source is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    socket: Url,
    origin: String,
}

/// The endpoint a source's `url` names.
///
/// # Errors
/// [`IngestError::Config`] if it is no `ws`, `wss`, `http` or `https` URL with a host, or if it is
/// plain and leads off this machine without `insecure`.
pub fn endpoint(source: &SourceConfig) -> Result<Endpoint, IngestError> {
    let refuse = |problem: &str| IngestError::Config {
        key: format!("ingest.sources.{}.url", source.name),
        problem: problem.to_owned(),
    };
    let mut socket = Url::parse(&source.url).map_err(|_| refuse("is not a URL"))?;
    let (socket_scheme, origin_scheme) = match socket.scheme() {
        "ws" | "http" => ("ws", "http"),
        "wss" | "https" => ("wss", "https"),
        _ => return Err(refuse("must begin with wss://, https://, ws:// or http://")),
    };
    if socket.host().is_none() {
        return Err(refuse("names no host"));
    }
    if socket_scheme == "ws" && !source.insecure && !is_loopback(&socket) {
        return Err(refuse(
            "is not encrypted and leads off this machine; use wss://, or set `insecure` for a network you trust",
        ));
    }
    // Rewriting the text, because `set_scheme` refuses to move between the two families.
    let rest = source.url.split_once("://").map_or("", |(_, rest)| rest);
    socket =
        Url::parse(&format!("{socket_scheme}://{rest}")).map_err(|_| refuse("is not a URL"))?;
    if socket.path() == "/" {
        socket.set_path(SUBSCRIBE_PATH);
    }
    socket.set_query(None);
    socket.set_fragment(None);
    let host = socket.host_str().unwrap_or_default();
    let origin = match socket.port() {
        Some(port) => format!("{origin_scheme}://{host}:{port}"),
        None => format!("{origin_scheme}://{host}"),
    };
    Ok(Endpoint { socket, origin })
}

impl Endpoint {
    /// The WebSocket address for a connection at `cursor`.
    pub fn at(&self, cursor: Option<i64>) -> Url {
        let mut url = self.socket.clone();
        if let Some(cursor) = cursor {
            url.query_pairs_mut().append_pair("cursor", &cursor.to_string());
        }
        url
    }

    /// The address without a cursor: the identity of the sequence that cursors belong to.
    pub fn address(&self) -> &str {
        self.socket.as_str()
    }

    /// `scheme://host[:port]`, for the host's other methods.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        // `ws` is a special scheme, so an address is never left as a domain; be safe all the same.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SourceKind;

    fn of(url: &str) -> Endpoint {
        let source = SourceConfig {
            name: "it".to_owned(),
            kind: SourceKind::Relay,
            url: url.to_owned(),
            cursor: None,
            insecure: false,
        };
        endpoint(&source).expect("a good URL")
    }

    #[test]
    fn absent_and_zero_cursors_are_different_addresses() {
        let relay = of("https://relay.test");
        assert_eq!(
            relay.at(None).as_str(),
            "wss://relay.test/xrpc/com.atproto.sync.subscribeRepos"
        );
        assert_eq!(
            relay.at(Some(0)).as_str(),
            "wss://relay.test/xrpc/com.atproto.sync.subscribeRepos?cursor=0"
        );
    }

    #[test]
    fn ports_and_paths_are_kept() {
        let pds = of("http://127.0.0.1:2583/");
        assert_eq!(pds.origin(), "http://127.0.0.1:2583");
        assert_eq!(pds.address(), "ws://127.0.0.1:2583/xrpc/com.atproto.sync.subscribeRepos");
        assert_eq!(
            of("wss://x.test/mirror/stream?cursor=9").address(),
            "wss://x.test/mirror/stream"
        );
    }
}
