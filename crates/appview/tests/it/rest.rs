//! `GET /api/v1/posts`, `POST /api/v1/feed/seen`: homes as a browser of ours and programs see them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::pds::Pds;
use crate::people::did;
use crate::sign_in::Alice;
use crate::world::{ADMIN_TOKEN, Answer, Reach, World};

/// Declares tests that run with homes in process and behind `/internal`.
macro_rules! with_homes {
    ($($name:ident),+ $(,)?) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::world::World::with_homes(crate::world::Reach::Local).await).await;
            })+
        }
        mod remote {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::world::World::with_homes(crate::world::Reach::Remote).await).await;
            })+
        }
    };
}

with_homes!(
    a_home_says_why_each_post_is_there,
    who_follows_nobody_sees_what_many_care_for,
    what_was_seen_is_told,
    a_home_is_the_callers_own,
    a_malformed_question_is_refused,
    a_home_is_offered_as_a_feed,
    the_operator_is_told_how_homes_do,
);

async fn alice(world: &World) -> Alice {
    let pds = Pds::start(world, "alice").await;
    world.actor("alice").posts("hello");
    Alice::signs_in(world, &pds).await
}

async fn ask(world: &World, alice: &Alice, query: &[(&str, &str)]) -> Answer {
    let request = world.request("GET", "/api/v1/posts").query(query);
    world.send(alice.from(request, "same-origin")).await
}

/// The home once it is made and `expected` of its posts are in it.
async fn made(world: &World, alice: &Alice, expected: usize) -> Value {
    let homes = world.homes.as_ref().unwrap();
    for _ in 0..600 {
        homes.forget_orders();
        let answer = ask(world, alice, &[]).await;
        let source = answer.header("x-feed-source").unwrap().to_owned();
        let home = answer.ok();
        let posts = home["posts"].as_array().unwrap();
        let count = posts.iter().filter(|post| post["reason"] != "discover").count();
        if source == "user_feeds" && count == expected {
            return home;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the home was not made");
}

async fn a_home_says_why_each_post_is_there(world: World) {
    let alice = alice(&world).await;
    world.actor("alice").follows("bob");
    let post = world.actor("bob").posts("from bob");
    let carols = world.actor("carol").posts("from carol");
    world.actor("bob").reposts(&carols);
    let first = ask(&world, &alice, &[]).await;
    assert_eq!(first.header("x-feed-source"), Some("pull"));
    let home = made(&world, &alice, 3).await;
    let of = |uri: &str| {
        let posts = home["posts"].as_array().unwrap();
        posts.iter().find(|post| post["postId"] == uri).unwrap().clone()
    };
    let bobs = of(&post.uri);
    assert_eq!((&bobs["reason"], &bobs["userId"]), (&json!("follow"), &json!(did("alice"))));
    assert_eq!(bobs["view"]["post"]["record"]["text"], "from bob");
    assert_eq!(bobs["isRead"], false);
    assert_eq!(bobs["why"]["affinity"].as_f64().map(|value| (value * 10.0).round()), Some(5.0));
    assert_eq!(bobs["why"]["kind"], "post");
    let score = bobs["relevanceScore"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&score), "{score}");
    let reposted = of(&carols.uri);
    assert_eq!(
        (&reposted["reason"], &reposted["why"]["kind"]),
        (&json!("repost"), &json!("repost"))
    );
    assert_ne!(reposted["item"], reposted["postId"]);
    assert_eq!(reposted["view"]["reason"]["$type"], "app.bsky.feed.defs#reasonRepost");
    let by_time = ask(&world, &alice, &[("mode", "chronological")]).await.ok();
    assert_eq!(by_time["posts"].as_array().unwrap().len(), 3);
}

async fn who_follows_nobody_sees_what_many_care_for(world: World) {
    let pds = Pds::start(&world, "alice").await;
    world.actor("alice");
    let alice = Alice::signs_in(&world, &pds).await;
    let liked = world.actor("bob").posts("everybody likes it");
    world.actor("carol").likes(&liked);
    world.actor("dave").posts("nobody does");
    world.rank().await;
    let home = ask(&world, &alice, &[]).await.ok();
    assert_eq!(home["posts"][0]["postId"], liked.uri);
    assert_eq!(home["posts"][0]["reason"], "discover");
    assert_eq!(home["posts"].as_array().unwrap().len(), 1);
}

async fn what_was_seen_is_told(world: World) {
    let alice = alice(&world).await;
    world.actor("alice").follows("bob");
    let post = world.actor("bob").posts("from bob");
    made(&world, &alice, 2).await;
    let seen = json!({ "uris": [post.uri], "positions": [0] });
    let mark = world.request("POST", "/api/v1/feed/seen").json(&seen);
    let answer = world.send(alice.from(mark, "same-origin")).await.ok();
    assert_eq!(answer["unread"], 1);
    let home = made(&world, &alice, 2).await;
    let read: Vec<&Value> =
        home["posts"].as_array().unwrap().iter().filter(|post| post["isRead"] == true).collect();
    assert_eq!((read.len(), &read[0]["postId"]), (1, &json!(post.uri)));
    assert!(read[0]["readAt"].as_str().unwrap().ends_with('Z'));
    let all = json!({ "upTo": "2030-01-01T00:00:00Z" });
    let mark = world.request("POST", "/api/v1/feed/seen").json(&all);
    assert_eq!(world.send(alice.from(mark, "same-origin")).await.ok()["unread"], 0);
}

async fn a_home_is_the_callers_own(world: World) {
    let alice = alice(&world).await;
    let own = ask(&world, &alice, &[("userId", did("alice").as_str())]).await;
    own.ok();
    let others = ask(&world, &alice, &[("userId", did("bob").as_str())]).await;
    assert_eq!(others.refused(), (403, "NotYou"));
    let token = alice.token(&world, &["read"]).await;
    world.send(world.request("GET", "/api/v1/posts").bearer_auth(&token)).await.ok();
    let nobody = world.send(world.request("GET", "/api/v1/posts")).await;
    assert_eq!(nobody.refused().0, 401);
}

async fn a_malformed_question_is_refused(world: World) {
    let alice = alice(&world).await;
    for query in
        [("mode", "best"), ("limit", "0"), ("limit", "101"), ("cursor", "r.1"), ("userId", "bob")]
    {
        let refused = ask(&world, &alice, &[query]).await;
        assert_eq!(refused.refused(), (400, "InvalidRequest"), "{query:?}");
    }
    for body in [
        json!({}),
        json!({ "uris": ["bob"] }),
        json!({ "uris": [], "positions": [1] }),
        json!({ "upTo": "yesterday" }),
        json!({ "uris": [format!("at://{}/app.bsky.feed.post", did("bob"))] }),
    ] {
        let mark = world.request("POST", "/api/v1/feed/seen").json(&body);
        let refused = world.send(alice.from(mark, "same-origin")).await;
        assert_eq!(refused.refused(), (400, "InvalidRequest"), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_without_homes_is_read_by_pull() {
    let world = World::open(Reach::Local).await;
    let alice = alice(&world).await;
    world.actor("alice").follows("bob");
    for n in 0..5 {
        world.actor("bob").posts(&format!("{n}"));
    }
    let page = ask(&world, &alice, &[("limit", "3")]).await;
    assert_eq!(page.header("x-feed-source"), Some("pull"));
    let page = page.ok();
    assert_eq!(page["posts"].as_array().unwrap().len(), 3);
    assert_eq!(page["posts"][0]["reason"], "follow");
    let next =
        ask(&world, &alice, &[("limit", "3"), ("cursor", page["cursor"].as_str().unwrap())]).await;
    assert_eq!(next.ok()["posts"].as_array().unwrap().len(), 3);
    let mark =
        world.request("POST", "/api/v1/feed/seen").json(&json!({ "upTo": "2030-01-01T00:00:00Z" }));
    assert_eq!(world.send(alice.from(mark, "same-origin")).await.ok(), json!({}));
}

/// As another AppView asks for it, with a token of the reader's PDS.
async fn a_home_is_offered_as_a_feed(world: World) {
    const DESCRIBE: &str = "app.bsky.feed.describeFeedGenerator";
    const SKELETON: &str = "app.bsky.feed.getFeedSkeleton";
    let alice = alice(&world).await;
    world.actor("alice").follows("bob");
    let post = world.actor("bob").posts("from bob");
    let carols = world.actor("carol").posts("from carol");
    let repost = world.actor("bob").reposts(&carols);
    let limited = json!({"content": "for me", "visibility": "PRIVATE"});
    let request = world.request("POST", "/api/v1/posts").json(&limited);
    assert_eq!(world.send(alice.from(request, "same-origin")).await.status, 201);
    let described = world.get(DESCRIBE, &[]).await.ok();
    let feeds = described["feeds"].as_array().unwrap();
    let [home, latest] = [0, 1].map(|at| feeds[at]["uri"].as_str().unwrap());
    let home_posts = made(&world, &alice, 4).await;
    let private = home_posts["posts"].as_array().unwrap();
    assert!(private.iter().any(|post| post["visibility"] == "PRIVATE"), "{home_posts}");
    for feed in [home, latest] {
        let answer = world.get_as("alice", SKELETON, &[("feed", feed)]).await.ok();
        let lines = answer["feed"].as_array().unwrap();
        let found = |uri: &str| lines.iter().find(|line| line["post"] == uri);
        assert!(found(&post.uri).unwrap()["reason"].is_null(), "{answer}");
        assert_eq!(found(&carols.uri).unwrap()["reason"]["repost"], repost.uri);
        assert!(!answer.to_string().contains("millrace.v1.post"), "{answer}");
    }
    let first = world.get_as("alice", SKELETON, &[("feed", latest), ("limit", "1")]).await.ok();
    let cursor = first["cursor"].as_str().unwrap();
    let query = [("feed", latest), ("limit", "50"), ("cursor", cursor)];
    let rest = world.get_as("alice", SKELETON, &query).await.ok();
    assert!(!rest.to_string().contains(first["feed"][0]["post"].as_str().unwrap_or("none")));
    for wrong in [home.replace("home", "else"), home.replace("publisher", "alice")] {
        let answer = world.get_as("alice", SKELETON, &[("feed", &wrong)]).await;
        assert_eq!(answer.refused(), (400, "UnknownFeed"), "{wrong}");
    }
    assert_eq!(world.get(SKELETON, &[("feed", home)]).await.refused().0, 401);
}

async fn of_feeds(world: &World, query: &str) -> Answer {
    let request = world.request("GET", &format!("/api/v1/admin/feeds{query}"));
    world.send(request.bearer_auth(ADMIN_TOKEN)).await
}

/// How many pages came from where, as far as any did.
fn counts(pages: &Value) -> Vec<(&str, u64)> {
    let sources = pages["bySource"].as_array().unwrap().iter();
    let each = sources.map(|one| (one["name"].as_str().unwrap(), one["count"].as_u64().unwrap()));
    each.filter(|(_, count)| *count > 0).collect()
}

async fn the_operator_is_told_how_homes_do(world: World) {
    let alice = alice(&world).await;
    ask(&world, &alice, &[]).await.ok();
    ask(&world, &alice, &[]).await.ok();
    let told = of_feeds(&world, "").await.ok();
    assert_eq!((&told["enabled"], &told["seconds"]), (&json!(true), &json!(900)));
    let homes = &told["homes"]["status"];
    // Between the two the home is made, or not yet.
    let found = counts(&homes["pages"]);
    assert_eq!(found.iter().map(|(_, count)| count).sum::<u64>(), 2, "{told:#}");
    assert!(found.iter().any(|(source, _)| *source == "pull"), "{told:#}");
    assert!(found.iter().all(|(source, _)| *source != "author"), "{told:#}");
    assert_eq!(counts(&told["withoutHomes"]), [], "homes answered");
    assert_eq!(homes["isPulled"], false);
    assert_eq!(homes["lagUsMax"], 30_000_000);
    for wrong in ["?seconds=5", "?seconds=3601", "?seconds=x", "?since=1"] {
        let answer = of_feeds(&world, wrong).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_without_homes_are_counted_where_they_are_found() {
    for (reach, enabled) in [(Reach::Local, false), (Reach::Remote, true)] {
        // Nobody makes homes; behind `/internal` the AppView believes that somebody does.
        let world = World::open(reach).await;
        let alice = alice(&world).await;
        let answer = ask(&world, &alice, &[]).await;
        assert_eq!(answer.header("x-feed-source"), Some("pull"));
        let told = of_feeds(&world, "?seconds=60").await.ok();
        assert_eq!(told["enabled"], enabled);
        assert_eq!(told["homes"]["status"], Value::Null);
        assert_eq!(told["homes"]["error"].is_string(), enabled, "{told:#}");
        assert_eq!(counts(&told["withoutHomes"]), [("pull", 1)]);
        let line = "millrace_feeds_query_seconds_count{source=\"pull\"} 1";
        assert!(world.registry.encode().contains(line));
    }
}
