//! Feeds of third parties: what they say is shown, and nothing they do hurts.

use millrace_appview::AppviewConfig;
use millrace_appview::config::LimitsConfig;
use serde_json::{Value, json};

use super::{check_uris, mute};
use crate::feed_server::{FeedServer, Script, item};
use crate::people::{Ref, did};
use crate::world::{Answer, Reach, World, near_and_far};

const GET_FEED: &str = "app.bsky.feed.getFeed";
const GET_FEED_GENERATOR: &str = "app.bsky.feed.getFeedGenerator";
const SKELETON: &str = "app.bsky.feed.getFeedSkeleton";

near_and_far!(
    a_feed_as_its_service_says,
    a_feed_in_the_callers_name,
    rules_of_feeds,
    pages_are_not_filled_up,
    feeds_that_cannot_be_asked,
    refusals_are_passed_on,
    one_generator,
);

/// A feed of `service`, offered by carol.
fn offered(world: &World, server: &FeedServer) -> Ref {
    world.actor("carol").offers_feed(&server.did, "Cats")
}

async fn ask(world: &World, feed: &Ref, params: &[(&str, &str)]) -> Answer {
    let params = [&[("feed", feed.uri.as_str())], params].concat();
    world.get(GET_FEED, &params).await
}

async fn a_feed_as_its_service_says(world: World) {
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    let one = world.actor("alice").posts("1");
    let two = world.actor("bob").posts("2");
    let repost = world.actor("bob").reposts(&one);
    let gone =
        Ref { uri: one.uri.replace("app.bsky.feed.post/3", "app.bsky.feed.post/4"), ..one.clone() };
    let reason =
        |kind: &str| json!({ "$type": format!("app.bsky.feed.defs#skeletonReason{kind}") });
    let mut reposted = reason("Repost");
    reposted["repost"] = json!(repost.uri);
    server.plays(Script::Says(json!({
        "feed": [
            { "post": two.uri, "reason": reason("Pin") },
            { "post": gone.uri },
            { "post": one.uri, "reason": reposted, "feedContext": "because" },
            // A repost of another post is none of this one.
            { "post": two.uri, "reason": reposted },
            { "post": one.uri, "reason": { "$type": "com.example#reason", "why": "?" } },
            { "post": format!("at://{}/app.bsky.feed.post/not a key", did("alice")) },
        ],
        "cursor": "next", "reqId": "req-1", "$extra": { "a": 1 },
    })));
    let answer = ask(&world, &feed, &[]).await.ok();
    check_uris(&answer, &[&two, &one, &one]);
    assert_eq!(answer["cursor"], "next");
    assert_eq!(answer["$extra"], json!({ "a": 1 }), "what else it says is passed on");
    assert_eq!(answer.get("reqId"), None);
    let [pinned, reposted, plain] = [0, 1, 2].map(|index| &answer["feed"][index]);
    assert_eq!(pinned["reason"]["$type"], "app.bsky.feed.defs#reasonPin");
    assert_eq!(reposted["reason"]["$type"], "app.bsky.feed.defs#reasonRepost");
    assert_eq!(reposted["reason"]["by"]["handle"], "bob.test");
    assert_eq!(reposted["reason"]["cid"], repost.cid.as_str());
    assert_eq!(
        (&reposted["feedContext"], &reposted["reqId"]),
        (&json!("because"), &json!("req-1"))
    );
    assert_eq!((plain.get("reason"), plain.get("feedContext")), (None, None));
    assert_eq!(plain["reqId"], "req-1");
    let asked = &server.asked()[0];
    assert_eq!(asked.params["feed"], feed.uri);
    assert_eq!((asked.params["limit"].as_str(), asked.params.get("cursor")), ("50", None));
    assert_eq!(asked.headers.get("authorization"), None);
}

async fn a_feed_in_the_callers_name(world: World) {
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    server.plays(Script::InLanguage("pt-BR"));
    world.actor("alice");
    let token = world.token_with("alice", SKELETON, |claims| claims.aud = server.did.to_string());
    let request = world
        .query(GET_FEED, &[("feed", &feed.uri), ("limit", "7"), ("cursor", "abc")])
        .bearer_auth(&token)
        .header("accept-language", "pt, en")
        .header("x-bsky-topics", "cats")
        .header("x-bsky-topics", "dogs")
        .header("cookie", "secret");
    let answer = world.send(request).await;
    assert_eq!(answer.header("content-language"), Some("pt-BR"));
    assert_eq!(answer.header("atproto-content-labelers"), Some(""));
    assert_eq!(answer.ok(), json!({ "feed": [] }));
    let asked = &server.asked()[0];
    let header = |name: &str| asked.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("authorization"), Some(format!("Bearer {token}").as_str()));
    assert_eq!(header("accept-language"), Some("pt, en"));
    assert_eq!(header("x-bsky-topics"), Some("cats,dogs"));
    assert_eq!(header("cookie"), None);
    assert_eq!((asked.params["limit"].as_str(), asked.params["cursor"].as_str()), ("7", "abc"));
    // Who the token is from is still proven, and it is good once.
    let again = world.query(GET_FEED, &[("feed", &feed.uri)]).bearer_auth(&token);
    assert_eq!(world.send(again).await.refused(), (401, "BadJwt"));
    for (nsid, expected) in [(GET_FEED, 200), (SKELETON, 200), ("app.bsky.feed.getTimeline", 401)] {
        let token = world.token_with("alice", nsid, |claims| claims.aud = "did:web:any".to_owned());
        let request = world.query(GET_FEED, &[("feed", &feed.uri)]).bearer_auth(token);
        assert_eq!(world.send(request).await.status.as_u16(), expected, "{nsid}");
    }
    let expired = world.token_with("alice", SKELETON, |claims| claims.exp -= 100);
    let expired = world.query(GET_FEED, &[("feed", &feed.uri)]).bearer_auth(expired);
    assert_eq!(world.send(expired).await.refused(), (401, "JwtExpired"));
    // The operator's password stays here.
    let before = server.asked().len();
    let request = world.query(GET_FEED, &[("feed", &feed.uri)]);
    world.send(request.basic_auth("admin", Some(crate::world::PASSWORD))).await.ok();
    assert_eq!(server.asked()[before].headers.get("authorization"), None);
}

async fn rules_of_feeds(world: World) {
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    let viewer = world.actor("viewer");
    let by = |name: &str| world.actor(name).posts(name);
    let (fine, muted, blocked, blocker) = (by("fine"), by("muted"), by("blocked"), by("blocker"));
    let reply = world.actor("fine").replies(&blocked, "to somebody blocked");
    let below = world.actor("other").replies(&reply, "below that");
    let repost = world.actor("muted").reposts(&fine);
    viewer.blocks("blocked");
    world.actor("blocker").blocks("viewer");
    mute(&world, "viewer", "muted").await;
    let reason =
        json!({ "$type": "app.bsky.feed.defs#skeletonReasonRepost", "repost": repost.uri });
    let mut items: Vec<Value> =
        [&fine, &muted, &blocked, &blocker, &reply, &below].map(item).to_vec();
    items.push(json!({ "post": fine.uri, "reason": reason }));
    server.plays(Script::Says(json!({ "feed": items })));
    let seen = world.get_as("viewer", GET_FEED, &[("feed", &feed.uri)]).await.ok();
    check_uris(&seen, &[&fine]);
    let by_nobody = ask(&world, &feed, &[]).await.ok();
    check_uris(&by_nobody, &[&fine, &muted, &blocked, &blocker, &reply, &below, &fine]);
}

async fn pages_are_not_filled_up(world: World) {
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    let posts: Vec<Ref> = (0..5).map(|n| world.actor("alice").posts(&n.to_string())).collect();
    world.actor("alice").deletes(&posts[0]).deletes(&posts[1]);
    server.plays(Script::Pages(posts.iter().map(item).collect()));
    let first = ask(&world, &feed, &[("limit", "2")]).await.ok();
    assert_eq!((&first["feed"], &first["cursor"]), (&json!([]), &json!("2")));
    let second = ask(&world, &feed, &[("limit", "2"), ("cursor", "2")]).await.ok();
    check_uris(&second, &[&posts[2], &posts[3]]);
    let last = ask(&world, &feed, &[("limit", "2"), ("cursor", "4")]).await.ok();
    check_uris(&last, &[&posts[4]]);
    assert_eq!(last.get("cursor"), None);
    assert_eq!(server.asked().len(), 3, "each page was asked for once");
}

async fn feeds_that_cannot_be_asked(world: World) {
    let server = FeedServer::start(&world, "cats").await;
    let carol = world.actor("carol");
    let unknown_service = carol.offers_feed(&did("nobody"), "x");
    world.actor("dan");
    let no_service = carol.offers_feed(&did("dan"), "x");
    let deleted = carol.offers_feed(&server.did, "x");
    carol.deletes(&deleted);
    let refused = async |uri: &str| {
        let answer = world.get(GET_FEED, &[("feed", uri)]).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{uri}");
        answer.body["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(&deleted.uri).await, "could not find feed");
    assert_eq!(refused("at://carol.test/app.bsky.feed.generator/x").await, "could not find feed");
    assert_eq!(
        refused(&unknown_service.uri).await,
        format!("could not resolve identity: {}", did("nobody"))
    );
    assert_eq!(
        refused(&no_service.uri).await,
        format!("invalid feed generator service details in did document: {}", did("dan"))
    );
    for params in [&[][..], &[("feed", "cats")], &[("feed", &deleted.uri), ("limit", "101")]] {
        assert_eq!(world.get(GET_FEED, params).await.refused(), (400, "InvalidRequest"));
    }
    assert!(server.asked().is_empty());
    // Whoever made the feed may be gone; the feed is served on.
    let feed = carol.offers_feed(&server.did, "x");
    carol.is(false, Some("takendown"));
    assert_eq!(ask(&world, &feed, &[]).await.ok(), json!({ "feed": [] }));
}

async fn refusals_are_passed_on(world: World) {
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    let refusal = json!({ "error": "UnknownFeed", "message": "no such feed" }).to_string();
    for (status, kind, body, expected) in [
        (400, "application/json", refusal.as_str(), (400, "UnknownFeed", "no such feed")),
        (
            401,
            "application/json",
            r#"{"error":"AuthenticationRequired","message":"This feed requires auth"}"#,
            (401, "AuthenticationRequired", "This feed requires auth"),
        ),
        (500, "application/json", &refusal, (502, "UnknownFeed", "no such feed")),
        (
            503,
            "text/html",
            "<html>",
            (503, "NotEnoughResources", "the feed answered with status 503"),
        ),
    ] {
        server.plays(Script::Refuses(status, kind, body.to_owned()));
        let answer = ask(&world, &feed, &[]).await;
        let (status, name) = answer.refused();
        assert_eq!((status, name, answer.body["message"].as_str().unwrap()), expected);
    }
}

async fn one_generator(world: World) {
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    let like = world.actor("alice").likes(&feed);
    let answer = world.get_as("alice", GET_FEED_GENERATOR, &[("feed", &feed.uri)]).await.ok();
    assert_eq!((&answer["isOnline"], &answer["isValid"]), (&json!(true), &json!(true)));
    let view = &answer["view"];
    assert_eq!((&view["uri"], &view["cid"]), (&json!(feed.uri), &json!(feed.cid)));
    assert_eq!((&view["did"], &view["displayName"]), (&json!(server.did), &json!("Cats")));
    assert_eq!(view["creator"]["handle"], "carol.test");
    assert_eq!((&view["likeCount"], &view["viewer"]["like"]), (&json!(1), &json!(like.uri)));
    let stray = world.actor("carol").offers_feed(&did("nobody"), "x");
    let answer = world.get(GET_FEED_GENERATOR, &[("feed", &stray.uri)]).await;
    assert_eq!(answer.refused(), (400, "InvalidRequest"));
    world.actor("carol").is(false, Some("takendown"));
    let hidden = world.get(GET_FEED_GENERATOR, &[("feed", &feed.uri)]).await;
    assert_eq!(hidden.refused(), (400, "InvalidRequest"));
    assert_eq!(hidden.body["message"], "could not find feed");
    assert!(server.asked().is_empty(), "whether it answers is not asked");
}

/// A world that waits for feeds not longer than a test should.
async fn impatient(reach: Reach) -> World {
    let limits = LimitsConfig { feed_timeout_ms: 500, ..LimitsConfig::default() };
    World::open_with(reach, AppviewConfig { limits, ..AppviewConfig::default() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_18_a_feed_that_says_nothing_or_never_ends() {
    for reach in [Reach::Local, Reach::Remote] {
        let world = impatient(reach).await;
        let server = FeedServer::start(&world, "cats").await;
        let feed = offered(&world, &server);
        for script in [Script::Silence, Script::Endless] {
            server.plays(script.clone());
            let answer = ask(&world, &feed, &[]).await;
            assert_eq!(answer.refused(), (502, "UpstreamFailure"), "{script:?}");
            assert_eq!(answer.body["message"], "feed unavailable", "{script:?}");
        }
        server.plays(Script::Says(json!({ "feed": [] })));
        assert_eq!(ask(&world, &feed, &[]).await.ok(), json!({ "feed": [] }), "others go on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_18_a_feed_whose_server_is_gone() {
    let world = impatient(Reach::Local).await;
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    ask(&world, &feed, &[]).await.ok();
    drop(server);
    let answer = ask(&world, &feed, &[]).await;
    assert_eq!(answer.refused(), (502, "UpstreamFailure"));
    assert_eq!(answer.body["message"], "feed unavailable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_18_a_feed_that_leads_elsewhere() {
    let world = impatient(Reach::Local).await;
    let server = FeedServer::start(&world, "cats").await;
    let other = FeedServer::start(&world, "dogs").await;
    let feed = offered(&world, &server);
    let elsewhere = |to: &str| server.plays(Script::Redirects(to.to_owned()));
    for to in [
        "http://10.0.0.1/xrpc/app.bsky.feed.getFeedSkeleton",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00::1]/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "http://user:pass@127.0.0.1/",
        "",
    ] {
        elsewhere(to);
        let answer = ask(&world, &feed, &[]).await;
        assert_eq!(answer.refused(), (502, "UpstreamFailure"), "{to}");
        assert!(!answer.text.contains("10.0.0.1"), "nothing of the inside is shown");
    }
    // For ever.
    elsewhere(&format!("{}/xrpc/app.bsky.feed.getFeedSkeleton", server.url));
    assert_eq!(ask(&world, &feed, &[]).await.refused(), (502, "UpstreamFailure"));
    // Another server may answer; the caller's token is not for it.
    elsewhere(&format!("{}/xrpc/app.bsky.feed.getFeedSkeleton?x", other.url));
    let answer = world.get_as("alice", GET_FEED, &[("feed", &feed.uri)]).await;
    assert_eq!(answer.ok(), json!({ "feed": [] }));
    assert_eq!(other.asked()[0].headers.get("authorization"), None);
    assert!(server.asked().last().unwrap().headers.contains_key("authorization"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_18_a_feed_at_a_private_address() {
    let world = impatient(Reach::Local).await;
    let carol = world.actor("carol");
    for (name, endpoint) in [("one", "http://192.168.1.1"), ("two", "https://[::ffff:10.0.0.1]/")] {
        world.directory.serves_feeds(&did(name), endpoint);
        let feed = carol.offers_feed(&did(name), name);
        let answer = ask(&world, &feed, &[]).await;
        assert_eq!(answer.refused(), (502, "UpstreamFailure"), "{endpoint}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_18_a_feed_that_answers_nonsense() {
    let world = impatient(Reach::Local).await;
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    for body in ["", "{", "null", "[]", "{\"feed\":7}", "{\"feed\":[{\"post\":17}]}", "\u{0}"] {
        server.plays(Script::Garbage(body));
        let answer = ask(&world, &feed, &[]).await;
        assert_eq!(answer.refused(), (502, "InvalidFeedResponse"), "{body:?}");
        assert_eq!(answer.body["message"], "feed provided an invalid response");
    }
    server.plays(Script::Refuses(200, "text/html", "<html>".to_owned()));
    assert_eq!(ask(&world, &feed, &[]).await.refused(), (502, "InvalidFeedResponse"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn story_18_a_feed_that_ignores_limit_and_cursor() {
    let world = impatient(Reach::Local).await;
    let server = FeedServer::start(&world, "cats").await;
    let feed = offered(&world, &server);
    let posts: Vec<Ref> = (0..4).map(|n| world.actor("alice").posts(&n.to_string())).collect();
    let many: Vec<Value> = posts.iter().cycle().take(10_000).map(item).collect();
    server.plays(Script::Echoes(many));
    let page = ask(&world, &feed, &[("limit", "3"), ("cursor", "x")]).await.ok();
    check_uris(&page, &[&posts[0], &posts[1], &posts[2]]);
    assert_eq!(page.get("cursor"), None, "the cursor given is not given back");
    // After an empty page nothing comes, whatever the service says.
    server.plays(Script::Says(json!({ "feed": [], "cursor": "more" })));
    assert_eq!(ask(&world, &feed, &[]).await.ok(), json!({ "feed": [] }));
}
