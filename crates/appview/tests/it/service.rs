//! What stands around the methods: health, identity, bounds, CORS, labelers, operators' routes.

use std::time::Duration;

use millrace_appview::AppviewConfig;
use millrace_appview::config::LimitsConfig;
use millrace_runtime::supervise::TaskSet;
use serde_json::json;

use crate::people::did;
use crate::world::{ADMIN_TOKEN, Reach, SERVICE_DID, World, near_and_far};

const PROFILE: &str = "app.bsky.actor.getProfile";
const SEEN: &str = "app.bsky.notification.updateSeen";

near_and_far!(health, identity, unknown_addresses, bodies, cors, labelers, sources, counted);

async fn health(world: World) {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        world.send(world.request("GET", "/health")).await.ok(),
        json!({ "status": "ok", "version": version })
    );
    assert_eq!(
        world.send(world.request("GET", "/ready")).await.ok(),
        json!({ "status": "ready", "version": version })
    );
    assert_eq!(
        world.send(world.request("GET", "/xrpc/_health")).await.ok(),
        json!({ "version": version })
    );
    assert!(world.send(world.request("GET", "/")).await.text.contains("/xrpc/"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_data_plane_it_is_alive_and_not_ready() {
    let world = World::open(Reach::Remote).await;
    world.actor("alice");
    world.get(PROFILE, &[("actor", "alice.test")]).await.ok();
    world.lose_dataplane();
    until(async || world.send(world.request("GET", "/ready")).await.status != 200).await;
    let answer = world.send(world.request("GET", "/ready")).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body["status"], "unready");
    assert!(answer.body["reason"].as_str().unwrap().contains("unavailable"), "{}", answer.text);
    assert_eq!(world.send(world.request("GET", "/xrpc/_health")).await.status, 503);
    assert_eq!(world.send(world.request("GET", "/health")).await.status, 200);
    let answer = world.get(PROFILE, &[("actor", "alice.test")]).await;
    assert_eq!(answer.refused(), (503, "NotEnoughResources"));
    assert!(!answer.text.contains("127.0.0.1"), "nothing of the inside is shown: {}", answer.text);
}

async fn identity(world: World) {
    let document = world.send(world.request("GET", "/.well-known/did.json")).await.ok();
    assert_eq!(document["id"], SERVICE_DID);
    assert_eq!(
        document["service"],
        json!([
            { "id": "#bsky_notif", "type": "BskyNotificationService", "serviceEndpoint": "https://appview.test" },
            { "id": "#bsky_appview", "type": "BskyAppView", "serviceEndpoint": "https://appview.test" },
            { "id": "#bsky_fg", "type": "BskyFeedGenerator", "serviceEndpoint": "https://appview.test" },
        ])
    );
}

async fn unknown_addresses(world: World) {
    let refused = async |verb: &str, path: &str| {
        let answer = world.send(world.request(verb, path)).await;
        let (status, name) = answer.refused();
        (status, name.to_owned())
    };
    let not_implemented = (501, "MethodNotImplemented".to_owned());
    assert_eq!(refused("GET", "/xrpc/app.bsky.feed.getNothing").await, not_implemented);
    assert_eq!(refused("POST", "/xrpc/com.example.do").await, not_implemented);
    let invalid = (400, "InvalidRequest".to_owned());
    for path in
        ["/xrpc/x", "/xrpc/a/b", "/xrpc/app.bsky.actor.getProfile/", "/xrpc/%00", "/xrpc/..%2f"]
    {
        assert_eq!(refused("GET", path).await, invalid, "{path}");
    }
    assert_eq!(refused("GET", "/nothing").await, (404, "NotFound".to_owned()));
    let head =
        world.send(world.request("HEAD", &format!("/xrpc/{PROFILE}?actor=nobody.test"))).await;
    assert_eq!((head.status.as_u16(), head.text.as_str()), (400, ""));
}

async fn bodies(world: World) {
    world.actor("alice");
    let with_body = world.query(PROFILE, &[("actor", "alice.test")]).body("x");
    assert_eq!(world.send(with_body).await.refused(), (400, "InvalidRequest"));
    let seen =
        || world.request("POST", &format!("/xrpc/{SEEN}")).bearer_auth(world.token("alice", SEEN));
    let large = json!({ "seenAt": "2026-01-01T00:00:00Z", "x": "x".repeat(100 * 1024) });
    assert_eq!(world.send(seen().json(&large)).await.refused(), (413, "PayloadTooLarge"));
    let text =
        seen().header("content-type", "text/plain").body(r#"{"seenAt":"2026-01-01T00:00:00Z"}"#);
    assert_eq!(world.send(text).await.refused(), (400, "InvalidRequest"));
    for body in ["", "{", "\u{0}", r#"{"seenAt":"2026-01-01T00:00:00Z"} x"#] {
        let request = seen().header("content-type", "application/json").body(body);
        assert_eq!(world.send(request).await.refused(), (400, "InvalidRequest"), "{body:?}");
    }
    let deep = "[".repeat(50_000);
    let request = seen().header("content-type", "application/json").body(deep);
    assert_eq!(world.send(request).await.refused(), (400, "InvalidRequest"));
    let typed = seen()
        .header("content-type", "application/json; charset=utf-8")
        .body(r#"{"seenAt":"2026-01-01T00:00:00Z"}"#);
    assert_eq!(world.send(typed).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_bounded() {
    let limits = LimitsConfig { url_bytes_max: 200, ..LimitsConfig::default() };
    let world =
        World::open_with(Reach::Local, AppviewConfig { limits, ..AppviewConfig::default() }).await;
    let long = world.get(PROFILE, &[("actor", &"a".repeat(300))]).await;
    assert_eq!(long.refused(), (414, "InvalidRequest"));
    let short = world.get(PROFILE, &[("actor", "alice.test")]).await;
    assert_eq!(short.body["message"], "Profile not found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_once_are_bounded_and_health_is_not() {
    let limits = LimitsConfig { requests_max: 1, ..LimitsConfig::default() };
    let world =
        World::open_with(Reach::Local, AppviewConfig { limits, ..AppviewConfig::default() }).await;
    world.actor("alice");
    world.settle().await;
    // A body that never ends holds its place until the time for it is over.
    let endless = reqwest::Body::wrap_stream(futures_util::stream::pending::<
        Result<Vec<u8>, std::io::Error>,
    >());
    let slow = world
        .request("POST", &format!("/xrpc/{SEEN}"))
        .bearer_auth(world.token("alice", SEEN))
        .body(endless);
    let mut tasks = TaskSet::new();
    tasks.spawn("slow", async move { drop(slow.send().await) });
    until(async || world.metrics().contains("millrace_appview_requests_in_flight 1")).await;
    assert_eq!(
        world.get(PROFILE, &[("actor", "alice.test")]).await.refused(),
        (503, "NotEnoughResources")
    );
    for path in ["/health", "/ready", "/xrpc/_health"] {
        assert_eq!(world.send(world.request("GET", path)).await.status, 200, "{path}");
    }
    // Whoever hangs up gives the place back.
    tasks.abort_and_join().await;
    until(async || world.get(PROFILE, &[("actor", "alice.test")]).await.status == 200).await;
}

/// Waits until something holds.
async fn until(holds: impl AsyncFn() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "it never held");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_takes_too_long_is_refused() {
    let limits = LimitsConfig { request_timeout_ms: 0, ..LimitsConfig::default() };
    let world =
        World::open_with(Reach::Remote, AppviewConfig { limits, ..AppviewConfig::default() }).await;
    let answer = world.get(PROFILE, &[("actor", "alice.test")]).await;
    assert_eq!(answer.refused(), (504, "UpstreamTimeout"));
}

async fn cors(world: World) {
    let preflight = world
        .request("OPTIONS", &format!("/xrpc/{PROFILE}"))
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "atproto-accept-labelers,authorization");
    let answer = world.send(preflight).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-max-age"), Some("86400"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("atproto-accept-labelers,authorization")
    );
    // Errors are for the page that asked, too.
    let error = world.send(world.query(PROFILE, &[]).header("origin", "https://app.example")).await;
    assert_eq!(error.status, 400);
    assert_eq!(error.header("access-control-allow-origin"), Some("*"));
}

async fn labelers(world: World) {
    for name in ["alice", "labeler", "hidden"] {
        world.actor(name);
    }
    world.actor("hidden").is(false, Some("takendown"));
    let ask = async |header: &str| {
        let request = world.query(PROFILE, &[("actor", "alice.test")]);
        world.send(request.header("atproto-accept-labelers", header)).await
    };
    let (labeler, hidden, stranger) = (did("labeler"), did("hidden"), did("stranger"));
    let answer = ask(&format!("{labeler};redact, {hidden}, {stranger};redact")).await;
    assert_eq!(
        answer.header("atproto-content-labelers"),
        Some(format!("{labeler};redact").as_str())
    );
    assert_eq!(answer.ok()["labels"], json!([]));
    assert_eq!(ask("").await.header("atproto-content-labelers"), Some(""));
    for wrong in ["did:plc:a did:plc:b", "alice.test", "did:plc:a;", "\"did:plc:a"] {
        assert_eq!(ask(wrong).await.refused(), (400, "InvalidRequest"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trusted_labelers_apply_by_default() {
    let config =
        AppviewConfig { trusted_labelers: vec![did("trusted")], ..AppviewConfig::default() };
    let world = World::open_with(Reach::Local, config).await;
    world.actor("alice");
    let answer = world.get(PROFILE, &[("actor", "alice.test")]).await;
    assert_eq!(
        answer.header("atproto-content-labelers"),
        Some(format!("{};redact", did("trusted")).as_str())
    );
}

async fn sources(world: World) {
    let path = "/api/v1/admin/sources";
    let ask = async || world.send(world.request("GET", path).bearer_auth(ADMIN_TOKEN)).await.ok();
    assert_eq!(ask().await["sources"][0]["visibleSeq"], json!(null));
    world.actor("alice").posts("hello");
    let answer = ask().await;
    let source = &answer["sources"][0];
    assert_eq!(source["name"], "test");
    assert_eq!(source["kind"], "relay");
    assert_eq!(source["connected"], true);
    assert_eq!((&source["receivedSeq"], &source["verifiedSeq"]), (&json!(100), &json!(99)));
    assert_eq!(source["visibleSeq"], 2, "the account, then its post");
    let wrong = world.request("GET", path).bearer_auth("wrong");
    assert_eq!(world.send(wrong).await.refused(), (401, "AuthenticationRequired"));
}

async fn counted(world: World) {
    world.actor("alice");
    world.get(PROFILE, &[("actor", "alice.test")]).await.ok();
    world.get(PROFILE, &[("actor", "nobody.test")]).await;
    world.get("com.example.unknown", &[]).await;
    let metrics = world.metrics();
    for line in [
        r#"millrace_appview_requests_total{method="app.bsky.actor.getProfile",status="200"} 1"#,
        r#"millrace_appview_requests_total{method="app.bsky.actor.getProfile",status="400"} 1"#,
        r#"millrace_appview_requests_total{method="unknown",status="501"} 1"#,
        r#"millrace_appview_request_seconds_count{method="app.bsky.actor.getProfile"} 2"#,
        "millrace_appview_requests_in_flight 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}
