//! Somebody signs in at a real PDS, which is their OAuth server too: with an app password, and by OAuth
//! with a loopback client. Then they write there, go on with new tokens, and sign out.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use millrace_atproto::Nsid;
use millrace_net::oauth::{Begin, Callback, ClientIdentity, LoopbackClient, Token};
use millrace_net::session::{Call, SignIn};
use millrace_net::{
    AppPasswords, Grant, HttpClient, HttpConfig, OAuthClient, OAuthError, OAuthGrant, PdsSession,
    Resolver, ResolverConfig, SessionError,
};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::client::{Account, Client};
use crate::network::Network;

const REDIRECT: &str = "http://127.0.0.1:5000/oauth/callback";
const SCOPE: &str = "atproto transition:generic";

/// A PDS with Alice, and a client that may ask it.
struct Place {
    network: Network,
    app: Client,
    alice: Account,
    oauth: OAuthClient,
    // Last: removed when all processes above are gone.
    _dir: TempDir,
}

impl Place {
    async fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("millrace-test-").tempdir()?;
        let network = Network::start("http://localhost:1", None, dir.path()).await?;
        let mut app = Client::start(&network, dir.path()).await?;
        let alice = app.create_account("alice").await?;
        let (clock, registry) = (SystemClock::shared(), Registry::new());
        let config = HttpConfig { allow_loopback: true, ..HttpConfig::default() };
        let http = HttpClient::new(&config, clock.clone(), &registry)?;
        let config = ResolverConfig {
            plc_url: network.plc_url.clone(),
            handle_resolver_url: Some(network.pds_url.clone()),
            refresh_interval_ms: 0,
            ..ResolverConfig::default()
        };
        let resolver = Resolver::new(http.clone(), config, clock.clone(), &registry)?;
        let loopback = LoopbackClient::new(vec![REDIRECT.to_owned()], SCOPE.to_owned())?;
        let identity = ClientIdentity::Loopback(loopback);
        let oauth = OAuthClient::new(identity, http, resolver, clock, Rng::from_entropy());
        Ok(Self { network, app, alice, oauth, _dir: dir })
    }

    async fn end(self) -> Result<()> {
        self.app.end().await?;
        self.network.end().await
    }

    async fn granted(&self, input: &str) -> Result<OAuthGrant> {
        let begun = self.oauth.begin(Begin { input, redirect_uri: REDIRECT, scope: SCOPE }).await?;
        let url = begun.authorize_url.as_str();
        let did = &self.alice.did;
        let query = Browser::new()?.agree(url, did, &self.alice.handle, "alice-pass").await?;
        Ok(self.oauth.finish(begun.pending, &Callback::parse(&query)?).await?)
    }

    /// Alice's session writes a post, which her PDS then holds.
    async fn writes(&self, grant: &Grant, text: &str) -> Result<()> {
        let session = PdsSession::new(&self.oauth, grant);
        let info = session.info().await?;
        ensure!(info.did.as_str() == self.alice.did && info.handle == self.alice.handle);
        let png = Bytes::from_static(b"\x89PNG\r\n\x1a\n");
        let blob = session.upload_blob("image/png", png).await?;
        ensure!(blob["size"] == 8, "{blob}");

        let record = json!({"$type": "app.bsky.feed.post", "text": text, "createdAt": "2024-01-01T00:00:00.000Z"});
        let input =
            json!({"repo": self.alice.did, "collection": "app.bsky.feed.post", "record": record});
        let create = Nsid::parse("com.atproto.repo.createRecord")?;
        let made: Value = session.json(&Call::procedure(create).json(&input)?).await?;
        let rkey = made["uri"].as_str().and_then(|uri| uri.rsplit('/').next()).context("a key")?;
        let get = Call::query(Nsid::parse("com.atproto.repo.getRecord")?)
            .param("repo", &*self.alice.did)
            .param("collection", "app.bsky.feed.post")
            .param("rkey", rkey);
        let got: Value = session.json(&get).await?;
        ensure!(got["value"]["text"] == text, "{got}");
        Ok(())
    }
}

#[tokio::test]
async fn with_an_app_password() -> Result<()> {
    let mut place = Place::new().await?;
    let named = json!({"name": "tests"});
    let made = place.app.procedure(&place.alice, "com.atproto.server.createAppPassword", named);
    let made = made.await?;
    let password = Token::new(made["password"].as_str().context("a password")?);
    let passwords = AppPasswords::new(&place.oauth);
    let handle = place.alice.handle.clone();
    let sign_in = SignIn { identifier: &handle, password: &password, code: None, server: None };
    let grant = passwords.sign_in(sign_in).await?;
    ensure!(grant.did.as_str() == place.alice.did && grant.expires_us.is_some());
    place.writes(&grant.clone().into(), "by app password").await?;

    // At the server's URL, as somebody who knows no handle.
    let server = Some(place.network.pds_url.as_str());
    let by_mail = SignIn { identifier: "alice@example.com", server, ..sign_in };
    passwords.sign_out(&passwords.sign_in(by_mail).await?).await?;
    let wrong = Token::new("no-such-pass");
    let refused = passwords.sign_in(SignIn { password: &wrong, ..sign_in }).await;
    ensure!(matches!(refused, Err(SessionError::WrongPassword)), "{refused:?}");

    let grant = passwords.refresh(&grant).await?;
    place.writes(&grant.clone().into(), "by its second token").await?;
    passwords.sign_out(&grant).await?;
    let refused = passwords.refresh(&grant).await;
    ensure!(refused.as_ref().is_err_and(SessionError::is_over), "{refused:?}");
    place.end().await
}

#[tokio::test]
async fn by_oauth() -> Result<()> {
    let place = Place::new().await?;
    for input in [place.alice.handle.clone(), place.network.pds_url.clone()] {
        let grant = place.granted(&input).await?;
        ensure!(grant.did.as_str() == place.alice.did && grant.scope == SCOPE, "{grant:?}");
        ensure!(grant.pds.as_str() == place.network.pds_url, "{grant:?}");
        place.writes(&grant.clone().into(), "by OAuth").await?;

        let renewed = place.oauth.refresh(&grant).await?;
        place.writes(&renewed.clone().into(), "by its second token").await?;
        place.oauth.revoke(&renewed).await?;
        let over = place.oauth.refresh(&renewed).await;
        ensure!(over.as_ref().is_err_and(OAuthError::session_is_over), "{over:?}");
    }

    // A refresh token used twice, as by a thief, ends the session for both.
    let grant = place.granted(&place.alice.did).await?;
    let renewed = place.oauth.refresh(&grant).await?;
    for stolen in [&grant, &renewed] {
        let over = place.oauth.refresh(stolen).await;
        ensure!(over.as_ref().is_err_and(OAuthError::session_is_over), "{over:?}");
    }
    place.end().await
}

#[tokio::test]
async fn or_not() -> Result<()> {
    let place = Place::new().await?;
    let input = place.alice.handle.as_str();
    let begin = Begin { input, redirect_uri: REDIRECT, scope: SCOPE };
    let begun = place.oauth.begin(begin).await?;
    let query = Browser::new()?.refuse(begun.authorize_url.as_str()).await?;
    let denied = place.oauth.finish(begun.pending, &Callback::parse(&query)?).await;
    let error = denied.err().context("she said no")?;
    ensure!(
        matches!(&error, OAuthError::Denied { error, .. } if error == "access_denied"),
        "{error}"
    );

    // The same callback once more: the server takes no code twice.
    let begun = place.oauth.begin(begin).await?;
    let (url, did) = (begun.authorize_url.as_str(), &place.alice.did);
    let query = Browser::new()?.agree(url, did, input, "alice-pass").await?;
    let callback = Callback::parse(&query)?;
    place.oauth.finish(begun.pending.clone(), &callback).await?;
    let replayed = place.oauth.finish(begun.pending, &callback).await;
    ensure!(matches!(replayed, Err(OAuthError::Refused { .. })), "{replayed:?}");
    place.end().await
}
