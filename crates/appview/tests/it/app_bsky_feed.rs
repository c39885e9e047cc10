//! Feeds, threads, posts by name, and likes.

use serde_json::{Value, json};

use crate::people::{POST, Ref, blob, blob_cid, did, video};
use crate::world::{World, near_and_far};

const GET_AUTHOR_FEED: &str = "app.bsky.feed.getAuthorFeed";
const GET_LIKES: &str = "app.bsky.feed.getLikes";
const GET_POSTS: &str = "app.bsky.feed.getPosts";
const GET_POST_THREAD: &str = "app.bsky.feed.getPostThread";
const GET_TIMELINE: &str = "app.bsky.feed.getTimeline";

near_and_far!(
    a_post_in_full,
    what_a_viewer_is_to_a_post,
    embeds,
    quotes_are_two_levels_deep,
    broken_embeds_are_no_embeds,
    records_are_spliced_unchanged,
    labels_of_authors,
    posts_that_cannot_be_shown_are_left_out,
    author_feed_filters,
    author_feed_threads_are_whole,
    author_feed_pages,
    author_feed_pins,
    what_a_reply_answers,
    a_feed_of_hidden_people,
    timeline_of_follows,
    timeline_pages_past_hidden_people,
    thread_around_a_post,
    thread_bounds,
    thread_with_missing_parents,
    thread_not_found,
    threads_a_thousand_levels_deep,
    likes_of_a_post,
    parameters,
    revisions,
);

fn uris(feed: &Value) -> Vec<&str> {
    feed["feed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["post"]["uri"].as_str().unwrap())
        .collect()
}

#[track_caller]
fn check_uris(feed: &Value, expected: &[&Ref]) {
    let expected: Vec<&str> = expected.iter().map(|post| post.uri.as_str()).collect();
    assert_eq!(uris(feed), expected);
}

async fn posts(world: &World, posts: &[&Ref]) -> Value {
    let params: Vec<(&str, &str)> = posts.iter().map(|post| ("uris", post.uri.as_str())).collect();
    world.get(GET_POSTS, &params).await.ok()["posts"].take()
}

async fn a_post_in_full(world: World) {
    let alice = world.actor("alice");
    alice.has_profile(json!({ "displayName": "Alice" }));
    let post = alice.posts_with(
        "hello \u{0}\u{2028}",
        json!({ "createdAt": "2025-12-31T00:00:00.1239Z", "langs": ["en"] }),
    );
    world.actor("bob").likes(&post);
    world.actor("bob").replies(&post, "hi");
    world.actor("carol").quotes(&post, "look");
    let shown = posts(&world, &[&post]).await;
    assert_eq!(
        shown,
        json!([{
            "uri": post.uri, "cid": post.cid,
            "author": {
                "did": did("alice"), "handle": "alice.test", "displayName": "Alice", "labels": [],
                "associated": { "activitySubscription": { "allowSubscriptions": "followers" } },
            },
            "record": {
                "$type": POST, "text": "hello \u{0}\u{2028}", "createdAt": "2025-12-31T00:00:00.1239Z", "langs": ["en"],
            },
            "bookmarkCount": 0, "likeCount": 1, "replyCount": 1, "quoteCount": 1, "repostCount": 0,
            "indexedAt": "2025-12-31T00:00:00.123Z", "labels": [],
        }])
    );
}

async fn what_a_viewer_is_to_a_post(world: World) {
    let alice = world.actor("alice");
    let (one, two) = (alice.posts("one"), alice.posts("two"));
    alice.has_profile(json!({ "pinnedPost": one.json() }));
    let like = world.actor("bob").likes(&one);
    let params = [("uris", one.uri.as_str()), ("uris", two.uri.as_str())];
    let by_bob = world.get_as("bob", GET_POSTS, &params).await.ok();
    let state = json!({ "bookmarked": false, "threadMuted": false, "embeddingDisabled": false });
    let with = |key: &str, value: Value| {
        let mut state = state.clone();
        state[key] = value;
        state
    };
    assert_eq!(by_bob["posts"][0]["viewer"], with("like", json!(like.uri)));
    assert_eq!(by_bob["posts"][1]["viewer"], state);
    let by_author = world.get_as("alice", GET_POSTS, &params).await.ok();
    assert_eq!(by_author["posts"][0]["viewer"], with("pinned", json!(true)));
    assert_eq!(by_author["posts"][1]["viewer"], with("pinned", json!(false)));
    world.actor("bob").deletes(&like);
    let unliked = world.get_as("bob", GET_POSTS, &params).await.ok();
    assert_eq!(unliked["posts"][0]["viewer"], state);
    assert_eq!(unliked["posts"][0]["likeCount"], 0);
}

async fn embeds(world: World) {
    let alice = world.actor("alice");
    let did = did("alice");
    let ratio = json!({ "width": 4, "height": 3 });
    let image =
        |seed: &str| json!({ "image": blob(seed), "alt": "a \"picture\"", "aspectRatio": ratio });
    let url = |preset: &str, seed: &str| {
        format!("https://appview.test/img/{preset}/plain/{did}/{}", blob_cid(seed))
    };
    let images = json!({ "$type": "app.bsky.embed.images", "images": [image("one"), { "image": blob("two"), "alt": "" }] });
    let images_view = json!({
        "$type": "app.bsky.embed.images#view",
        "images": [
            { "thumb": url("feed_thumbnail", "one"), "fullsize": url("feed_fullsize", "one"), "alt": "a \"picture\"", "aspectRatio": ratio },
            { "thumb": url("feed_thumbnail", "two"), "fullsize": url("feed_fullsize", "two"), "alt": "" },
        ],
    });
    let video_url = |file: &str| {
        format!(
            "https://appview.test/vid/did%3Aplc%3A{}/{}/{file}",
            did.identifier(),
            blob_cid("film")
        )
    };
    let quoted = alice.posts("quoted");
    let picture = |n: usize| {
        let mut item = image(&n.to_string());
        item["$type"] = json!("app.bsky.embed.gallery#image");
        item
    };
    // More than are shown, and one of a kind that nobody knows.
    let mut gallery: Vec<Value> = (0..12).map(picture).collect();
    gallery[1] = json!({ "$type": "com.example.item" });
    let gallery_view: Vec<Value> = [0, 2, 3, 4, 5, 6, 7, 8, 9]
        .map(|n: usize| {
            let seed = n.to_string();
            json!({
                "$type": "app.bsky.embed.gallery#viewImage", "thumbnail": url("feed_thumbnail", &seed),
                "fullsize": url("feed_fullsize", &seed), "alt": "a \"picture\"", "aspectRatio": ratio,
            })
        })
        .to_vec();
    let external = json!({ "uri": "https://example.com/?a=1&b", "title": "T", "description": "D", "thumb": blob("thumb"), "associatedRefs": [quoted.json()] });
    let cases = [
        (images.clone(), images_view.clone()),
        (
            json!({ "$type": "app.bsky.embed.video", "video": video("film"), "alt": "moving", "presentation": "gif" }),
            json!({
                "$type": "app.bsky.embed.video#view", "cid": blob_cid("film"), "alt": "moving", "presentation": "gif",
                "playlist": video_url("playlist.m3u8"), "thumbnail": video_url("thumbnail.jpg"),
            }),
        ),
        (
            json!({ "$type": "app.bsky.embed.gallery", "items": gallery }),
            json!({ "$type": "app.bsky.embed.gallery#view", "items": gallery_view }),
        ),
        (
            json!({ "$type": "app.bsky.embed.external", "external": external }),
            json!({
                "$type": "app.bsky.embed.external#view",
                "external": {
                    "uri": "https://example.com/?a=1&b", "title": "T", "description": "D", "thumb": url("feed_thumbnail", "thumb"),
                    "associatedRefs": [quoted.json()],
                },
            }),
        ),
        (
            json!({
                "$type": "app.bsky.embed.recordWithMedia", "media": images,
                "record": { "$type": "app.bsky.embed.record", "record": quoted.json() },
            }),
            json!({ "$type": "app.bsky.embed.recordWithMedia#view", "media": images_view, "record": { "record": Value::Null } }),
        ),
    ];
    for (embed, expected) in cases {
        let post = alice.posts_with("", json!({ "embed": embed }));
        let mut shown = posts(&world, &[&post]).await[0]["embed"].take();
        if let Some(record) = shown.pointer_mut("/record/record") {
            assert_eq!(record["$type"], "app.bsky.embed.record#viewRecord");
            assert_eq!(record["uri"], quoted.uri.as_str());
            *record = Value::Null;
        }
        assert_eq!(shown, expected);
    }
}

async fn quotes_are_two_levels_deep(world: World) {
    let alice = world.actor("alice");
    let deepest = alice.posts("deepest");
    let third = alice.quotes(&deepest, "third");
    let second = alice.quotes(&third, "second");
    let first = alice.quotes(&second, "first");
    world.actor("bob").likes(&second);
    let shown = posts(&world, &[&first]).await;
    let record = &shown[0]["embed"]["record"];
    assert_eq!(record["$type"], "app.bsky.embed.record#viewRecord");
    assert_eq!(record["uri"], second.uri.as_str());
    assert_eq!(record["value"]["text"], "second");
    assert_eq!((&record["likeCount"], &record["quoteCount"]), (&json!(1), &json!(1)));
    assert_eq!(record["author"]["handle"], "alice.test");
    assert_eq!(record["embeds"].as_array().unwrap().len(), 1);
    let inner = &record["embeds"][0]["record"];
    assert_eq!(inner["uri"], third.uri.as_str());
    assert_eq!(inner.get("embeds"), None, "the deepest level shows nothing itself");
    // A post that quotes nothing has an empty list where it could have one.
    assert_eq!(posts(&world, &[&third]).await[0]["embed"]["record"]["embeds"], json!([]));
    alice.deletes(&second);
    let not_found = json!({ "$type": "app.bsky.embed.record#viewNotFound", "uri": second.uri, "notFound": true });
    assert_eq!(posts(&world, &[&first]).await[0]["embed"]["record"], not_found);
}

async fn broken_embeds_are_no_embeds(world: World) {
    let alice = world.actor("alice");
    let list =
        Ref { uri: format!("at://{}/app.bsky.graph.list/x", did("alice")), cid: blob_cid("x") };
    let post = alice.quotes(&list, "a list");
    let shown = posts(&world, &[&post]).await;
    assert_eq!(shown[0]["embed"]["record"]["$type"], "app.bsky.embed.record#viewNotFound");
    let unknown =
        alice.posts_with("new", json!({ "embed": { "$type": "com.example.embed", "x": 1 } }));
    let shown = posts(&world, &[&unknown]).await;
    assert_eq!(shown[0].get("embed"), None);
    assert_eq!(shown[0]["record"]["embed"]["x"], 1);
}

async fn records_are_spliced_unchanged(world: World) {
    let extra = json!({ "unknown": { "b": [1, { "$bytes": "aGk" }], "a": null }, "big": 9_007_199_254_740_991_i64 });
    let post =
        world.actor("alice").posts_with("\u{7f}<&>'\u{1f469}\u{200d}\u{1f680}", extra.clone());
    let shown = posts(&world, &[&post]).await;
    assert_eq!(shown[0]["record"]["unknown"], extra["unknown"]);
    assert_eq!(shown[0]["record"]["big"], extra["big"]);
    assert_eq!(shown[0]["record"]["text"], "\u{7f}<&>'\u{1f469}\u{200d}\u{1f680}");
}

async fn labels_of_authors(world: World) {
    let labels = json!({ "$type": "com.atproto.label.defs#selfLabels", "values": [{ "val": "porn" }, { "val": "x" }] });
    let post = world
        .actor("alice")
        .posts_with("hm", json!({ "labels": labels, "createdAt": "2025-06-01T00:00:00Z" }));
    let shown = posts(&world, &[&post]).await;
    let label = |val: &str| json!({ "src": did("alice"), "uri": post.uri, "cid": post.cid, "val": val, "cts": "2025-06-01T00:00:00.000Z" });
    assert_eq!(shown[0]["labels"], json!([label("porn"), label("x")]));
}

async fn posts_that_cannot_be_shown_are_left_out(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let (kept, gone, hidden) = (alice.posts("kept"), alice.posts("gone"), bob.posts("hidden"));
    alice.deletes(&gone);
    bob.is(false, Some("deactivated"));
    let by_handle = format!("at://alice.test/{POST}/{}", kept.uri.rsplit('/').next().unwrap());
    let profile = format!("at://{}/app.bsky.actor.profile/self", did("alice"));
    let asked = [&hidden.uri, &gone.uri, &by_handle, &profile, &kept.uri, &kept.uri];
    let params: Vec<(&str, &str)> = asked.iter().map(|uri| ("uris", uri.as_str())).collect();
    let shown = world.get(GET_POSTS, &params).await.ok();
    assert_eq!(shown["posts"].as_array().unwrap().len(), 1, "each once, and only what is there");
    assert_eq!(shown["posts"][0]["uri"], kept.uri.as_str());
}

async fn author_feed_filters(world: World) {
    let alice = world.actor("alice");
    let other = world.actor("bob").posts("by bob");
    let plain = alice.posts("plain");
    let reply = alice.replies(&other, "to bob");
    let own = alice.replies(&plain, "to myself");
    let image =
        json!({ "$type": "app.bsky.embed.images", "images": [{ "image": blob("i"), "alt": "" }] });
    let picture = alice.posts_with("picture", json!({ "embed": image }));
    let video = alice.posts_with(
        "film",
        json!({ "embed": { "$type": "app.bsky.embed.video", "video": video("v") } }),
    );
    let feed = async |filter: &str| {
        let params = [("actor", "alice.test"), ("filter", filter)];
        world.get(GET_AUTHOR_FEED, &params).await.ok()
    };
    check_uris(&feed("posts_with_replies").await, &[&video, &picture, &own, &reply, &plain]);
    check_uris(&feed("posts_no_replies").await, &[&video, &picture, &plain]);
    check_uris(&feed("posts_with_media").await, &[&picture]);
    check_uris(&feed("posts_with_video").await, &[&video]);
    check_uris(&feed("posts_and_author_threads").await, &[&video, &picture, &own, &plain]);
    check_uris(&feed("com.example.unknown").await, &[&video, &picture, &own, &reply, &plain]);
    let by_default = world.get(GET_AUTHOR_FEED, &[("actor", did("alice").as_str())]).await.ok();
    check_uris(&by_default, &[&video, &picture, &own, &reply, &plain]);
    assert_eq!(by_default.get("cursor"), None);
}

async fn author_feed_threads_are_whole(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("1");
    let second = alice.replies(&root, "2");
    let by_bob = world.actor("bob").replies(&second, "bob cuts in");
    let after_bob = alice.replies(&by_bob, "in alice's thread, under bob");
    let third = alice.replies(&second, "3");
    let gone = alice.replies(&root, "gone");
    let orphan = alice.replies(&gone, "orphan");
    alice.deletes(&gone);
    let params = [("actor", "alice.test"), ("filter", "posts_and_author_threads")];
    let feed = world.get(GET_AUTHOR_FEED, &params).await.ok();
    check_uris(&feed, &[&third, &second, &root]);
    let all = world.get(GET_AUTHOR_FEED, &[("actor", "alice.test")]).await.ok();
    check_uris(&all, &[&orphan, &third, &after_bob, &second, &root]);
}

async fn author_feed_pages(world: World) {
    let alice = world.actor("alice");
    // Equal times: none may be lost between two pages.
    let same = json!({ "createdAt": "2025-12-01T00:00:00.000Z" });
    let written: Vec<Ref> =
        (0..7).map(|n| alice.posts_with(&n.to_string(), same.clone())).collect();
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..10 {
        let params = [("actor", "alice.test"), ("limit", "3"), ("cursor", &cursor)];
        let page = world.get(GET_AUTHOR_FEED, &params).await.ok();
        assert!(uris(&page).len() <= 3);
        seen.extend(uris(&page).into_iter().map(str::to_owned));
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    let mut expected: Vec<String> = written.into_iter().map(|post| post.uri).collect();
    expected.reverse();
    assert_eq!(seen, expected);
    let wrong =
        world.get(GET_AUTHOR_FEED, &[("actor", "alice.test"), ("cursor", "not ours")]).await;
    assert_eq!(wrong.refused(), (400, "InvalidRequest"));
}

async fn author_feed_pins(world: World) {
    let alice = world.actor("alice");
    let (one, two, three) = (alice.posts("1"), alice.posts("2"), alice.posts("3"));
    let by_bob = world.actor("bob").posts("bob's");
    alice.has_profile(json!({ "pinnedPost": one.json() }));
    let feed = async |params: &[(&str, &str)]| {
        let params = [&[("actor", "alice.test")], params].concat();
        world.get(GET_AUTHOR_FEED, &params).await.ok()
    };
    let pinned = feed(&[("includePins", "true"), ("limit", "2")]).await;
    check_uris(&pinned, &[&one, &three, &two]);
    assert_eq!(pinned["feed"][0]["reason"], json!({ "$type": "app.bsky.feed.defs#reasonPin" }));
    assert_eq!(pinned["feed"][1].get("reason"), None);
    let next = feed(&[
        ("includePins", "true"),
        ("limit", "2"),
        ("cursor", pinned["cursor"].as_str().unwrap()),
    ])
    .await;
    check_uris(&next, &[&one]);
    assert_eq!(next["feed"][0].get("reason"), None);
    check_uris(&feed(&[]).await, &[&three, &two, &one]);
    check_uris(&feed(&[("includePins", "true")]).await, &[&one, &three, &two]);
    alice.has_profile(json!({ "pinnedPost": by_bob.json() }));
    check_uris(&feed(&[("includePins", "true")]).await, &[&three, &two, &one]);
    alice.has_profile(json!({ "pinnedPost": one.json() })).deletes(&one);
    check_uris(&feed(&[("includePins", "true")]).await, &[&three, &two]);
}

async fn what_a_reply_answers(world: World) {
    let root = world.actor("alice").posts("root");
    let parent = world.actor("bob").replies(&root, "parent");
    let reply = world.actor("carol").replies(&parent, "reply");
    world.actor("dan").follows("carol");
    let feed = world.get_as("dan", GET_TIMELINE, &[]).await.ok();
    check_uris(&feed, &[&reply]);
    let shown = &feed["feed"][0]["reply"];
    assert_eq!(shown["root"]["$type"], "app.bsky.feed.defs#postView");
    assert_eq!(shown["root"]["uri"], root.uri.as_str());
    assert_eq!(shown["parent"]["uri"], parent.uri.as_str());
    assert_eq!(shown["parent"]["viewer"]["threadMuted"], false);
    assert_eq!(shown["grandparentAuthor"]["handle"], "alice.test");
    world.actor("bob").deletes(&parent);
    world.actor("alice").is(false, Some("takendown"));
    let feed = world.get_as("dan", GET_TIMELINE, &[]).await.ok();
    let missing = |post: &Ref| json!({ "$type": "app.bsky.feed.defs#notFoundPost", "uri": post.uri, "notFound": true });
    assert_eq!(
        feed["feed"][0]["reply"],
        json!({ "root": missing(&root), "parent": missing(&parent) })
    );
}

async fn a_feed_of_hidden_people(world: World) {
    let alice = world.actor("alice");
    alice.posts("hello");
    alice.is(false, Some("suspended"));
    let answer = world.get(GET_AUTHOR_FEED, &[("actor", "alice.test")]).await;
    assert_eq!(answer.refused(), (400, "InvalidRequest"));
    assert_eq!(answer.body["message"], "Profile not found");
    let unknown = world.get(GET_AUTHOR_FEED, &[("actor", "nobody.test")]).await;
    assert_eq!(unknown.body["message"], "Profile not found");
}

async fn timeline_of_follows(world: World) {
    let alice = world.actor("alice");
    let follow = alice.follows("bob");
    alice.follows("carol");
    let one = world.actor("bob").posts("1");
    world.actor("dan").posts("not followed");
    let two = world.actor("carol").posts("2");
    let three = alice.posts("3");
    check_uris(&world.get_as("alice", GET_TIMELINE, &[]).await.ok(), &[&three, &two, &one]);
    alice.deletes(&follow);
    check_uris(
        &world.get_as("alice", GET_TIMELINE, &[("algorithm", "any")]).await.ok(),
        &[&three, &two],
    );
    assert_eq!(world.get_as("stranger", GET_TIMELINE, &[]).await.ok(), json!({ "feed": [] }));
}

async fn timeline_pages_past_hidden_people(world: World) {
    let alice = world.actor("alice");
    alice.follows("bob");
    alice.follows("carol");
    let old = world.actor("carol").posts("old");
    for n in 0..60 {
        world.actor("bob").posts(&n.to_string());
    }
    let new = world.actor("carol").posts("new");
    world.actor("bob").is(false, Some("deactivated"));
    let page = world.get_as("alice", GET_TIMELINE, &[("limit", "4")]).await.ok();
    check_uris(&page, &[&new]);
    let mut cursor = page["cursor"].as_str().expect("a page left short leads on").to_owned();
    for _ in 0..10 {
        let page =
            world.get_as("alice", GET_TIMELINE, &[("limit", "4"), ("cursor", &cursor)]).await.ok();
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return check_uris(&page, &[&old]),
        }
    }
    panic!("the end was not reached");
}

async fn thread(world: &World, post: &Ref, params: &[(&str, &str)]) -> Value {
    let params = [&[("uri", post.uri.as_str())], params].concat();
    world.get(GET_POST_THREAD, &params).await.ok()["thread"].take()
}

/// The shape of a thread: texts with their replies.
fn shape(thread: &Value) -> Value {
    let text = &thread["post"]["record"]["text"];
    match thread["replies"].as_array() {
        Some(replies) if !replies.is_empty() => {
            json!({ text.as_str().unwrap(): replies.iter().map(shape).collect::<Value>() })
        }
        _ => text.clone(),
    }
}

async fn thread_around_a_post(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let root = alice.posts("root");
    let parent = bob.replies(&root, "parent");
    let anchor = alice.replies(&parent, "anchor");
    let first = bob.replies(&anchor, "first");
    alice.replies(&first, "nested");
    bob.replies(&anchor, "second");
    bob.replies(&root, "elsewhere");
    let like = alice.likes(&parent);
    let thread = thread(&world, &anchor, &[]).await;
    assert_eq!(thread["$type"], "app.bsky.feed.defs#threadViewPost");
    assert_eq!(shape(&thread), json!({ "anchor": ["second", { "first": ["nested"] }] }));
    assert_eq!(thread["replies"][0]["replies"], json!([]));
    assert_eq!(thread["threadContext"], json!({}));
    assert_eq!(thread["parent"]["post"]["uri"], parent.uri.as_str());
    assert_eq!(thread["parent"]["threadContext"], json!({ "rootAuthorLike": like.uri }));
    assert_eq!(thread["parent"].get("replies"), None);
    assert_eq!(thread["parent"]["parent"]["post"]["uri"], root.uri.as_str());
    assert_eq!(thread["parent"]["parent"].get("parent"), None);
    let by_handle = anchor.uri.replace(did("alice").as_str(), "alice.test");
    let again = world.get_as("alice", GET_POST_THREAD, &[("uri", &by_handle)]).await.ok();
    assert_eq!(again["thread"]["parent"]["threadContext"], json!({ "rootAuthorLike": like.uri }));
    assert_eq!(again["thread"]["parent"]["post"]["viewer"]["like"], like.uri.as_str());
}

async fn thread_bounds(world: World) {
    let alice = world.actor("alice");
    let mut chain = vec![alice.posts("0")];
    for n in 1..6 {
        chain.push(alice.replies(&chain[n - 1], &n.to_string()));
    }
    let shape_of = async |params: &[(&str, &str)]| shape(&thread(&world, &chain[2], params).await);
    assert_eq!(shape_of(&[]).await, json!({ "2": [{ "3": [{ "4": ["5"] }] }] }));
    assert_eq!(shape_of(&[("depth", "2")]).await, json!({ "2": [{ "3": ["4"] }] }));
    let none = thread(&world, &chain[2], &[("depth", "0"), ("parentHeight", "0")]).await;
    assert_eq!((none.get("replies"), none.get("parent")), (None, None));
    let one = thread(&world, &chain[2], &[("depth", "1"), ("parentHeight", "1")]).await;
    assert_eq!(one["parent"]["post"]["record"]["text"], "1");
    assert_eq!(one["parent"].get("parent"), None);
    assert_eq!(one["replies"][0].get("replies"), None, "beyond the depth nothing is said");
}

async fn thread_with_missing_parents(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let root = alice.posts("root");
    let middle = bob.replies(&root, "middle");
    let anchor = alice.replies(&middle, "anchor");
    bob.deletes(&middle);
    let shown = thread(&world, &anchor, &[]).await;
    let missing =
        json!({ "$type": "app.bsky.feed.defs#notFoundPost", "uri": middle.uri, "notFound": true });
    assert_eq!(shown["parent"], missing, "the chain ends where it is broken");
    assert_eq!(shape(&thread(&world, &root, &[]).await), json!("root"));
    // Somebody hidden is as good as gone, and so is what hangs below.
    let carol = world.actor("carol");
    let hidden = carol.replies(&root, "hidden");
    let below = alice.replies(&hidden, "below");
    bob.replies(&root, "kept");
    carol.is(false, Some("takendown"));
    assert_eq!(shape(&thread(&world, &root, &[]).await), json!({ "root": ["kept"] }));
    assert_eq!(thread(&world, &below, &[]).await["parent"]["notFound"], true);
    // A reply that names another root than its parent does stands outside the thread.
    let stray = json!({ "reply": { "root": anchor.json(), "parent": root.json() } });
    let stray = bob.posts_with("stray", stray);
    assert_eq!(shape(&thread(&world, &root, &[]).await), json!({ "root": ["kept"] }));
    assert_eq!(thread(&world, &stray, &[]).await.get("parent"), None);
}

async fn thread_not_found(world: World) {
    let alice = world.actor("alice");
    let gone = alice.posts("gone");
    alice.deletes(&gone);
    let by_bob = world.actor("bob").posts("hidden");
    world.actor("bob").is(false, Some("suspended"));
    let (_, rev) =
        alice.puts("app.bsky.actor.profile", "self", &json!({ "$type": "app.bsky.actor.profile" }));
    let list = format!("at://{}/app.bsky.graph.list/x", did("alice"));
    let repo = format!("at://{}", did("alice"));
    for uri in
        [&gone.uri, &by_bob.uri, &list, &repo, &"at://nobody.test/app.bsky.feed.post/x".to_owned()]
    {
        let answer = world.get_as("alice", GET_POST_THREAD, &[("uri", uri)]).await;
        assert_eq!(answer.refused(), (400, "NotFound"), "{uri}");
        assert_eq!(answer.header("atproto-repo-rev"), Some(rev.to_string().as_str()), "{uri}");
    }
}

async fn threads_a_thousand_levels_deep(world: World) {
    let alice = world.actor("alice");
    let root = alice.posts("0");
    let mut last = root.clone();
    for n in 1..=1_000 {
        last = alice.replies(&last, &n.to_string());
    }
    let down = [("uri", root.uri.as_str()), ("depth", "1000")];
    let down = world.get(GET_POST_THREAD, &down).await;
    assert_eq!(down.status, 200);
    assert_eq!(down.text.matches("#threadViewPost").count(), 1_001);
    assert!(down.text.contains(&last.uri));
    let up = [("uri", last.uri.as_str()), ("parentHeight", "1000"), ("depth", "0")];
    let up = world.get(GET_POST_THREAD, &up).await;
    assert_eq!(up.status, 200);
    assert_eq!(up.text.matches("#threadViewPost").count(), 1_001);
    assert!(up.text.contains(&root.uri));
}

async fn likes_of_a_post(world: World) {
    let post = world.actor("alice").posts("hello");
    let other = world.actor("alice").posts("other");
    for name in ["bob", "carol", "dan", "erin"] {
        world.actor(name).likes(&post);
    }
    world.actor("bob").likes(&other);
    world.actor("carol").is(false, Some("deactivated"));
    let likers = |answer: &Value| -> Vec<String> {
        let likes = answer["likes"].as_array().unwrap();
        likes.iter().map(|like| like["actor"]["handle"].as_str().unwrap().to_owned()).collect()
    };
    let all = world.get_as("bob", GET_LIKES, &[("uri", &post.uri), ("cid", &post.cid)]).await.ok();
    assert_eq!(likers(&all), ["erin.test", "dan.test", "bob.test"]);
    assert_eq!((&all["uri"], &all["cid"]), (&json!(post.uri), &json!(post.cid)));
    assert_eq!(all["likes"][0]["actor"]["viewer"]["muted"], false);
    assert_eq!(all["likes"][0]["createdAt"], all["likes"][0]["indexedAt"]);
    let page = world.get(GET_LIKES, &[("uri", &post.uri), ("limit", "2")]).await.ok();
    assert_eq!(likers(&page), ["erin.test", "dan.test"]);
    let next =
        [("uri", post.uri.as_str()), ("limit", "2"), ("cursor", page["cursor"].as_str().unwrap())];
    let next = world.get(GET_LIKES, &next).await.ok();
    assert_eq!(likers(&next), ["bob.test"], "filled up past who is hidden");
    assert_eq!(next.get("cursor"), None);
    let by_handle = "at://alice.test/app.bsky.feed.post/x";
    let nothing = world.get(GET_LIKES, &[("uri", by_handle)]).await.ok();
    assert_eq!(nothing, json!({ "uri": by_handle, "likes": [] }));
}

async fn parameters(world: World) {
    let uri = format!("at://{}/{POST}/3kaaaaaaaaa2a", did("alice"));
    let many: Vec<(&str, &str)> = vec![("uris", &uri); 26];
    let long = "x".repeat(513);
    for (nsid, params) in [
        (GET_AUTHOR_FEED, &[][..]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("limit", "0")]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("limit", "101")]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("limit", "ten")]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("includePins", "yes")]),
        (GET_AUTHOR_FEED, &[("actor", "alice.test"), ("cursor", &long)]),
        (GET_LIKES, &[]),
        (GET_LIKES, &[("uri", "https://example.com")]),
        (GET_LIKES, &[("uri", &uri), ("cid", "not a cid")]),
        (GET_POSTS, &[]),
        (GET_POSTS, &[("uris", "at://")]),
        (GET_POSTS, &many),
        (GET_POST_THREAD, &[]),
        (GET_POST_THREAD, &[("uri", &uri), ("depth", "-1")]),
        (GET_POST_THREAD, &[("uri", &uri), ("depth", "1001")]),
        (GET_POST_THREAD, &[("uri", &uri), ("parentHeight", "1.5")]),
        (GET_TIMELINE, &[("limit", "1000")]),
        (GET_TIMELINE, &[("cursor", "::")]),
    ] {
        let answer = world.get_as("alice", nsid, params).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {params:?}");
    }
}

async fn revisions(world: World) {
    let post = world.actor("alice").posts("hello");
    let (_, rev) = world.actor("bob").puts(
        "app.bsky.actor.profile",
        "self",
        &json!({ "$type": "app.bsky.actor.profile" }),
    );
    let rev = rev.to_string();
    for (nsid, param, expected) in [
        (GET_AUTHOR_FEED, ("actor", "alice.test"), Some(rev.as_str())),
        (GET_TIMELINE, ("limit", "1"), Some(&rev)),
        (GET_POST_THREAD, ("uri", &post.uri), Some(&rev)),
        (GET_POSTS, ("uris", &post.uri), None),
        (GET_LIKES, ("uri", &post.uri), None),
    ] {
        let answer = world.get_as("bob", nsid, &[param]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("atproto-repo-rev"), expected, "{nsid}");
        assert_eq!(answer.header("atproto-content-labelers"), Some(""), "{nsid}");
        let unknown = world.get_as("stranger", nsid, &[param]).await;
        assert_eq!(unknown.header("atproto-repo-rev"), None, "{nsid}");
    }
    let missing = world.get_as("bob", GET_AUTHOR_FEED, &[("actor", "nobody.test")]).await;
    assert_eq!(missing.header("atproto-repo-rev"), None);
}
