//! From a configured URL to the WebSocket address of a source's stream, and to the origin of the same
//! host for its other methods.

use std::net::IpAddr;

use url::{Host, Url};

use crate::config::{SourceConfig, SourceKind};
use crate::error::IngestError;

/// Where a source is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    socket: Url,
    origin: String,
    /// What is wanted of the stream, as the query says it.
    wanted: Vec<(&'static str, String)>,
}

/// The endpoints of a source, the one to prefer first.
///
/// # Errors
/// [`IngestError::Config`] if one is no `ws`, `wss`, `http` or `https` URL with a host, or if it is
/// plain and leads off this machine without `insecure`.
pub fn endpoints(source: &SourceConfig) -> Result<Vec<Endpoint>, IngestError> {
    let fallbacks = source.fallback_urls.iter().map(|url| endpoint(source, url, "fallback_urls"));
    std::iter::once(endpoint(source, &source.url, "url")).chain(fallbacks).collect()
}

fn endpoint(source: &SourceConfig, url: &str, field: &str) -> Result<Endpoint, IngestError> {
    let refuse = |problem: &str| IngestError::Config {
        key: format!("ingest.sources.{}.{field}", source.name),
        problem: problem.to_owned(),
    };
    let mut socket = Url::parse(url).map_err(|_| refuse("is not a URL"))?;
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
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    socket =
        Url::parse(&format!("{socket_scheme}://{rest}")).map_err(|_| refuse("is not a URL"))?;
    if socket.path() == "/" {
        socket.set_path(path(source.kind));
    }
    socket.set_query(None);
    socket.set_fragment(None);
    let host = socket.host_str().unwrap_or_default();
    let origin = match socket.port() {
        Some(port) => format!("{origin_scheme}://{host}:{port}"),
        None => format!("{origin_scheme}://{host}"),
    };
    Ok(Endpoint { socket, origin, wanted: wanted(source) })
}

fn path(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Relay | SourceKind::Pds => "/xrpc/com.atproto.sync.subscribeRepos",
        SourceKind::JetstreamV1 => "/subscribe",
        SourceKind::JetstreamV2 => "/xrpc/network.bsky.jetstream.subscribeEvents",
    }
}

fn wanted(source: &SourceConfig) -> Vec<(&'static str, String)> {
    let (collection, did) = match source.kind {
        SourceKind::Relay | SourceKind::Pds => return Vec::new(),
        SourceKind::JetstreamV1 => ("wantedCollections", "wantedDids"),
        SourceKind::JetstreamV2 => ("collections", "dids"),
    };
    let collections = source.collections.iter().map(|pattern| (collection, pattern.clone()));
    collections.chain(source.dids.iter().map(|wanted| (did, wanted.clone()))).collect()
}

impl Endpoint {
    /// The WebSocket address for a connection at `cursor`, with what else the query must say.
    pub fn at(&self, cursor: Option<i64>, more: &[(&str, String)]) -> Url {
        let mut url = self.socket.clone();
        if cursor.is_some() || !self.wanted.is_empty() || !more.is_empty() {
            let mut query = url.query_pairs_mut();
            for (key, value) in &self.wanted {
                query.append_pair(key, value);
            }
            for (key, value) in more {
                query.append_pair(key, value);
            }
            if let Some(cursor) = cursor {
                query.append_pair("cursor", &cursor.to_string());
            }
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

    fn source(kind: SourceKind, url: &str) -> SourceConfig {
        SourceConfig { name: "it".to_owned(), kind, url: url.to_owned(), ..SourceConfig::default() }
    }

    fn of(source: &SourceConfig) -> Endpoint {
        endpoints(source).expect("good URLs").remove(0)
    }

    #[test]
    fn absent_and_zero_cursors_are_different_addresses() {
        let relay = of(&source(SourceKind::Relay, "https://relay.test"));
        let address = "wss://relay.test/xrpc/com.atproto.sync.subscribeRepos";
        assert_eq!(relay.at(None, &[]).as_str(), address);
        assert_eq!(relay.at(Some(0), &[]).as_str(), format!("{address}?cursor=0"));
    }

    #[test]
    fn ports_and_paths_are_kept() {
        let pds = of(&source(SourceKind::Pds, "http://127.0.0.1:2583/"));
        assert_eq!(pds.origin(), "http://127.0.0.1:2583");
        assert_eq!(pds.address(), "ws://127.0.0.1:2583/xrpc/com.atproto.sync.subscribeRepos");
        let mirror = of(&source(SourceKind::Relay, "wss://x.test/mirror/stream?cursor=9"));
        assert_eq!(mirror.address(), "wss://x.test/mirror/stream");
    }

    #[test]
    fn a_jetstream_is_told_what_is_wanted() {
        let mut jetstream = source(SourceKind::JetstreamV1, "wss://jet.test");
        jetstream.collections = vec!["app.bsky.feed.*".to_owned()];
        jetstream.dids = vec!["did:plc:a".to_owned()];
        assert_eq!(
            of(&jetstream).at(Some(7), &[]).as_str(),
            "wss://jet.test/subscribe?wantedCollections=app.bsky.feed.*&wantedDids=did%3Aplc%3Aa&cursor=7"
        );
        jetstream.kind = SourceKind::JetstreamV2;
        assert_eq!(
            of(&jetstream).at(None, &[("zstdDictionary", "5".to_owned())]).as_str(),
            "wss://jet.test/xrpc/network.bsky.jetstream.subscribeEvents?collections=app.bsky.feed.*\
             &dids=did%3Aplc%3Aa&zstdDictionary=5"
        );
        assert_eq!(of(&jetstream).address().split('?').count(), 1);
    }

    #[test]
    fn the_preferred_host_comes_first() {
        let mut relay = source(SourceKind::Relay, "wss://one.test");
        relay.fallback_urls = vec!["wss://two.test".to_owned()];
        let origins: Vec<String> = endpoints(&relay)
            .expect("good URLs")
            .iter()
            .map(|endpoint| endpoint.origin().to_owned())
            .collect();
        assert_eq!(origins, ["https://one.test", "https://two.test"]);
        relay.fallback_urls = vec!["two".to_owned()];
        assert!(endpoints(&relay).is_err());
    }
}
