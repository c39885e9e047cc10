//! Posts by name: views, embeds, quotes, labels.

use serde_json::{Value, json};

use super::GET_POSTS;
use crate::people::{POST, Ref, blob, blob_cid, did, video};
use crate::world::{World, near_and_far};

near_and_far!(
    a_post_in_full,
    what_a_viewer_is_to_a_post,
    embeds,
    quotes_are_two_levels_deep,
    broken_embeds_are_no_embeds,
    records_are_spliced_unchanged,
    labels_of_authors,
    posts_that_cannot_be_shown_are_left_out
);

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
