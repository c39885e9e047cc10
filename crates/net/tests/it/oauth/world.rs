//! A client with a server to sign in at, and the clock it goes by.

use millrace_atproto::crypto::{Curve, SigningKey};
use millrace_net::oauth::{
    Begin, Begun, Callback, ClientIdentity, ClientKey, ConfidentialClient, LoopbackClient,
};
use millrace_net::{HttpConfig, OAuthClient, OAuthError, OAuthGrant, Resolver, ResolverConfig};
use millrace_runtime::clock::ManualClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;

use super::fake::Fake;
use crate::server::client;

pub const ALICE: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
pub const EVE: &str = "did:plc:z72i7hdynmk6r22z27h6tvur";
pub const REDIRECT: &str = "http://127.0.0.1:5000/oauth/callback";
pub const SCOPE: &str = "atproto transition:generic";

pub struct World {
    pub fake: Fake,
    pub client: OAuthClient,
    pub clock: ManualClock,
    resolver: Resolver,
}

impl World {
    /// Alice lives on the fake server and is about to sign in there.
    pub async fn new() -> Self {
        let fake = Fake::start().await;
        fake.register(ALICE, "alice.test", &fake.origin());
        fake.play.lock().sub = ALICE.to_owned();
        let (http, clock) = client(HttpConfig::default());
        let config = ResolverConfig {
            plc_url: fake.server.url("/plc"),
            handle_resolver_url: Some(fake.origin()),
            refresh_interval_ms: 0,
            ..ResolverConfig::default()
        };
        let resolver = Resolver::new(http.clone(), config, clock.shared(), &Registry::new());
        let resolver = resolver.unwrap();
        let loopback = LoopbackClient::new(vec![REDIRECT.to_owned()], SCOPE.to_owned()).unwrap();
        let identity = ClientIdentity::Loopback(loopback);
        let rng = Rng::seeded(1);
        let client = OAuthClient::new(identity, http, resolver.clone(), clock.shared(), rng);
        Self { fake, client, clock, resolver }
    }

    /// The same people and servers, with a confidential client of these keys, newest first.
    pub fn confidential(&self, seeds: &[u8]) -> OAuthClient {
        let keys = seeds.iter().map(|seed| key(*seed)).collect();
        let identity = ClientIdentity::confidential(ConfidentialClient {
            client_id: "https://app.example.com/oauth/client.json".to_owned(),
            client_name: "Example".to_owned(),
            redirect_uris: vec!["https://app.example.com/oauth/callback".to_owned()],
            scope: SCOPE.to_owned(),
            jwks_uri: "https://app.example.com/oauth/jwks.json".to_owned(),
            keys,
        });
        let identity = identity.unwrap();
        self.fake.play.lock().jwks = identity.jwks();
        let (http, _) = client(HttpConfig::default());
        // Each stands for a process of its own, which draws other numbers.
        let rng = Rng::seeded(seeds.iter().fold(2, |mixed, seed| mixed * 31 + u64::from(*seed)));
        OAuthClient::new(identity, http, self.resolver.clone(), self.clock.shared(), rng)
    }

    pub async fn begin(&self, input: &str) -> Result<Begun, OAuthError> {
        self.client.begin(Begin { input, redirect_uri: REDIRECT, scope: SCOPE }).await
    }

    /// Begins, lets the browser go there and back, and finishes.
    pub async fn sign_in(&self, input: &str) -> Result<OAuthGrant, OAuthError> {
        let begun = self.begin(input).await?;
        let callback = Callback::parse(&self.fake.authorize(&begun.authorize_url))?;
        assert_eq!(callback.state_hash(), begun.pending.state_hash());
        self.client.finish(begun.pending, &callback).await
    }

    /// What was asked since the last call, without the directory.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.fake.play.lock().asked)
    }
}

pub fn key(seed: u8) -> ClientKey {
    let key = SigningKey::generate(Curve::P256, &mut |bytes| bytes.fill(seed));
    ClientKey::new(key).unwrap()
}
