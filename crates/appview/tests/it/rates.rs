//! How much one caller may ask, and that it is told.

use std::time::Duration;

use millrace_appview::AppviewConfig;
use millrace_appview::config::LimitsConfig;

use crate::pds::{APP_PASSWORD, Pds};
use crate::world::{ADMIN_TOKEN, Answer, MODERATION_DID, PASSWORD, Reach, World};

const PROFILE: &str = "app.bsky.actor.getProfile";
const TIMELINE: &str = "app.bsky.feed.getTimeline";
const PARAMS: [(&str, &str); 1] = [("actor", "alice.test")];

async fn world() -> World {
    let limits = LimitsConfig {
        rate_window_s: 60,
        account_requests_max: 3,
        address_requests_max: 2,
        trusted_proxies: 1,
        ..LimitsConfig::default()
    };
    let config = AppviewConfig { limits, ..AppviewConfig::default() };
    let world = World::open_with(Reach::Local, config).await;
    world.actor("alice");
    world
}

/// What an answer says of the caller: limit, remaining, policy.
fn told(answer: &Answer) -> [Option<&str>; 3] {
    ["ratelimit-limit", "ratelimit-remaining", "ratelimit-policy"].map(|name| answer.header(name))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_counted_whoever_sends_for_them() {
    let world = world().await;
    for remaining in ["2", "1", "0"] {
        let answer = world.get_as("alice", TIMELINE, &[]).await;
        assert_eq!(told(&answer), [Some("3"), Some(remaining), Some("3;w=60")]);
        answer.ok();
    }
    let answer = world.get_as("alice", PROFILE, &PARAMS).await;
    assert_eq!(answer.refused(), (429, "RateLimitExceeded"));
    assert_eq!(told(&answer)[1], Some("0"));
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    let reset: i64 = answer.header("ratelimit-reset").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait) && reset > world.now_us() / 1_000_000);
    world.get_as("bob", TIMELINE, &[]).await.ok();
    world.clock.advance(Duration::from_secs(wait));
    world.get_as("alice", TIMELINE, &[]).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_counted_by_address_and_so_are_wrong_credentials() {
    let world = world().await;
    let from = |address: &str| world.query(PROFILE, &PARAMS).header("x-forwarded-for", address);
    for remaining in ["1", "0"] {
        let answer = world.send(from("198.51.100.7")).await;
        assert_eq!(told(&answer), [Some("2"), Some(remaining), Some("2;w=60")]);
    }
    assert_eq!(world.send(from("198.51.100.7")).await.refused(), (429, "RateLimitExceeded"));
    world.send(from("198.51.100.8")).await.ok();
    let wrong = || from("198.51.100.9").bearer_auth("wrong");
    for _ in 0..2 {
        assert_eq!(world.send(wrong()).await.refused().0, 401);
    }
    assert_eq!(world.send(wrong()).await.refused(), (429, "RateLimitExceeded"));
    // Beside the methods too, the operator's routes among them.
    let unknown = "/xrpc/com.example.unknown";
    for path in ["/robots.txt", "/.well-known/did.json", "/api/v1/admin/sources", unknown] {
        let request = || world.request("GET", path).header("x-forwarded-for", "198.51.100.9");
        assert_eq!(world.send(request()).await.refused(), (429, "RateLimitExceeded"), "{path}");
        // Whom nobody says anything about is on this machine.
        assert_ne!(world.send(world.request("GET", path)).await.status, 429);
    }
    for path in ["/health", "/ready", "/xrpc/_health"] {
        let request = world.request("GET", path).header("x-forwarded-for", "198.51.100.9");
        world.send(request).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_runs_or_moderates_the_place_is_not_counted() {
    let world = world().await;
    for _ in 0..5 {
        let request = world.query(PROFILE, &PARAMS).header("x-forwarded-for", "198.51.100.7");
        let answer = world.send(request.basic_auth("admin", Some(PASSWORD))).await;
        assert_eq!(told(&answer), [None; 3]);
        answer.ok();
        let request = world.request("GET", "/api/v1/admin/sources").bearer_auth(ADMIN_TOKEN);
        world.send(request.header("x-forwarded-for", "198.51.100.7")).await.ok();
        world.get_as(MODERATION_DID, PROFILE, &PARAMS).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_to_sign_in_are_counted_by_address_and_by_account() {
    let limits = LimitsConfig {
        rate_window_s: 60,
        account_sign_ins_max: 2,
        address_sign_ins_max: 3,
        trusted_proxies: 1,
        ..LimitsConfig::default()
    };
    let config = AppviewConfig { limits, ..AppviewConfig::default() };
    let world = World::open_with(Reach::Local, config).await;
    let pds = Pds::start(&world, "alice").await;
    let from = |address: &str, body: serde_json::Value| {
        let request = world.request("POST", "/api/v1/session/app-password").json(&body);
        request.header("sec-fetch-site", "same-origin").header("x-forwarded-for", address)
    };
    let tries = |named: &str, password: &str| serde_json::json!({ "identifier": named, "password": password });
    let right = world.send(from("198.51.100.7", tries("alice.test", APP_PASSWORD))).await;
    assert_eq!(told(&right), [Some("2"), Some("1"), Some("2;w=60")]);
    right.ok();
    let wrong = world.send(from("198.51.100.7", tries("@Alice.test", "wrong"))).await;
    assert_eq!(wrong.refused(), (400, "AuthenticationRequired"));
    assert_eq!(told(&wrong)[1], Some("0"));
    // Whoever asks, from wherever: the PDS is not asked, whether the password is right or not.
    let given = pds.given();
    let over = world.send(from("198.51.100.8", tries("alice.test", APP_PASSWORD))).await;
    assert_eq!(over.refused(), (429, "RateLimitExceeded"));
    assert_eq!(told(&over), [Some("2"), Some("0"), Some("2;w=60")]);
    let wait: u64 = over.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(pds.given(), given);
    // One address that tries one name after another.
    world.send(from("198.51.100.7", tries("bob.test", "wrong"))).await;
    let over = world.send(from("198.51.100.7", tries("carol.test", "wrong"))).await;
    assert_eq!(told(&over), [Some("3"), Some("0"), Some("3;w=60")]);
    assert_eq!(over.refused(), (429, "RateLimitExceeded"));
    world.clock.advance(Duration::from_secs(wait));
    world.send(from("198.51.100.7", tries("alice.test", APP_PASSWORD))).await.ok();
}
