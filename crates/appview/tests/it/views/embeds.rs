//! Records that posts show, and why they do not show them.

use serde_json::{Value, json};

use super::post;
use crate::people::{Actor, Ref, blob, blob_cid, did};
use crate::world::{World, near_and_far};

near_and_far!(
    lists_feeds_packs_and_labelers,
    a_quote_behind_a_block_of_the_viewer,
    a_quote_behind_a_block_between_others,
    a_quote_that_is_taken_out,
    what_is_not_there,
    a_record_with_media,
);

const LABELER: &str = "app.bsky.labeler.service";
const POSTGATE: &str = "app.bsky.feed.postgate";

/// What a post shows, as somebody or nobody sees it.
async fn shown(world: &World, viewer: Option<&str>, by: &Ref) -> Value {
    post(world, viewer, by).await["embed"]["record"].take()
}

fn takes_out(author: &Actor<'_>, quoted: &Ref, quoting: &Ref) {
    let gate = json!({
        "$type": POSTGATE, "post": quoted.uri, "detachedEmbeddingUris": [quoting.uri],
        "createdAt": "2026-01-01T00:00:00Z",
    });
    author.puts(POSTGATE, quoted.uri.rsplit_once('/').unwrap().1, &gate);
}

async fn lists_feeds_packs_and_labelers(world: World) {
    let maker = world.actor("maker");
    let list = maker.creates(crate::people::LIST, json!({
        "name": "people", "purpose": "app.bsky.graph.defs#curatelist", "description": "good ones", "avatar": blob("face"),
    }));
    maker.adds(&list, "alice");
    let feed = maker.offers_feed(&did("cats"), "Cats");
    let pack = maker.makes_starter_pack("begin", &list, &[&feed]);
    let policies = json!({ "$type": LABELER, "policies": { "labelValues": [] }, "createdAt": "2026-01-01T00:00:00Z" });
    let (labeler, _) = maker.puts(LABELER, "self", &policies);
    let like = world.actor("bob").likes(&feed);
    let alice = world.actor("alice");
    let by = [&list, &feed, &pack, &labeler].map(|one| alice.quotes(one, "look"));
    let seen = shown(&world, Some("bob"), &by[0]).await;
    assert_eq!(seen["$type"], "app.bsky.graph.defs#listView");
    assert_eq!((&seen["uri"], &seen["cid"]), (&json!(list.uri), &json!(list.cid)));
    assert_eq!((&seen["name"], &seen["description"]), (&json!("people"), &json!("good ones")));
    assert_eq!((&seen["listItemCount"], &seen["viewer"]), (&json!(1), &json!({ "muted": false })));
    assert_eq!(seen["creator"]["did"], json!(did("maker")));
    let avatar =
        format!("https://appview.test/img/avatar/plain/{}/{}", did("maker"), blob_cid("face"));
    assert_eq!(seen["avatar"], avatar);
    let seen = shown(&world, Some("bob"), &by[1]).await;
    assert_eq!(seen["$type"], "app.bsky.feed.defs#generatorView");
    assert_eq!((&seen["did"], &seen["displayName"]), (&json!(did("cats")), &json!("Cats")));
    assert_eq!((&seen["likeCount"], &seen["viewer"]), (&json!(1), &json!({ "like": like.uri })));
    assert_eq!(seen["creator"]["associated"]["labeler"], true);
    let seen = shown(&world, Some("bob"), &by[2]).await;
    assert_eq!(seen["$type"], "app.bsky.graph.defs#starterPackViewBasic");
    assert_eq!(seen["record"]["name"], "begin");
    assert_eq!((&seen["joinedAllTimeCount"], &seen["joinedWeekCount"]), (&json!(0), &json!(0)));
    assert_eq!(seen.get("listItemsSample"), None);
    let seen = shown(&world, None, &by[3]).await;
    assert_eq!(seen["$type"], "app.bsky.labeler.defs#labelerView");
    assert_eq!((&seen["uri"], seen.get("viewer")), (&json!(labeler.uri), None));
    // With their maker they are gone.
    maker.is(false, Some("suspended"));
    for by in by {
        assert_eq!(shown(&world, None, &by).await["$type"], "app.bsky.embed.record#viewNotFound");
    }
}

async fn a_quote_behind_a_block_of_the_viewer(world: World) {
    let quoted = world.actor("alice").posts("hello");
    let by = world.actor("bob").quotes(&quoted, "look");
    let block = world.actor("viewer").blocks("alice");
    let seen = shown(&world, Some("viewer"), &by).await;
    assert_eq!(
        seen,
        json!({
            "$type": "app.bsky.embed.record#viewBlocked", "uri": quoted.uri, "blocked": true,
            "author": { "did": did("alice"), "viewer": { "blockedBy": false, "blocking": block.uri } },
        })
    );
    let seen = shown(&world, Some("bob"), &by).await;
    assert_eq!(seen["$type"], "app.bsky.embed.record#viewRecord");
    // One level deeper it is the same.
    let deeper = world.actor("carol").quotes(&by, "look at that");
    let seen = shown(&world, Some("viewer"), &deeper).await;
    assert_eq!(seen["embeds"][0]["record"]["$type"], "app.bsky.embed.record#viewBlocked");
    assert_eq!(shown(&world, Some("alice"), &by).await["value"]["text"], "hello");
}

async fn a_quote_behind_a_block_between_others(world: World) {
    let quoted = world.actor("alice").posts("hello");
    let by = world.actor("bob").quotes(&quoted, "look");
    let block = world.actor("alice").blocks("bob");
    let blocked = "app.bsky.embed.record#viewBlocked";
    let seen = shown(&world, None, &by).await;
    assert_eq!(
        (&seen["$type"], &seen["author"]),
        (&json!(blocked), &json!({ "did": did("alice") }))
    );
    let seen = shown(&world, Some("carol"), &by).await;
    assert_eq!(seen["author"]["viewer"], json!({ "blockedBy": false }));
    let params = [("uris", by.uri.as_str())];
    let moderator =
        world.get_as(crate::world::MODERATION_DID, super::GET_POSTS, &params).await.ok();
    assert_eq!(moderator["posts"][0]["embed"]["record"]["value"]["text"], "hello");
    world.actor("alice").deletes(&block);
    assert_eq!(shown(&world, None, &by).await["value"]["text"], "hello");
}

async fn a_quote_that_is_taken_out(world: World) {
    let alice = world.actor("alice");
    let (quoted, left) = (alice.posts("hello"), alice.posts("stays"));
    let (by, other) =
        (world.actor("bob").quotes(&quoted, "1"), world.actor("bob").quotes(&left, "2"));
    takes_out(&alice, &quoted, &by);
    let detached = json!({ "$type": "app.bsky.embed.record#viewDetached", "uri": quoted.uri, "detached": true });
    assert_eq!(shown(&world, None, &by).await, detached);
    assert_eq!(shown(&world, None, &other).await["value"]["text"], "stays");
    // What is gone was not taken out.
    alice.deletes(&quoted);
    assert_eq!(shown(&world, None, &by).await["notFound"], true);
    let rules = json!({
        "$type": POSTGATE, "post": left.uri, "createdAt": "2026-01-01T00:00:00Z",
        "embeddingRules": [{ "$type": "app.bsky.feed.postgate#disableRule" }],
    });
    alice.puts(POSTGATE, left.uri.rsplit_once('/').unwrap().1, &rules);
    let late = world.actor("carol").quotes(&left, "3");
    assert_eq!(shown(&world, None, &late).await["detached"], true);
    assert_eq!(shown(&world, None, &other).await["value"]["text"], "stays", "it was there before");
    let disabled = async |viewer: &str| {
        post(&world, Some(viewer), &left).await["viewer"]["embeddingDisabled"].take()
    };
    assert_eq!((disabled("carol").await, disabled("alice").await), (json!(true), json!(false)));
}

async fn what_is_not_there(world: World) {
    let alice = world.actor("alice");
    let gone = |collection: &str, rkey: &str| Ref {
        uri: format!("at://{}/{collection}/{rkey}", did("ghost")),
        cid: alice.posts("for its cid").cid,
    };
    let unknown = gone("app.bsky.feed.like", "3kaaaaaaaaa2a");
    let kinds = [
        "app.bsky.feed.post",
        crate::people::LIST,
        crate::people::GENERATOR,
        crate::people::STARTER_PACK,
    ];
    let mut missing: Vec<Ref> = kinds.iter().map(|kind| gone(kind, "3kaaaaaaaaa2a")).collect();
    missing.extend([gone(LABELER, "self"), unknown]);
    for quoted in missing {
        let by = alice.quotes(&quoted, "where is it");
        let expected = json!({ "$type": "app.bsky.embed.record#viewNotFound", "uri": quoted.uri, "notFound": true });
        assert_eq!(shown(&world, Some("bob"), &by).await, expected);
    }
}

async fn a_record_with_media(world: World) {
    let quoted = world.actor("alice").posts("hello");
    let media = json!({ "$type": "app.bsky.embed.images", "images": [{ "image": blob("cat"), "alt": "a cat" }] });
    let embed = json!({
        "$type": "app.bsky.embed.recordWithMedia", "media": media, "record": { "record": quoted.json() },
    });
    let by = world.actor("bob").posts_with("both", json!({ "embed": embed }));
    let seen = post(&world, None, &by).await["embed"].take();
    assert_eq!(seen["$type"], "app.bsky.embed.recordWithMedia#view");
    assert_eq!(seen["media"]["images"][0]["alt"], "a cat");
    assert_eq!(seen["record"].get("$type"), None);
    assert_eq!(seen["record"]["record"]["value"]["text"], "hello");
    world.actor("alice").blocks("bob");
    let seen = post(&world, None, &by).await["embed"].take();
    assert_eq!(seen["media"]["images"][0]["alt"], "a cat", "its own media are shown all the same");
    assert_eq!(seen["record"]["$type"], "app.bsky.embed.record#view");
    assert_eq!(seen["record"]["record"]["blocked"], true);
}
