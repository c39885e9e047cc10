//! What a session of either kind may ask of its PDS, and how it ends.

use axum::http::header::AUTHORIZATION;
use bytes::Bytes;
use millrace_atproto::Nsid;
use millrace_net::oauth::Token;
use millrace_net::session::{Call, SignIn};
use millrace_net::{AppPasswords, Grant, PdsSession, SessionError};
use serde_json::{Value, json};

use super::fake::{Fake, Nonces};
use super::world::{ALICE, EVE, World};

fn query(method: &str) -> Call {
    Call::query(Nsid::parse(method).unwrap())
}

async fn with_password(
    world: &World,
    identifier: &str,
    server: Option<&str>,
) -> Result<Grant, SessionError> {
    let (password, code) = (Token::new("app-pass"), Token::new("123456"));
    let code = Some(&code).filter(|_| identifier.starts_with("did:"));
    let sign_in = SignIn { identifier, password: &password, code, server };
    AppPasswords::new(&world.client).sign_in(sign_in).await.map(Grant::from)
}

#[tokio::test]
async fn a_session_of_either_kind_asks_its_pds() {
    let world = World::new().await;
    world.fake.play.lock().nonces = Nonces::EveryRequest;
    let granted: Grant = world.sign_in("alice.test").await.unwrap().into();
    let password = with_password(&world, "alice.test", None).await.unwrap();
    for (grant, scheme) in [(granted, "DPoP access-"), (password, "Bearer access-")] {
        let session = PdsSession::new(&world.client, &grant);
        let call = query("app.bsky.feed.getTimeline").param("limit", "5");
        let call = call.proxied("did:web:api.example.com#bsky_appview").unwrap();
        let answer: Value = session.json(&call).await.unwrap();
        assert_eq!(answer["method"], "app.bsky.feed.getTimeline");
        let headers = world.fake.play.lock().headers.clone();
        assert!(headers[AUTHORIZATION].to_str().unwrap().starts_with(scheme));
        assert_eq!(headers["atproto-proxy"], "did:web:api.example.com#bsky_appview");
        assert_eq!(headers.contains_key("dpop"), scheme.starts_with("DPoP"));

        let call = Call::procedure(Nsid::parse("com.atproto.repo.createRecord").unwrap());
        let call = call.json(&json!({ "repo": ALICE })).unwrap();
        session.send(&call).await.unwrap();
        assert_eq!(world.fake.play.lock().last, format!("{{\"repo\":\"{ALICE}\"}}"));
        let blob = session.upload_blob("image/png", Bytes::from(vec![1; 10_000])).await.unwrap();
        assert_eq!(blob["size"], 10_000);
        assert_eq!(session.info().await.unwrap().did.as_str(), ALICE);
    }
}

#[tokio::test]
async fn a_token_that_ended_is_told_apart_and_renewed() {
    let world = World::new().await;
    let granted = world.sign_in("alice.test").await.unwrap();
    let password = with_password(&world, "alice.test", None).await.unwrap();
    world.fake.play.lock().access.clear();
    for grant in [Grant::from(granted.clone()), password.clone()] {
        let session = PdsSession::new(&world.client, &grant);
        let error = session.info().await.unwrap_err();
        assert!(matches!(error, SessionError::Expired), "{error}");
    }
    let renewed = Grant::from(world.client.refresh(&granted).await.unwrap());
    PdsSession::new(&world.client, &renewed).info().await.unwrap();

    let Grant::Password(password) = password else { panic!("{password:?}") };
    let passwords = AppPasswords::new(&world.client);
    let renewed = passwords.refresh(&password).await.unwrap();
    PdsSession::new(&world.client, &renewed.clone().into()).info().await.unwrap();
    assert!(passwords.refresh(&password).await.unwrap_err().is_over());
    passwords.sign_out(&renewed).await.unwrap();
    assert_eq!(world.fake.play.lock().revoked, [renewed.refresh.expose()]);
    assert!(passwords.refresh(&renewed).await.unwrap_err().is_over());
}

#[tokio::test]
async fn an_app_password_signs_in_who_it_is_of() {
    let world = World::new().await;
    let origin = world.fake.origin();
    let grant = with_password(&world, "mail@example.com", Some(&origin)).await.unwrap();
    assert_eq!((grant.did().as_str(), grant.pds().as_str()), (ALICE, origin.as_str()));
    assert!(!format!("{grant:?}").contains("access-"));
    let stored = serde_json::to_string(&grant).unwrap();
    let again: Grant = serde_json::from_str(&stored).unwrap();
    PdsSession::new(&world.client, &again).info().await.unwrap();

    world.fake.play.lock().refusals.insert("code", (401, Value::Null));
    let error = with_password(&world, "alice.test", None).await.unwrap_err();
    assert!(matches!(error, SessionError::CodeNeeded), "{error}");
    with_password(&world, ALICE, None).await.unwrap();

    let password = Token::new("wrong");
    let sign_in = SignIn { identifier: ALICE, password: &password, code: None, server: None };
    let error = AppPasswords::new(&world.client).sign_in(sign_in).await.unwrap_err();
    assert!(matches!(error, SessionError::WrongPassword), "{error}");
}

#[tokio::test]
async fn a_server_that_answers_for_somebody_else_is_not_believed() {
    let world = World::new().await;
    let elsewhere = Fake::start().await;
    elsewhere.play.lock().sub = EVE.to_owned();
    world.fake.register(EVE, "eve.test", &elsewhere.origin());
    world.fake.change("password", "did", json!(EVE));
    // Named: it has to be the one named. Not named: the account's own PDS has to know the token.
    for server in [None, Some(world.fake.origin())] {
        let error = with_password(&world, "alice.test", server.as_deref()).await.unwrap_err();
        assert!(matches!(error, SessionError::OtherAccount), "{error}");
    }
    assert_eq!(world.fake.play.lock().revoked.len(), 2, "ended at once");

    // An entryway: the account's PDS knows the token.
    elsewhere.play.lock().access.insert("access-of-both".to_owned(), String::new());
    world.fake.change("password", "accessJwt", json!("access-of-both"));
    let origin = world.fake.origin();
    let grant = with_password(&world, "eve.test", Some(&origin)).await.unwrap();
    assert_eq!((grant.did().as_str(), grant.pds().as_str()), (EVE, elsewhere.origin().as_str()));
}

#[tokio::test]
async fn what_the_pds_refuses_is_told() {
    let world = World::new().await;
    let grant: Grant = world.sign_in("alice.test").await.unwrap().into();
    let session = PdsSession::new(&world.client, &grant);
    let refuse = |status: u16, error: &str| {
        let body = json!({ "error": error, "message": "because" });
        world.fake.play.lock().refusals.insert("xrpc", (status, body));
    };
    refuse(400, "InvalidRequest");
    let error = session.info().await.unwrap_err();
    assert_eq!(error.to_string(), "status 400: InvalidRequest: because");
    refuse(503, "NotNow");
    assert!(session.info().await.unwrap_err().is_transient());
    refuse(401, "AccountTakedown");
    assert!(matches!(session.info().await.unwrap_err(), SessionError::Takendown));
    refuse(302, "");
    assert!(matches!(
        session.info().await.unwrap_err(),
        SessionError::Http(_) | SessionError::Xrpc { .. }
    ));
    refuse(429, "RateLimitExceeded");
    let error = session.info().await.unwrap_err();
    assert!(matches!(error, SessionError::RateLimited { .. }) && error.is_transient(), "{error}");
}
