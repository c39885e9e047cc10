//! Labels in views: whose are shown, what they remove, and what is taken back.

use millrace_appview::AppviewConfig;
use millrace_atproto::label::SentLabel;
use serde_json::{Value, json};

use crate::people::{Ref, did};
use crate::world::{Answer, Reach, World, near_and_far};

near_and_far!(
    labels_stand_in_every_view,
    whose_labels_are_shown,
    takedowns_remove_where_they_may,
    what_needs_review_is_held_back,
    story_14_labels_do_not_go_stale,
);

const PROFILE: &str = "app.bsky.actor.getProfile";
const POSTS: &str = "app.bsky.feed.getPosts";

/// Asks as `who` and accepts these labelers.
async fn ask(
    world: &World,
    who: &str,
    accept: &str,
    nsid: &str,
    params: &[(&str, &str)],
) -> Answer {
    let request = world.query(nsid, params).bearer_auth(world.token(who, nsid));
    world.send(request.header("atproto-accept-labelers", accept)).await
}

fn vals(view: &Value) -> Vec<&str> {
    let labels = view["labels"].as_array().unwrap_or_else(|| panic!("no labels in {view}"));
    labels.iter().map(|label| label["val"].as_str().unwrap()).collect()
}

async fn post_vals(world: &World, accept: &str, post: &Ref) -> Vec<String> {
    let answer = ask(world, "viewer", accept, POSTS, &[("uris", &post.uri)]).await.ok();
    vals(&answer["posts"][0]).into_iter().map(str::to_owned).collect()
}

async fn labels_stand_in_every_view(world: World) {
    let (labeler, alice) = (world.actor("labeler"), world.actor("alice"));
    alice.has_profile(json!({
        "displayName": "Alice",
        "labels": {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "bot"}]},
    }));
    let (source, account) = (did("labeler").to_string(), did("alice").to_string());
    let post = alice.posts("hello");
    let quote = world.actor("bob").quotes(&post, "look");
    let list = alice.makes_list("curatelist", "list");
    let feed = alice.offers_feed(&did("feeds"), "feed");
    let pack = alice.makes_starter_pack("pack", &list, &[&feed]);
    labeler.says("of-account", &account);
    labeler.says("of-profile", &format!("at://{account}/app.bsky.actor.profile/self"));
    for (val, record) in
        [("of-post", &post), ("of-list", &list), ("of-feed", &feed), ("of-pack", &pack)]
    {
        labeler.says(val, &record.uri);
    }
    let get = async |nsid: &str, name: &str, value: &str| {
        ask(&world, "viewer", &source, nsid, &[(name, value)]).await.ok()
    };
    let of_person = ["of-account", "of-profile", "bot"];
    let profile = get(PROFILE, "actor", &account).await;
    assert_eq!(vals(&profile), of_person);
    assert_eq!(profile["labels"][0]["src"], source.as_str());
    assert_eq!(profile["labels"][0]["uri"], account.as_str());
    assert_eq!(profile["labels"][2]["src"], account.as_str());
    let answer = get(POSTS, "uris", &quote.uri).await;
    let quoted = &answer["posts"][0]["embed"]["record"];
    assert_eq!(vals(quoted), ["of-post"]);
    assert_eq!(vals(&quoted["author"]), of_person);
    let answer = get("app.bsky.graph.getList", "list", &list.uri).await;
    assert_eq!(vals(&answer["list"]), ["of-list"]);
    assert_eq!(vals(&answer["list"]["creator"]), of_person);
    let answer = get("app.bsky.feed.getFeedGenerators", "feeds", &feed.uri).await;
    assert_eq!(vals(&answer["feeds"][0]), ["of-feed"]);
    let answer = get("app.bsky.graph.getStarterPack", "starterPack", &pack.uri).await;
    assert_eq!(vals(&answer["starterPack"]), ["of-pack"]);
    assert_eq!(vals(&answer["starterPack"]["list"]), ["of-list"]);
    // The record of a notification is labelled too.
    let like = world.actor("bob").likes(&post);
    labeler.says("of-like", &like.uri);
    let list = "app.bsky.notification.listNotifications";
    let answer = ask(&world, "alice", &source, list, &[]).await.ok();
    let notices = answer["notifications"].as_array().unwrap();
    let liked = notices.iter().find(|it| it["reason"] == "like").unwrap();
    assert_eq!(vals(liked), ["of-like"]);
}

async fn whose_labels_are_shown(world: World) {
    let post = world.actor("alice").posts("hello");
    for name in ["first", "second"] {
        world.actor(name).says(name, &post.uri);
    }
    let (first, second) = (did("first").to_string(), did("second").to_string());
    assert!(post_vals(&world, "", &post).await.is_empty());
    assert_eq!(post_vals(&world, &first, &post).await, ["first"]);
    assert_eq!(post_vals(&world, &format!("{first},{second};redact"), &post).await.len(), 2);
    // Who is no account here labels nothing; nor does one that is not active.
    let nobody = did("nobody").to_string();
    assert_eq!(post_vals(&world, &format!("{nobody}, {second}"), &post).await, ["second"]);
    world.actor("second").is(false, Some("suspended"));
    assert!(post_vals(&world, &second, &post).await.is_empty());
    let trusted =
        AppviewConfig { trusted_labelers: vec![did("first")], ..AppviewConfig::default() };
    let world = World::open_with(Reach::Local, trusted).await;
    let post = world.actor("alice").posts("hello");
    world.actor("first").says("!takedown", &post.uri);
    let answer = world.get(POSTS, &[("uris", &post.uri)]).await;
    let header = answer.header("atproto-content-labelers").map(str::to_owned);
    assert_eq!(header, Some(format!("{};redact", did("first"))));
    assert_eq!(answer.ok(), json!({ "posts": [] }), "trusted labelers redact without being named");
}

async fn takedowns_remove_where_they_may(world: World) {
    let (alice, labeler) = (world.actor("alice"), world.actor("labeler"));
    let (post, other) = (alice.posts("one"), alice.posts("two"));
    let quote = world.actor("bob").quotes(&post, "look");
    labeler.says("!takedown", &post.uri);
    let (source, account) = (did("labeler").to_string(), did("alice").to_string());
    let redact = format!("{source};redact");
    let uris = [("uris", post.uri.as_str()), ("uris", &other.uri), ("uris", &quote.uri)];
    let mild = ask(&world, "viewer", &source, POSTS, &uris).await.ok();
    assert_eq!(mild["posts"].as_array().unwrap().len(), 3);
    assert_eq!(vals(&mild["posts"][0]), ["!takedown"]);
    let strict = ask(&world, "viewer", &redact, POSTS, &uris).await.ok();
    let posts = strict["posts"].as_array().unwrap();
    assert_eq!(posts.len(), 2);
    assert_eq!(posts[1]["embed"]["record"]["$type"], "app.bsky.embed.record#viewNotFound");
    labeler.says("!suspend", &account);
    let gone = ask(&world, "viewer", &redact, PROFILE, &[("actor", &account)]).await;
    assert_eq!(gone.refused(), (400, "AccountTakedown"));
    let strict = ask(&world, "viewer", &redact, POSTS, &uris).await.ok();
    assert_eq!(strict["posts"].as_array().unwrap().len(), 1, "only bob's is left");
    let shown = ask(&world, "viewer", &source, PROFILE, &[("actor", &account)]).await.ok();
    assert_eq!(vals(&shown), ["!suspend"]);
    // Who moderates sees everything.
    let seen = ask(&world, "did:plc:moderation", &redact, PROFILE, &[("actor", &account)]).await;
    assert_eq!(vals(&seen.ok()), ["!suspend"]);
}

async fn what_needs_review_is_held_back(world: World) {
    let root = world.actor("alice").posts("root");
    let spam = world.actor("spammer").replies(&root, "buy");
    let quote = world.actor("spammer").quotes(&root, "buy too");
    world.actor("friend").follows("spammer");
    world.actor("labeler").says("needs-review", did("spammer").as_str());
    let redact = format!("{};redact", did("labeler"));
    let replies = async |who: &str, accept: &str| {
        let nsid = "app.bsky.feed.getPostThread";
        let answer = ask(&world, who, accept, nsid, &[("uri", &root.uri)]).await.ok();
        answer["thread"]["replies"].as_array().unwrap().len()
    };
    assert_eq!(replies("viewer", &redact).await, 0);
    assert_eq!(replies("friend", &redact).await, 1);
    assert_eq!(replies("spammer", &redact).await, 1);
    assert_eq!(replies("viewer", did("labeler").as_str()).await, 1);
    let v2 = async |who: &str| {
        let nsid = "app.bsky.unspecced.getPostThreadV2";
        let answer = ask(&world, who, &redact, nsid, &[("anchor", &root.uri)]).await.ok();
        answer["thread"].as_array().unwrap().len()
    };
    assert_eq!((v2("viewer").await, v2("friend").await), (1, 2));
    let quotes = async |who: &str| {
        let nsid = "app.bsky.feed.getQuotes";
        let answer = ask(&world, who, &redact, nsid, &[("uri", &root.uri)]).await.ok();
        answer["posts"].as_array().unwrap().len()
    };
    assert_eq!((quotes("viewer").await, quotes("friend").await), (0, 1));
    let list = "app.bsky.notification.listNotifications";
    let told = ask(&world, "alice", &redact, list, &[]).await.ok();
    assert_eq!(told["notifications"], json!([]));
    // It is shown where it is asked for, and nobody is told of the label.
    let both = [("uris", spam.uri.as_str()), ("uris", &quote.uri)];
    let answer = ask(&world, "viewer", &redact, POSTS, &both).await.ok();
    assert_eq!(vals(&answer["posts"][0]["author"]), [""; 0]);
    assert_eq!(answer["posts"].as_array().unwrap().len(), 2);
}

/// A negation takes back whatever was said, of whichever version, whenever it comes; nothing is said twice,
/// and nothing beyond its end.
async fn story_14_labels_do_not_go_stale(world: World) {
    let (alice, labeler) = (world.actor("alice"), world.actor("labeler"));
    let post = alice.posts("hello");
    let accept = did("labeler").to_string();
    let said = |val: &'static str, cts: &'static str| {
        let about = SentLabel { val, cts, ..labeler.about(&post.uri) };
        SentLabel { cid: Some(&post.cid), ..about }
    };
    let other = crate::people::blob_cid("another version");
    let (early, late) = ("2025-12-01T00:00:00.000Z", "2025-12-02T00:00:00.000Z");
    // Said of one version, taken back of another, or of none.
    labeler.issues(&said("a", early));
    labeler.issues(&SentLabel { cid: Some(&other), neg: Some(true), ..said("a", late) });
    labeler.issues(&said("b", early));
    labeler.issues(&SentLabel { cid: None, neg: Some(true), ..said("b", late) });
    // The negation comes first.
    labeler.issues(&SentLabel { neg: Some(true), ..said("c", late) });
    labeler.issues(&said("c", early));
    // Twice; and again after it was taken back.
    labeler.issues(&said("d", early)).issues(&said("d", early));
    labeler.issues(&said("e", early));
    labeler.issues(&SentLabel { neg: Some(true), ..said("e", late) });
    labeler.issues(&said("e", "2025-12-03T00:00:00.000Z"));
    // For an hour.
    labeler.issues(&SentLabel { exp: Some("2026-01-01T01:00:00Z"), ..said("f", early) });
    labeler.issues(&SentLabel { exp: Some("2025-12-31T00:00:00Z"), ..said("g", early) });
    assert_eq!(post_vals(&world, &accept, &post).await, ["d", "e", "f"]);
    // The whole stream again changes nothing.
    labeler.issues(&said("a", early)).issues(&said("b", early)).issues(&said("e", early));
    assert_eq!(post_vals(&world, &accept, &post).await, ["d", "e", "f"]);
    world.clock.advance(std::time::Duration::from_secs(2 * 3_600));
    assert_eq!(post_vals(&world, &accept, &post).await, ["d", "e"]);
}
