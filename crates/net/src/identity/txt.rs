//! A handle's DID in DNS: TXT records of `_atproto.<handle>`.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig as DnsConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use millrace_atproto::{Did, Handle};

use super::ResolveError;

/// Bytes of a TXT record that are looked at.
const TXT_BYTES_MAX: usize = 4096;

/// A client of the DNS.
#[derive(Clone)]
pub(super) struct Txt {
    resolver: TokioResolver,
}

impl Txt {
    /// Asks `servers`, or the system's if there are none.
    pub(super) fn new(servers: &[String]) -> Result<Self, ResolveError> {
        let setup = |reason: String| ResolveError::Setup { reason };
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio().map_err(|error| setup(format!("system DNS: {error}")))?
        } else {
            let servers = servers.iter().map(|server| {
                name_server(server)
                    .ok_or_else(|| setup(format!("dns_servers: {server} is no address")))
            });
            let config = DnsConfig::from_name_servers(servers.collect::<Result<_, _>>()?);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        // The cache above this one knows the clock and when to forget.
        builder.options_mut().cache_size = 0;
        let resolver = builder.build().map_err(|error| setup(format!("DNS: {error}")))?;
        Ok(Self { resolver })
    }

    /// The DID the handle's DNS names; `None` if it names none.
    pub(super) async fn did(&self, handle: &Handle) -> Result<Option<Did>, ResolveError> {
        let name = format!("_atproto.{handle}.");
        match self.resolver.txt_lookup(name).await {
            Ok(found) => {
                let texts = found.answers().iter().filter_map(|record| match &record.data {
                    RData::TXT(txt) => Some(txt.txt_data.concat()),
                    _ => None,
                });
                named(handle, texts)
            }
            Err(NetError::Dns(error)) if NetError::Dns(error.clone()).is_no_records_found() => {
                Ok(None)
            }
            Err(error) => {
                Err(ResolveError::Dns { subject: handle.to_string(), reason: error.to_string() })
            }
        }
    }
}

fn name_server(server: &str) -> Option<NameServerConfig> {
    let (ip, port) = match server.parse::<SocketAddr>() {
        Ok(addr) => (addr.ip(), addr.port()),
        Err(_) => (server.parse::<IpAddr>().ok()?, 53),
    };
    let mut config = NameServerConfig::udp_and_tcp(ip);
    for connection in &mut config.connections {
        connection.port = port;
    }
    Some(config)
}

/// The one DID that `did=` texts name. Other texts do not matter; the same DID twice is one.
fn named(
    handle: &Handle,
    texts: impl Iterator<Item = Vec<u8>>,
) -> Result<Option<Did>, ResolveError> {
    let mut found: Option<Did> = None;
    for text in texts.filter(|text| text.len() <= TXT_BYTES_MAX) {
        let Ok(text) = String::from_utf8(text) else { continue };
        let Some(did) = text.trim().strip_prefix("did=") else { continue };
        let Ok(did) = Did::parse(did) else { continue };
        match &found {
            Some(other) if *other != did => {
                return Err(ResolveError::Ambiguous { subject: handle.to_string() });
            }
            _ => found = Some(did),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn texts_name_one_did_or_none() {
        let handle = Handle::parse("alice.example.com").unwrap();
        let check = |texts: &[&str], expected: Result<Option<&str>, ()>| {
            let texts = texts.iter().map(|text| text.as_bytes().to_vec());
            let found = named(&handle, texts).map_err(|_| ());
            assert_eq!(
                found.map(|did| did.map(|did| did.to_string())),
                expected.map(|did| did.map(str::to_owned))
            );
        };
        check(&[], Ok(None));
        check(&["did=did:plc:abc"], Ok(Some("did:plc:abc")));
        check(&["v=spf1", "did=did:plc:abc", "did="], Ok(Some("did:plc:abc")));
        check(&["did=did:plc:abc", "did=did:plc:abc"], Ok(Some("did:plc:abc")));
        check(&["did=did:plc:abc", "did=did:web:b.example"], Err(()));
        check(&["did=nonsense", "DID=did:plc:abc"], Ok(None));
    }

    #[test]
    fn servers_are_addresses() {
        let port = |server: &str| name_server(server).map(|config| config.connections[0].port);
        assert_eq!(port("9.9.9.9"), Some(53));
        assert_eq!(port("127.0.0.1:5353"), Some(5353));
        assert_eq!(port("[::1]:5353"), Some(5353));
        assert_eq!(port("dns.example"), None);
    }
}
