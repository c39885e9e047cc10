//! Servers, browsers and tokens that are not what they say: each lie has its own error, and tokens that
//! cannot be believed are given back.

use std::time::Duration;

use millrace_net::oauth::{Begin, Callback, Endpoint, MetadataFault, PENDING_LIFETIME_S};
use millrace_net::{HttpError, OAuthError};
use serde_json::{Value, json};

use super::fake::{Fake, Nonces};
use super::world::{ALICE, EVE, REDIRECT, SCOPE, World};

/// Why a sign-in at a server that was changed does not begin.
async fn refused(change: impl FnOnce(&Fake)) -> OAuthError {
    let world = World::new().await;
    change(&world.fake);
    world.begin("alice.test").await.unwrap_err()
}

/// The fault found in metadata.
async fn fault(change: impl FnOnce(&Fake)) -> MetadataFault {
    match refused(change).await {
        OAuthError::Metadata { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn metadata_that_speaks_for_others() {
    let evil = || json!("https://evil.example.com");
    let issuer = fault(|fake| fake.change("server", "issuer", evil())).await;
    assert_eq!(issuer, MetadataFault::Issuer("https://evil.example.com".to_owned()));
    let resource = fault(|fake| fake.change("resource", "resource", evil())).await;
    assert_eq!(resource, MetadataFault::Resource("https://evil.example.com".to_owned()));
    let protected = fault(|fake| fake.change("server", "protected_resources", json!([]))).await;
    assert!(matches!(protected, MetadataFault::Unprotected(_)), "{protected}");
    let servers = |servers: Value| {
        move |fake: &Fake| fake.change("resource", "authorization_servers", servers)
    };
    assert_eq!(fault(servers(json!([]))).await, MetadataFault::AuthorizationServers(0));
    let two = json!(["https://a.example", "https://b.example"]);
    assert_eq!(fault(servers(two)).await, MetadataFault::AuthorizationServers(2));
    for inside in ["https://10.0.0.1", "https://169.254.169.254", "http://entry.example.com"] {
        let inside = fault(servers(json!([inside]))).await;
        assert!(matches!(inside, MetadataFault::AuthorizationServer { .. }), "{inside}");
    }
}

#[tokio::test]
async fn metadata_that_is_none() {
    for name in ["resource", "server"] {
        let instead = |status: u16, kind: &'static str, body: String| {
            move |fake: &Fake| {
                fake.play.lock().instead.insert(name, (status, kind, body));
            }
        };
        let json = "application/json";
        let status = fault(instead(404, json, "{}".to_owned())).await;
        assert_eq!(status, MetadataFault::Status(404));
        let status = fault(instead(203, json, "{}".to_owned())).await;
        assert_eq!(status, MetadataFault::Status(203));
        let kind = fault(instead(200, "text/html", "{}".to_owned())).await;
        assert_eq!(kind, MetadataFault::ContentType("text/html".to_owned()));
        let unlike = fault(instead(200, json, "<html>".to_owned())).await;
        assert!(matches!(unlike, MetadataFault::Json(_)), "{unlike}");
        let elsewhere = refused(instead(302, "", "https://evil.example.com/".to_owned())).await;
        assert!(matches!(elsewhere, OAuthError::Http(HttpError::Redirects { .. })), "{elsewhere}");
        let long = refused(instead(200, json, " ".repeat(100_000))).await;
        assert!(matches!(long, OAuthError::Http(HttpError::TooLarge { .. })), "{long}");
    }
}

#[tokio::test]
async fn endpoints_that_lead_inside_or_are_not_secret() {
    for member in
        ["token_endpoint", "authorization_endpoint", "pushed_authorization_request_endpoint"]
    {
        for url in ["http://entry.example.com/x", "https://192.168.0.1/x", "javascript:alert(1)"] {
            let found = fault(|fake| fake.change("server", member, json!(url))).await;
            assert!(matches!(found, MetadataFault::Endpoint { .. }), "{member} {url}: {found}");
        }
        let found = fault(|fake| fake.change("server", member, Value::Null)).await;
        assert_eq!(found, MetadataFault::NoEndpoint { member });
    }
    let member = "require_pushed_authorization_requests";
    let found = fault(|fake| fake.change("server", member, json!(false))).await;
    assert_eq!(found, MetadataFault::Unsupported { member, wanted: "true" });
}

#[tokio::test]
async fn names_that_lead_nowhere_or_to_somebody_else() {
    let world = World::new().await;
    for input in ["", "not a handle", "did:", "alice@example.com", "ftp://a.example"] {
        let error = world.begin(input).await.unwrap_err();
        assert!(matches!(error, OAuthError::Input), "{input}: {error}");
    }
    for input in ["https://10.0.0.1", "http://pds.example.com", "https://a.example/path"] {
        let error = world.begin(input).await.unwrap_err();
        assert!(matches!(error, OAuthError::Server(_)), "{input}: {error}");
    }
    let error = world.begin("nobody.test").await.unwrap_err();
    assert!(matches!(error, OAuthError::Resolve(_)), "{error}");
    // A handle that points at an account which does not own it.
    world.fake.play.lock().handles.insert("mine.test".to_owned(), ALICE.to_owned());
    let error = world.begin("mine.test").await.unwrap_err();
    assert!(matches!(error, OAuthError::HandleUnproven { .. }), "{error}");
    // An account without a PDS.
    world.fake.play.lock().documents.insert(EVE.to_owned(), json!({ "id": EVE }));
    let error = world.begin(EVE).await.unwrap_err();
    assert!(matches!(error, OAuthError::NoPds { .. }), "{error}");
}

#[tokio::test]
async fn a_pushed_request_that_is_refused_or_answered_badly() {
    let body = json!({ "error": "invalid_scope", "error_description": "no \u{7} more" });
    let error = refused(|fake| {
        fake.play.lock().refusals.insert("par", (400, body));
    })
    .await;
    let told = "pushed authorization request refused: invalid_scope: no  more";
    assert_eq!((error.to_string().as_str(), error.is_transient()), (told, false));
    let down = refused(|fake| {
        fake.play.lock().refusals.insert("par", (503, json!("")));
    })
    .await;
    assert!(down.is_transient(), "{down}");
    for uri in [json!(null), json!(""), json!("x".repeat(2000))] {
        let error = refused(|fake| fake.change("par", "request_uri", uri)).await;
        let answer = matches!(error, OAuthError::Answer { endpoint: Endpoint::Par, .. });
        assert!(answer, "{error}");
    }
    let error = refused(|fake| fake.play.lock().nonces = Nonces::Never).await;
    assert!(matches!(error, OAuthError::NoNonce { .. }), "{error}");
}

/// What comes of a callback that was changed on the way.
async fn brought_back(change: impl FnOnce(&World, String) -> String) -> OAuthError {
    let world = World::new().await;
    let begun = world.begin("alice.test").await.unwrap();
    let query = change(&world, world.fake.authorize(&begun.authorize_url));
    let callback = match Callback::parse(&query) {
        Ok(callback) => callback,
        Err(error) => return error,
    };
    world.asked();
    let error = world.client.finish(begun.pending, &callback).await.unwrap_err();
    assert!(world.asked().is_empty(), "nobody is asked for a callback that is refused: {error}");
    error
}

/// A query without one of its parameters, and with something else.
fn without(query: &str, name: &str, instead: &str) -> String {
    let kept = query.split('&').filter(|pair| !pair.starts_with(&format!("{name}=")));
    kept.chain([instead]).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn callbacks_from_elsewhere() {
    let error = brought_back(|_, query| without(&query, "iss", "")).await;
    assert!(matches!(error, OAuthError::NoIssuer), "{error}");
    let evil = "iss=https%3A%2F%2Fevil.example.com";
    let error = brought_back(|_, query| without(&query, "iss", evil)).await;
    assert!(matches!(error, OAuthError::Issuer { .. }), "{error}");
    let error = brought_back(|world, query| {
        let slash = format!("iss={}/", world.fake.origin());
        without(&query, "iss", &slash)
    })
    .await;
    assert!(matches!(error, OAuthError::Issuer { .. }), "{error}");
    let error = brought_back(|_, query| without(&query, "state", "state=other")).await;
    assert!(matches!(error, OAuthError::State), "{error}");
    let error = brought_back(|_, query| without(&query, "state", "")).await;
    assert!(matches!(error, OAuthError::Callback(_)), "{error}");
    let error = brought_back(|_, query| without(&query, "code", "")).await;
    assert!(matches!(error, OAuthError::Callback(_)), "{error}");
    let error = brought_back(|_, query| format!("{query}&{evil}")).await;
    assert!(matches!(error, OAuthError::Callback(_)), "{error}");
    let denied = "error=access_denied&error_description=The+user+said+no";
    let error = brought_back(|_, query| without(&query, "code", denied)).await;
    assert_eq!(error.to_string(), "sign-in refused: access_denied: The user said no");
    let error = brought_back(|world, query| {
        world.clock.advance(Duration::from_secs(PENDING_LIFETIME_S.unsigned_abs()));
        query
    })
    .await;
    assert!(matches!(error, OAuthError::Expired), "{error}");
}

#[tokio::test]
async fn a_code_is_good_once_and_only_for_what_was_begun() {
    let world = World::new().await;
    let begun = world.begin("alice.test").await.unwrap();
    let query = world.fake.authorize(&begun.authorize_url);
    let callback = Callback::parse(&query).unwrap();
    world.client.finish(begun.pending.clone(), &callback).await.unwrap();
    // Taken out twice by mistake: the server still takes the code once.
    let error = world.client.finish(begun.pending, &callback).await.unwrap_err();
    assert!(matches!(error, OAuthError::Refused { endpoint: Endpoint::Token, .. }), "{error}");

    // Somebody else's code in this sign-in: the verifier does not fit.
    let begun = world.begin("alice.test").await.unwrap();
    let own = world.fake.authorize(&begun.authorize_url);
    let other = world.begin("alice.test").await.unwrap();
    let other = world.fake.authorize(&other.authorize_url);
    let code = other.split('&').find(|pair| pair.starts_with("code=")).unwrap();
    let callback = Callback::parse(&without(&own, "code", code)).unwrap();
    let error = world.client.finish(begun.pending, &callback).await.unwrap_err();
    assert!(error.to_string().contains("invalid_grant"), "{error}");
}

/// What comes of tokens that were changed; they are given back.
async fn granted(input: &str, change: impl FnOnce(&World)) -> OAuthError {
    let world = World::new().await;
    change(&world);
    let error = world.sign_in(input).await.unwrap_err();
    assert_eq!(world.fake.play.lock().revoked.len(), 1, "given back: {error}");
    error
}

#[tokio::test]
async fn tokens_that_are_not_what_was_meant() {
    let changed = async |member: &'static str, value: Value| {
        granted("alice.test", |world| world.fake.change("token", member, value)).await
    };
    let error = changed("sub", json!(EVE)).await;
    assert!(matches!(error, OAuthError::Sub { .. }), "{error}");
    let error = changed("sub", json!("alice.test")).await;
    assert!(matches!(error, OAuthError::NoSub), "{error}");
    let error = changed("sub", Value::Null).await;
    assert!(matches!(error, OAuthError::NoSub), "{error}");
    for scope in [json!("transition:generic"), json!("atprotox"), json!(""), Value::Null] {
        let error = changed("scope", scope).await;
        assert!(matches!(error, OAuthError::Scope), "{error}");
    }
    for kind in [json!("Bearer"), Value::Null] {
        let error = changed("token_type", kind).await;
        assert!(matches!(error, OAuthError::TokenType), "{error}");
    }
    for access in [Value::Null, json!(""), json!("a\r\nb: c")] {
        let error = changed("access_token", access).await;
        assert!(matches!(error, OAuthError::Answer { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_server_does_not_speak_for_accounts_of_other_servers() {
    // Begun at the server's own URL, so that nobody was named: it claims somebody who lives elsewhere.
    let elsewhere = Fake::start().await;
    let world = World::new().await;
    world.fake.register(EVE, "eve.test", &elsewhere.origin());
    world.fake.play.lock().sub = EVE.to_owned();
    let error = world.sign_in(&world.fake.origin()).await.unwrap_err();
    match &error {
        OAuthError::NotAuthoritative { issuer, named, .. } => {
            assert_eq!(issuer.as_str(), world.fake.origin());
            assert_eq!(named.as_str(), elsewhere.origin());
        }
        other => panic!("{other}"),
    }
    assert_eq!(world.fake.play.lock().revoked.len(), 1);

    // Somebody who does not exist is nobody either.
    world.fake.play.lock().sub = "did:plc:nobody".to_owned();
    let error = world.sign_in(&world.fake.origin()).await.unwrap_err();
    assert!(matches!(error, OAuthError::Resolve(_)), "{error}");
    assert_eq!(world.fake.play.lock().revoked.len(), 2);
}

#[tokio::test]
async fn an_account_that_moves_away_while_the_browser_is_gone_is_not_signed_in() {
    let world = World::new().await;
    let elsewhere = Fake::start().await;
    let begun = world.begin("alice.test").await.unwrap();
    let callback = Callback::parse(&world.fake.authorize(&begun.authorize_url)).unwrap();
    world.fake.register(ALICE, "alice.test", &elsewhere.origin());
    let error = world.client.finish(begun.pending, &callback).await.unwrap_err();
    assert!(matches!(error, OAuthError::NotAuthoritative { .. }), "{error}");
    assert_eq!(world.fake.play.lock().revoked.len(), 1);
}

#[tokio::test]
async fn renewed_tokens_of_somebody_else_end_the_session() {
    for (member, value) in
        [("sub", json!(EVE)), ("scope", json!("x")), ("token_type", json!("Bearer"))]
    {
        let world = World::new().await;
        let grant = world.sign_in("alice.test").await.unwrap();
        world.fake.change("token", member, value);
        let error = world.client.refresh(&grant).await.unwrap_err();
        assert!(error.session_is_over(), "{member}: {error}");
        assert_eq!(world.fake.play.lock().revoked.len(), 1, "{member}");
    }
}

#[tokio::test]
async fn a_client_that_is_not_the_one_that_began_does_not_finish() {
    let world = World::new().await;
    let begin = Begin { input: "alice.test", redirect_uri: REDIRECT, scope: SCOPE };
    let begun = world.client.begin(begin).await.unwrap();
    let callback = Callback::parse(&world.fake.authorize(&begun.authorize_url)).unwrap();
    let other = world.confidential(&[1]);
    let error = other.finish(begun.pending, &callback).await.unwrap_err();
    assert!(matches!(error, OAuthError::OtherClient), "{error}");
}
