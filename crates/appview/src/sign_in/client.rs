//! As whom this service asks authorization servers: as a loopback client where only its own machine reaches it, as a
//! confidential client where it has a name and keys.

use std::net::{Ipv6Addr, SocketAddr};

use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_net::oauth::{
    ClientFault, ClientIdentity, ClientKey, ConfidentialClient, LoopbackClient,
};
use millrace_runtime::config::Secret;
use serde::{Deserialize, Serialize, Serializer};
use url::{Host, Url};

use crate::config::AppviewConfig;
use crate::service_key::hex_key;

/// Everything that is asked for: acting in the account's repository, and asking other services in its name.
pub(crate) const SCOPE: &str = "atproto transition:generic";
/// Where the AppView listens unless it is told.
const DEFAULT_PORT: u16 = 5000;
const CALLBACK: &str = "/oauth/callback";

/// P-256 private keys of the OAuth client: 64 hexadecimal characters each, with blanks or line ends between them.
/// Never printed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Secret")]
pub struct OAuthKeys(Secret, Vec<ClientKey>);

impl TryFrom<Secret> for OAuthKeys {
    type Error = String;

    fn try_from(secret: Secret) -> Result<Self, String> {
        let keys = secret.expose().split_whitespace().map(key).collect::<Result<_, _>>()?;
        Ok(Self(secret, keys))
    }
}

impl Serialize for OAuthKeys {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl OAuthKeys {
    /// What servers know each of them by, the newest first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.1.iter().map(ClientKey::id)
    }
}

fn key(text: &str) -> Result<ClientKey, String> {
    let bytes = hex_key(text).ok_or("each key must be 64 hexadecimal characters")?;
    let key = SigningKey::from_bytes(Curve::P256, &bytes);
    let key = key.map_err(|error| format!("is no P-256 private key: {error}"))?;
    ClientKey::new(key).map_err(|error| error.to_string())
}

/// As whom servers are asked, and where browsers come back to.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) identity: ClientIdentity,
    /// The origin that a browser has to sign in under, to be known again when it comes back.
    pub(crate) origin: String,
    pub(crate) redirect_uri: String,
    /// Whether authorization servers would answer it: a public service needs keys.
    pub(crate) speaks_oauth: bool,
}

impl Client {
    /// As configured; `listening` is where this process answers.
    pub(crate) fn new(
        config: &AppviewConfig,
        listening: Option<SocketAddr>,
    ) -> Result<Self, ClientFault> {
        let public = config.public_url.as_str();
        if !public.starts_with("https://") {
            return Self::loopback(public, listening);
        }
        if config.oauth_keys.1.is_empty() {
            // App passwords alone; the identity is not shown to anybody.
            let client = Self::loopback("http://127.0.0.1", None)?;
            return Ok(Self { origin: public.to_owned(), speaks_oauth: false, ..client });
        }
        let redirect_uri = format!("{public}{CALLBACK}");
        let identity = ClientIdentity::confidential(ConfidentialClient {
            client_id: format!("{public}/oauth/client-metadata.json"),
            client_name: config.name.clone(),
            redirect_uris: vec![redirect_uri.clone()],
            scope: SCOPE.to_owned(),
            jwks_uri: format!("{public}/oauth/jwks.json"),
            keys: config.oauth_keys.1.clone(),
        })?;
        Ok(Self { identity, origin: public.to_owned(), redirect_uri, speaks_oauth: true })
    }

    /// The protocol's client for one machine: servers send browsers to an address, never to `localhost`.
    fn loopback(public: &str, listening: Option<SocketAddr>) -> Result<Self, ClientFault> {
        let known = Url::parse(public).ok();
        let is_here = known.as_ref().and_then(Url::host).is_none_or(|host| match host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        });
        // Whoever says where this is knows it better than the socket, of which a container may be in front.
        let is_told = public != AppviewConfig::default().public_url.as_str();
        let told = known.filter(|_| is_told).and_then(|url| url.port_or_known_default());
        let port = told.or(listening.map(|addr| addr.port())).unwrap_or(DEFAULT_PORT);
        let is_v6 = listening.is_some_and(|addr| addr.ip() == Ipv6Addr::LOCALHOST);
        let host = if is_v6 { "[::1]" } else { "127.0.0.1" };
        let origin = match port {
            80 => format!("http://{host}"),
            port => format!("http://{host}:{port}"),
        };
        let redirect_uri = format!("{origin}{CALLBACK}");
        let client = LoopbackClient::new(vec![redirect_uri.clone()], SCOPE.to_owned())?;
        Ok(Self {
            identity: ClientIdentity::Loopback(client),
            origin,
            redirect_uri,
            speaks_oauth: is_here,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::urls::PublicUrl;

    fn client(public_url: &str, keys: &[&str], listening: Option<&str>) -> Client {
        let config = AppviewConfig {
            public_url: PublicUrl::parse(public_url).unwrap(),
            oauth_keys: OAuthKeys::try_from(Secret::from(keys.join("\n"))).unwrap(),
            ..AppviewConfig::default()
        };
        Client::new(&config, listening.map(|addr| addr.parse().unwrap())).unwrap()
    }

    #[test]
    fn on_a_machine_of_its_own_it_is_an_address_and_needs_no_key() {
        let check = |public_url: &str, listening: Option<&str>, origin: &str, speaks: bool| {
            let client = client(public_url, &[], listening);
            assert_eq!(client.origin, origin, "{public_url} {listening:?}");
            assert_eq!(client.redirect_uri, format!("{origin}/oauth/callback"));
            assert_eq!(client.speaks_oauth, speaks, "{public_url}");
            assert!(client.identity.metadata().is_none());
        };
        let default = "http://localhost:5000";
        check(default, None, "http://127.0.0.1:5000", true);
        check(default, Some("127.0.0.1:6000"), "http://127.0.0.1:6000", true);
        check(default, Some("[::1]:6000"), "http://[::1]:6000", true);
        check(default, Some("0.0.0.0:80"), "http://127.0.0.1", true);
        check("http://localhost:8080", Some("0.0.0.0:5000"), "http://127.0.0.1:8080", true);
        check("http://127.0.0.1:8080", None, "http://127.0.0.1:8080", true);
        check("http://appview.example", None, "http://127.0.0.1", false);
    }

    #[test]
    fn on_the_internet_it_needs_a_key() {
        let public_url = "https://appview.example";
        let without = client(public_url, &[], None);
        assert_eq!((without.origin.as_str(), without.speaks_oauth), (public_url, false));
        assert!(without.identity.metadata().is_none());
        let with = client(public_url, &[&"1".repeat(64), &"2".repeat(64)], Some("0.0.0.0:5000"));
        assert_eq!((with.origin.as_str(), with.speaks_oauth), (public_url, true));
        let metadata = with.identity.metadata().unwrap();
        assert_eq!(metadata["client_id"], format!("{public_url}/oauth/client-metadata.json"));
        assert_eq!(metadata["redirect_uris"][0], format!("{public_url}/oauth/callback"));
        assert_eq!(with.identity.jwks().unwrap()["keys"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_key_is_one_of_p256_and_is_not_shown() {
        for wrong in ["11", "11 22", &"0".repeat(64), &"f".repeat(64), &"g".repeat(64)] {
            assert!(OAuthKeys::try_from(Secret::from(wrong)).is_err(), "{wrong}");
        }
        let key = OAuthKeys::try_from(Secret::from("1".repeat(64).as_str())).unwrap();
        assert!(!format!("{key:?}").contains("1111"));
        assert!(!serde_json::to_string(&key).unwrap().contains("1111"));
    }
}
