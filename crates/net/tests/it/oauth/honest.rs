//! What an honest server grants, to a client that does as the standards say: the server checks it.

use std::time::Duration;

use millrace_net::oauth::{Begin, Callback, Pending};
use millrace_net::{Grant, OAuthError, OAuthGrant};

use super::fake::{Fake, Nonces};
use super::world::{ALICE, REDIRECT, SCOPE, World, key};
use crate::server::NOW_US;

#[tokio::test]
async fn somebody_signs_in_by_handle_did_or_server() {
    let world = World::new().await;
    let origin = world.fake.origin();
    for input in ["alice.test", " @alice.test ", "at://alice.test", ALICE, origin.as_str()] {
        let grant = world.sign_in(input).await.unwrap();
        assert_eq!((grant.did.as_str(), grant.pds.as_str()), (ALICE, origin.as_str()), "{input}");
        assert_eq!((grant.issuer.as_str(), grant.scope.as_str()), (origin.as_str(), SCOPE));
        assert_eq!(grant.expires_us, Some(NOW_US + 900_000_000));
    }
    assert!(world.fake.play.lock().revoked.is_empty());
}

#[tokio::test]
async fn the_server_is_told_what_was_typed_and_where_to_come_back_to() {
    let world = World::new().await;
    let begun = world.begin("alice.test").await.unwrap();
    assert_eq!(begun.pending.did.as_ref().map(|did| did.as_str()), Some(ALICE));
    let last = world.fake.play.lock().last.clone();
    assert!(last.contains("login_hint=alice.test"), "{last}");
    assert!(
        last.contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Foauth%2Fcallback"),
        "{last}"
    );
    let url = begun.authorize_url.as_str();
    let expected = "/oauth/authorize?client_id=http%3A%2F%2Flocalhost%3Fredirect_uri";
    assert!(url.starts_with(&world.fake.server.url(expected)), "{url}");

    let begun = world.begin(&world.fake.origin()).await.unwrap();
    assert_eq!(begun.pending.did, None);
    assert!(!world.fake.play.lock().last.contains("login_hint"));
}

#[tokio::test]
async fn what_is_pending_may_be_stored_and_taken_up_by_another_process() {
    let world = World::new().await;
    let begun = world.begin("alice.test").await.unwrap();
    let stored = serde_json::to_string(&begun.pending).unwrap();
    let callback = Callback::parse(&world.fake.authorize(&begun.authorize_url)).unwrap();
    let pending: Pending = serde_json::from_str(&stored).unwrap();
    let grant = world.client.clone().finish(pending, &callback).await.unwrap();

    let stored = serde_json::to_string(&Grant::from(grant.clone())).unwrap();
    let Grant::OAuth(again) = serde_json::from_str(&stored).unwrap() else { panic!("{stored}") };
    world.client.refresh(&again).await.unwrap();
    for shown in [format!("{:?}", begun.pending), format!("{grant:?}"), format!("{callback:?}")] {
        for secret in ["access-", "refresh-", "code-"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[tokio::test]
async fn a_nonce_demanded_with_every_request_is_used_with_every_request() {
    let world = World::new().await;
    world.fake.play.lock().nonces = Nonces::EveryRequest;
    let grant = world.sign_in("alice.test").await.unwrap();
    let grant = world.client.refresh(&grant).await.unwrap();
    world.client.revoke(&grant).await.unwrap();
    let refresh = grant.refresh.unwrap();
    assert_eq!(world.fake.play.lock().revoked, [refresh.expose()]);
    // Only the first request did not know a nonce yet.
    let asked = world.asked();
    assert_eq!(asked.iter().filter(|asked| *asked == "par").count(), 2);
    assert_eq!(asked.iter().filter(|asked| *asked == "token").count(), 2);
}

#[tokio::test]
async fn tokens_are_renewed_and_each_refresh_token_is_good_once() {
    let world = World::new().await;
    let first = world.sign_in("alice.test").await.unwrap();
    world.clock.advance(Duration::from_secs(600));
    let second = world.client.refresh(&first).await.unwrap();
    assert_ne!(first.access, second.access);
    assert_eq!(second.expires_us, Some(NOW_US + 1_500_000_000));
    assert_eq!(first.key.thumbprint(), second.key.thumbprint());

    let error = world.client.refresh(&first).await.unwrap_err();
    assert!(error.session_is_over(), "{error}");
    assert!(error.to_string().starts_with("token request refused: invalid_grant"), "{error}");
    let third = world.client.refresh(&second).await.unwrap();

    world.client.revoke(&third).await.unwrap();
    assert!(world.client.refresh(&third).await.unwrap_err().session_is_over());
}

#[tokio::test]
async fn a_server_that_is_busy_or_gone_does_not_end_a_session() {
    let world = World::new().await;
    let grant = world.sign_in("alice.test").await.unwrap();
    let check = |error: OAuthError| {
        assert!(error.is_transient() && !error.session_is_over(), "{error}");
    };
    let body = serde_json::json!({ "error": "server_error" });
    world.fake.play.lock().refusals.insert("token", (503, body));
    check(world.client.refresh(&grant).await.unwrap_err());
    world.fake.play.lock().refusals.clear();
    world.fake.play.lock().instead.insert("server", (502, "text/html", "<html>".to_owned()));
    check(world.client.refresh(&grant).await.unwrap_err());
    world.fake.play.lock().instead.clear();
    world.client.refresh(&grant).await.unwrap();

    let mut nowhere: serde_json::Value = serde_json::to_value(&grant).unwrap();
    nowhere["issuer"] = "http://127.0.0.1:1".into();
    let nowhere: OAuthGrant = serde_json::from_value(nowhere).unwrap();
    check(world.client.refresh(&nowhere).await.unwrap_err());
}

#[tokio::test]
async fn an_account_that_moved_within_its_server_keeps_its_session() {
    let world = World::new().await;
    let grant = world.sign_in("alice.test").await.unwrap();
    // Another PDS, which names the same authorization server.
    let other = Fake::start().await;
    let server = serde_json::json!([world.fake.origin()]);
    other.change("resource", "authorization_servers", server);
    world.fake.register(ALICE, "alice.test", &other.origin());
    world.clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    let grant = world.client.refresh(&grant).await.unwrap();
    assert_eq!(grant.pds.as_str(), other.origin());

    // And one that names itself: the session is over.
    other.play.lock().changes.clear();
    let mut moved: serde_json::Value = serde_json::to_value(&grant).unwrap();
    moved["pds"] = world.fake.origin().into();
    let moved: OAuthGrant = serde_json::from_value(moved).unwrap();
    let error = world.client.refresh(&moved).await.unwrap_err();
    assert!(matches!(error, OAuthError::NotAuthoritative { .. }), "{error}");
    assert!(error.session_is_over());
}

#[tokio::test]
async fn a_confidential_client_signs_and_goes_on_with_the_key_it_began_with() {
    let world = World::new().await;
    let redirect_uri = "https://app.example.com/oauth/callback";
    let begin = Begin { input: "alice.test", redirect_uri, scope: SCOPE };
    let old = world.confidential(&[1]);
    let begun = old.begin(begin).await.unwrap();
    assert_eq!(begun.pending.client_key.as_deref(), Some(key(1).id()));

    // Rotated while the browser is away: what was begun goes on with the old key.
    let rotated = world.confidential(&[2, 1]);
    let callback = Callback::parse(&world.fake.authorize(&begun.authorize_url)).unwrap();
    let grant = rotated.finish(begun.pending, &callback).await.unwrap();
    let grant = rotated.refresh(&grant).await.unwrap();
    assert_eq!(grant.client_key.as_deref(), Some(key(1).id()));
    assert_eq!(
        rotated.begin(begin).await.unwrap().pending.client_key.as_deref(),
        Some(key(2).id())
    );

    // The old key is gone: its sessions are over.
    let later = world.confidential(&[2]);
    let error = later.refresh(&grant).await.unwrap_err();
    assert!(matches!(error, OAuthError::ClientKeyGone { .. }), "{error}");
    assert!(error.session_is_over());
    // And a grant of another client is none of ours.
    let error = world.client.refresh(&grant).await.unwrap_err();
    assert!(matches!(error, OAuthError::OtherClient), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_know_the_newest_key_yet_is_asked_with_an_older_one() {
    let world = World::new().await;
    let redirect_uri = "https://app.example.com/oauth/callback";
    let begin = Begin { input: "alice.test", redirect_uri, scope: SCOPE };
    let rotated = world.confidential(&[2, 1]);
    // It goes by the keys that it fetched before.
    world.confidential(&[1]);
    let begun = rotated.begin(begin).await.unwrap();
    assert_eq!(begun.pending.client_key.as_deref(), Some(key(1).id()));
    let callback = Callback::parse(&world.fake.authorize(&begun.authorize_url)).unwrap();
    let grant = rotated.finish(begun.pending, &callback).await.unwrap();
    assert_eq!(grant.client_key.as_deref(), Some(key(1).id()));

    // One that knows none of them is not asked for ever.
    let many = world.confidential(&[2, 3, 4, 5, 6, 7]);
    world.confidential(&[1]);
    world.asked();
    let error = many.begin(begin).await.unwrap_err();
    assert!(
        matches!(&error, OAuthError::Refused { error, .. } if error == "invalid_client"),
        "{error}"
    );
    // With three keys, the first of them once more for its nonce.
    assert_eq!(world.asked().iter().filter(|asked| *asked == "par").count(), 4);
}

#[tokio::test]
async fn nothing_undeclared_is_asked_for() {
    let world = World::new().await;
    let undeclared =
        [("http://127.0.0.1:5000/other", SCOPE), (REDIRECT, "atproto x"), (REDIRECT, "x")];
    for (redirect_uri, scope) in undeclared {
        let begin = Begin { input: "alice.test", redirect_uri, scope };
        let error = world.client.begin(begin).await.unwrap_err();
        assert!(matches!(error, OAuthError::Client(_)), "{error}");
    }
    assert!(world.asked().is_empty());
}
