//! Service tokens as PDSs send them, and every way they can be wrong.

use std::time::Duration;

use crate::people::did;
use crate::world::{ADMIN_TOKEN, PASSWORD, SERVICE_DID, World, near_and_far};

const TIMELINE: &str = "app.bsky.feed.getTimeline";
const PROFILE: &str = "app.bsky.actor.getProfile";

near_and_far!(
    a_good_token,
    story_20_wrong_tokens,
    broken_tokens_are_not_anonymous,
    story_20_a_token_is_good_once,
    story_20_a_key_that_rotated,
    unknown_issuers,
    an_unreachable_directory,
    schemes,
);

async fn a_good_token(world: World) {
    world.actor("alice");
    for aud in [SERVICE_DID.to_owned(), format!("{SERVICE_DID}#bsky_appview")] {
        let token = world.token_with("alice", TIMELINE, |claims| claims.aud = aud);
        world.send(world.query(TIMELINE, &[]).bearer_auth(token)).await.ok();
    }
}

async fn story_20_wrong_tokens(world: World) {
    world.actor("alice");
    let now_s = world.now_us() / 1_000_000;
    let refused = async |token: String| {
        let answer = world.send(world.query(TIMELINE, &[]).bearer_auth(&token)).await;
        let (status, name) = answer.refused();
        assert_eq!(status, 401, "{name}");
        name.to_owned()
    };
    let changed = |change: &dyn Fn(&mut millrace_atproto::jwt::Claims)| {
        world.token_with("alice", TIMELINE, |c| change(c))
    };
    assert_eq!(
        refused(changed(&|c| c.aud = "did:web:other.test".to_owned())).await,
        "BadJwtAudience"
    );
    assert_eq!(
        refused(changed(&|c| c.aud = format!("{SERVICE_DID}#other"))).await,
        "BadJwtAudience"
    );
    assert_eq!(
        refused(changed(&|c| c.lxm = Some(PROFILE.to_owned()))).await,
        "BadJwtLexiconMethod"
    );
    assert_eq!(refused(changed(&|c| c.lxm = None)).await, "BadJwtLexiconMethod");
    assert_eq!(refused(changed(&|c| c.exp = now_s - 1)).await, "JwtExpired");
    assert_eq!(refused(changed(&|c| c.jti = None)).await, "BadJwt");
    assert_eq!(refused(changed(&|c| c.iss_service = Some("other".to_owned()))).await, "BadJwtIss");
    assert_eq!(refused("x".to_owned()).await, "BadJwt");
    assert_eq!(refused("a.b.c".to_owned()).await, "BadJwt");
    assert_eq!(refused("x".repeat(8_193)).await, "BadJwt");
    // Bob's claims under alice's signature.
    world.actor("bobby");
    let (alice, bob) = (world.token("alice", TIMELINE), world.token("bobby", TIMELINE));
    let (_, signature) = alice.rsplit_once('.').unwrap();
    let (claims, _) = bob.rsplit_once('.').unwrap();
    assert_eq!(refused(format!("{claims}.{signature}")).await, "BadJwtSignature");
}

async fn broken_tokens_are_not_anonymous(world: World) {
    world.actor("alice");
    let params = [("actor", "alice.test")];
    world.get(PROFILE, &params).await.ok();
    let token = world.token_with("alice", PROFILE, |claims| claims.lxm = Some(TIMELINE.to_owned()));
    let answer = world.send(world.query(PROFILE, &params).bearer_auth(token)).await;
    assert_eq!(answer.refused(), (401, "BadJwtLexiconMethod"));
    let empty = world.send(world.query(PROFILE, &params).header("authorization", "Bearer ")).await;
    assert_eq!(empty.refused(), (401, "MissingJwt"));
    assert!(
        world
            .metrics()
            .contains(r#"millrace_appview_auth_refused_total{reason="BadJwtLexiconMethod"} 1"#)
    );
}

async fn story_20_a_token_is_good_once(world: World) {
    world.actor("alice");
    let token = world.token("alice", TIMELINE);
    world.send(world.query(TIMELINE, &[]).bearer_auth(&token)).await.ok();
    let again = world.send(world.query(TIMELINE, &[]).bearer_auth(&token)).await;
    assert_eq!(again.refused(), (401, "BadJwt"));
    world.clock.advance(Duration::from_secs(61));
    let late = world.send(world.query(TIMELINE, &[]).bearer_auth(&token)).await;
    assert_eq!(late.refused(), (401, "JwtExpired"));
}

async fn story_20_a_key_that_rotated(world: World) {
    world.actor("alice");
    world.get_as("alice", TIMELINE, &[]).await.ok();
    let asked = world.directory.asked();
    world.get_as("alice", TIMELINE, &[]).await.ok();
    assert_eq!(world.directory.asked(), asked, "the key is remembered");
    world.directory.register(&did("alice"), 42);
    world.get_as("alice", TIMELINE, &[]).await.ok();
    assert_eq!(world.directory.asked(), asked + 1, "and asked for anew when it does not fit");
    world.directory.register(&did("alice"), 43);
    world.get_as("alice", TIMELINE, &[]).await.ok();
}

async fn unknown_issuers(world: World) {
    // The key is known to who signs, not to the directory.
    let token = world.token("stranger", TIMELINE);
    let claims = token.split('.').nth(1).unwrap().to_owned();
    world.get_as("stranger", TIMELINE, &[]).await.ok();
    let nowhere = world.token_with("stranger", TIMELINE, |claims| claims.iss = did("nowhere"));
    assert_ne!(nowhere.split('.').nth(1).unwrap(), claims);
    let answer = world.send(world.query(TIMELINE, &[]).bearer_auth(nowhere)).await;
    assert_eq!(answer.refused(), (401, "AuthenticationRequired"));
    assert_eq!(answer.body["message"], "identity unknown");
}

async fn an_unreachable_directory(world: World) {
    let token = world.token("stranger", TIMELINE);
    world.directory.go_down();
    let answer = world.send(world.query(TIMELINE, &[]).bearer_auth(token)).await;
    assert_eq!(answer.refused(), (503, "NotEnoughResources"), "not the caller's fault");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

async fn schemes(world: World) {
    world.actor("alice");
    let params = [("actor", "alice.test")];
    let as_operator =
        |password: &str| world.query(PROFILE, &params).basic_auth("admin", Some(password));
    world.send(as_operator(PASSWORD)).await.ok();
    assert_eq!(world.send(as_operator("wrong")).await.refused(), (401, "AuthenticationRequired"));
    let dpop = world.query(PROFILE, &params).header("authorization", "DPoP x.y.z");
    assert_eq!(world.send(dpop).await.refused(), (401, "AuthenticationRequired"));
    let twice = world.query(PROFILE, &params).bearer_auth("a").header("authorization", "Bearer b");
    assert_eq!(world.send(twice).await.refused(), (401, "AuthenticationRequired"));
    let operator = world.query(TIMELINE, &[]).basic_auth("admin", Some(PASSWORD));
    assert_eq!(
        world.send(operator).await.refused(),
        (401, "AuthenticationRequired"),
        "the operator has no timeline"
    );
    let token = world.query(PROFILE, &params).bearer_auth(ADMIN_TOKEN);
    assert_eq!(
        world.send(token).await.refused(),
        (401, "BadJwt"),
        "the admin token is for operators' routes"
    );
    let lower = world
        .query(PROFILE, &params)
        .header("authorization", format!("bearer {}", world.token("alice", PROFILE)));
    assert_eq!(world.send(lower).await.ok()["viewer"]["muted"], false);
}
