//! Pages of people who are signed in are told what is new.

use std::time::Duration;

use millrace_appview::AppviewConfig;
use millrace_appview::config::LimitsConfig;
use serde_json::json;

use crate::pds::Pds;
use crate::sign_in::Alice;
use crate::world::{Reach, World};

const LIVE: &str = "/api/v1/session/live";
const DEADLINE: Duration = Duration::from_secs(60);

async fn world(reach: Reach) -> World {
    let limits = LimitsConfig {
        live_pages_max: 3,
        account_live_pages_max: 2,
        live_look_ms: 20,
        ..LimitsConfig::default()
    };
    World::open_with(reach, AppviewConfig { limits, ..AppviewConfig::default() }).await
}

/// A page that listens.
struct Page {
    response: reqwest::Response,
    unread: String,
}

impl Page {
    async fn of(world: &World, alice: &Alice) -> Self {
        world.settle().await;
        let asked = alice.from(world.request("GET", LIVE), "same-origin");
        let response = asked.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, unread: String::new() }
    }

    /// The next event, comments left out; none at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                if event.starts_with(':') {
                    continue;
                }
                return Some(event);
            }
            let chunk = tokio::time::timeout(DEADLINE, self.response.chunk()).await;
            let chunk = chunk.expect("a page is told something").unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn is_told(&mut self, event: &str) {
        assert_eq!(self.next().await.as_deref(), Some(event));
    }
}

fn unread(count: u32) -> String {
    format!("event: unread\ndata: {{\"count\":{count}}}")
}

async fn what_is_new_is_told(reach: Reach) {
    let world = world(reach).await;
    let pds = Pds::start(&world, "alice").await;
    let post = world.actor("alice").posts("hello");
    world.actor("alice").follows("bob");
    let alice = Alice::signs_in(&world, &pds).await;
    let mut one = Page::of(&world, &alice).await;
    let mut other = Page::of(&world, &alice).await;
    for page in [&mut one, &mut other] {
        page.is_told(&unread(0)).await;
    }
    world.actor("bob").likes(&post);
    world.settle().await;
    for page in [&mut one, &mut other] {
        page.is_told(&unread(1)).await;
    }
    // Of what one wrote oneself nobody is told.
    world.actor("alice").posts("my own");
    for count in 1..=2 {
        world.actor("bob").posts("news");
        world.settle().await;
        for page in [&mut one, &mut other] {
            let told = page.next().await.unwrap();
            let begins = format!("event: timeline\ndata: {{\"count\":{count},\"newest\":\"2026-");
            assert!(told.starts_with(&begins), "{told}");
        }
    }
    // What was seen on another page.
    let body = json!({ "seenAt": "2026-06-01T00:00:00Z" });
    let seen = world.request("POST", "/xrpc/app.bsky.notification.updateSeen").json(&body);
    assert_eq!(world.send(alice.from(seen, "same-origin")).await.status, 200);
    one.is_told(&unread(0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_is_told_near() {
    what_is_new_is_told(Reach::Local).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_is_told_far() {
    what_is_new_is_told(Reach::Remote).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_ends_with_its_session() {
    let world = world(Reach::Local).await;
    let pds = Pds::start(&world, "alice").await;
    let alice = Alice::signs_in(&world, &pds).await;
    let other = Alice::signs_in(&world, &pds).await;
    let mut ends = Page::of(&world, &alice).await;
    let mut stays = Page::of(&world, &other).await;
    ends.is_told(&unread(0)).await;
    stays.is_told(&unread(0)).await;
    let out = alice.from(world.request("POST", "/api/v1/session/sign-out"), "same-origin");
    world.send(out).await.ok();
    assert_eq!(ends.next().await, None);
    let again = alice.from(world.request("GET", LIVE), "same-origin");
    assert_eq!(world.send(again).await.refused(), (401, "ExpiredToken"));
    // Everywhere is everywhere.
    let out = other.from(world.request("POST", "/api/v1/session/sign-out"), "same-origin");
    world.send(out.json(&json!({ "everywhere": true }))).await.ok();
    assert_eq!(stays.next().await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_bounded_and_leave_their_place() {
    let world = world(Reach::Local).await;
    let alice = Alice::signs_in(&world, &Pds::start(&world, "alice").await).await;
    let (first, second) = (Page::of(&world, &alice).await, Page::of(&world, &alice).await);
    let asked = || alice.from(world.request("GET", LIVE), "same-origin");
    let third = world.send(asked()).await;
    assert_eq!(third.refused(), (429, "RateLimitExceeded"));
    assert!(world.metrics().contains("millrace_appview_live_pages 2"));
    drop(first);
    let left = async {
        while world.metrics().contains("millrace_appview_live_pages 2") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, left).await.unwrap();
    let mut third = Page::of(&world, &alice).await;
    third.is_told(&unread(0)).await;
    drop((second, third));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_pages_together_are_bounded() {
    let limits = LimitsConfig { live_pages_max: 1, ..LimitsConfig::default() };
    let config = AppviewConfig { limits, ..AppviewConfig::default() };
    let world = World::open_with(Reach::Local, config).await;
    let alice = Alice::signs_in(&world, &Pds::start(&world, "alice").await).await;
    let _first = Page::of(&world, &alice).await;
    let second = world.send(alice.from(world.request("GET", LIVE), "same-origin")).await;
    assert_eq!(second.refused(), (503, "NotEnoughResources"));
    assert!(second.header("retry-after").is_some());
}
