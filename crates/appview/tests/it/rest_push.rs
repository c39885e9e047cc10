//! `/api/v1/push`: browsers that are told of notifications, as their pages say it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::pds::Pds;
use crate::sign_in::Alice;
use crate::world::{Answer, Reach, World};

const PATH: &str = "/api/v1/push";
const KEY: &str =
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";

async fn alice(world: &World) -> Alice {
    let pds = Pds::start(world, "alice").await;
    world.actor("alice");
    Alice::signs_in(world, &pds).await
}

async fn send(world: &World, alice: &Alice, verb: &str, body: &Value) -> Answer {
    let request = world.request(verb, PATH).json(body);
    world.send(alice.from(request, "same-origin")).await
}

async fn key(world: &World, alice: &Alice) -> Value {
    let request = world.request("GET", PATH);
    world.send(alice.from(request, "same-origin")).await.ok()
}

/// Endpoints of the browsers that an account's data tells of.
async fn told(world: &World, alice: &Alice) -> Vec<String> {
    let request = world.request("GET", "/api/v1/session/data");
    let data = world.send(alice.from(request, "same-origin")).await.text;
    let lines = data.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let rows = lines.filter(|line| line["kind"] == "web_push");
    rows.map(|line| line["row"]["endpoint"].as_str().unwrap().to_owned()).collect()
}

fn browser(name: &str) -> Value {
    json!({
        "endpoint": format!("https://push.example.com/{name}"),
        "expirationTime": null,
        "keys": { "p256dh": KEY, "auth": "BTBZMqHH6r4Tts7J_aSIgg" },
    })
}

async fn browsers_come_and_go(reach: Reach) {
    let world = World::with_push(reach, KEY).await;
    let alice = alice(&world).await;
    assert_eq!(key(&world, &alice).await, json!({ "key": KEY }));
    for name in ["a", "b", "a"] {
        send(&world, &alice, "POST", &browser(name)).await.ok();
    }
    let both = ["https://push.example.com/a", "https://push.example.com/b"];
    assert_eq!(told(&world, &alice).await, both);
    let gone = json!({ "endpoint": both[0] });
    send(&world, &alice, "DELETE", &gone).await.ok();
    assert_eq!(told(&world, &alice).await, [both[1]]);
    for wrong in [
        json!({ "endpoint": "push.example.com", "keys": browser("a")["keys"] }),
        json!({ "endpoint": both[0], "keys": { "p256dh": "", "auth": "x" } }),
        json!({ "endpoint": format!("https://{}", "x".repeat(3_000)), "keys": browser("a")["keys"] }),
        json!({ "endpoint": both[0] }),
    ] {
        let refused = send(&world, &alice, "POST", &wrong).await;
        assert_eq!(refused.refused(), (400, "InvalidRequest"), "{wrong}");
    }
    let nobody = world.request("POST", PATH).json(&browser("c"));
    assert_eq!(world.send(nobody).await.refused().0, 401);
    // Who signs out everywhere is told nothing any more.
    send(&world, &alice, "POST", &browser("c")).await.ok();
    let out = world.request("POST", "/api/v1/session/sign-out");
    let out = out.json(&json!({ "everywhere": true }));
    world.send(alice.from(out, "same-origin")).await.ok();
    let alice = Alice::signs_in(&world, &alice.pds).await;
    assert!(told(&world, &alice).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_come_and_go_near() {
    browsers_come_and_go(Reach::Local).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_come_and_go_far() {
    browsers_come_and_go(Reach::Remote).await;
}

async fn a_browser_is_told_until_its_session_ends(reach: Reach) {
    let world = World::with_push(reach, KEY).await;
    let here = alice(&world).await;
    let there = Alice::signs_in(&world, &here.pds).await;
    let forgotten = Alice::signs_in(&world, &here.pds).await;
    for (alice, name) in [(&here, "a"), (&there, "b"), (&forgotten, "c")] {
        send(&world, alice, "POST", &browser(name)).await.ok();
    }
    let out = world.request("POST", "/api/v1/session/sign-out");
    let out = out.json(&json!({ "sessionId": there.session_id }));
    world.send(here.from(out, "same-origin")).await.ok();
    let [a, c] = ["https://push.example.com/a", "https://push.example.com/c"];
    assert_eq!(told(&world, &here).await, [a, c]);
    // A session ends by itself where it rests for 30 days.
    for days in [20, 15] {
        world.clock.advance(Duration::from_secs(days * 86_400));
        assert!(!world.upkeep.pass().await.unwrap());
        assert_eq!(key(&world, &here).await, json!({ "key": KEY }));
    }
    assert_eq!(told(&world, &here).await, [a]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_told_until_its_session_ends_near() {
    a_browser_is_told_until_its_session_ends(Reach::Local).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_told_until_its_session_ends_far() {
    a_browser_is_told_until_its_session_ends(Reach::Remote).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_pushed_no_browser_is_taken() {
    let world = World::open(Reach::Local).await;
    let alice = alice(&world).await;
    assert_eq!(key(&world, &alice).await, json!({ "key": null }));
    let refused = send(&world, &alice, "POST", &browser("a")).await;
    assert_eq!(refused.refused(), (400, "InvalidRequest"));
    assert!(told(&world, &alice).await.is_empty());
}
