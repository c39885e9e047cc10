//! Reposts: in feeds, and who reposted what.

use serde_json::{Value, json};

use super::{GET_AUTHOR_FEED, GET_POSTS, GET_REPOSTED_BY, GET_TIMELINE, check_uris, uris};
use crate::people::{Ref, blob, did};
use crate::world::{World, near_and_far};

near_and_far!(reposts_in_feeds, reposts_and_filters, who_reposted, a_repost_with_more_to_say);

async fn reposts_in_feeds(world: World) {
    let post = world.actor("alice").posts("hello");
    let own = world.actor("bob").posts("bob's");
    let repost = world.actor("bob").reposts(&post);
    world.actor("carol").follows("bob");
    let feed = world.get(GET_AUTHOR_FEED, &[("actor", "bob.test")]).await.ok();
    check_uris(&feed, &[&post, &own]);
    let reason = &feed["feed"][0]["reason"];
    assert_eq!(
        *reason,
        json!({
            "$type": "app.bsky.feed.defs#reasonRepost", "by": reason["by"], "uri": repost.uri,
            "cid": repost.cid, "indexedAt": reason["indexedAt"],
        })
    );
    assert_eq!(reason["by"]["handle"], "bob.test");
    assert_eq!(feed["feed"][0]["post"]["author"]["handle"], "alice.test");
    assert_eq!(feed["feed"][0]["post"]["repostCount"], 1);
    check_uris(&world.get_as("carol", GET_TIMELINE, &[]).await.ok(), &[&post, &own]);
    // The viewer is told of their own repost.
    let seen = world.get_as("bob", GET_POSTS, &[("uris", &post.uri)]).await.ok();
    assert_eq!(seen["posts"][0]["viewer"]["repost"], repost.uri.as_str());
    // One's own reposts stand in one's own timeline.
    check_uris(&world.get_as("bob", GET_TIMELINE, &[]).await.ok(), &[&post, &own]);
    world.actor("bob").deletes(&repost);
    check_uris(&world.get(GET_AUTHOR_FEED, &[("actor", "bob.test")]).await.ok(), &[&own]);
    let again = world.actor("bob").reposts(&own);
    let twice = world.get(GET_AUTHOR_FEED, &[("actor", "bob.test")]).await.ok();
    check_uris(&twice, &[&own, &own]);
    assert_eq!(twice["feed"][0]["reason"]["uri"], again.uri.as_str());
    assert_eq!(twice["feed"][1].get("reason"), None);
    world.actor("bob").deletes(&own);
    check_uris(&world.get(GET_AUTHOR_FEED, &[("actor", "bob.test")]).await.ok(), &[]);
}

async fn reposts_and_filters(world: World) {
    let image =
        json!({ "$type": "app.bsky.embed.images", "images": [{ "image": blob("i"), "alt": "" }] });
    let picture = world.actor("alice").posts_with("picture", json!({ "embed": image }));
    let reply = world.actor("alice").replies(&picture, "reply");
    let bob = world.actor("bob");
    bob.reposts(&picture);
    bob.reposts(&reply);
    let feed = async |filter: &str| {
        let params = [("actor", "bob.test"), ("filter", filter)];
        world.get(GET_AUTHOR_FEED, &params).await.ok()
    };
    check_uris(&feed("posts_with_replies").await, &[&reply, &picture]);
    check_uris(&feed("posts_no_replies").await, &[&reply, &picture]);
    check_uris(&feed("posts_and_author_threads").await, &[&reply, &picture]);
    check_uris(&feed("posts_with_media").await, &[]);
    check_uris(&feed("posts_with_video").await, &[]);
}

fn handles(answer: &Value) -> Vec<&str> {
    let people = answer["repostedBy"].as_array().unwrap();
    people.iter().map(|actor| actor["handle"].as_str().unwrap()).collect()
}

async fn who_reposted(world: World) {
    let post = world.actor("alice").posts("hello");
    for name in ["bob", "carol", "dan", "erin"] {
        world.actor(name).reposts(&post);
    }
    world.actor("carol").is(false, Some("deactivated"));
    world.actor("viewer").blocks("dan");
    let params = [("uri", post.uri.as_str()), ("cid", &post.cid)];
    let all = world.get(GET_REPOSTED_BY, &params).await.ok();
    assert_eq!(handles(&all), ["erin.test", "dan.test", "bob.test"]);
    assert_eq!((&all["uri"], &all["cid"]), (&json!(post.uri), &json!(post.cid)));
    let seen = world.get_as("viewer", GET_REPOSTED_BY, &params).await.ok();
    assert_eq!(handles(&seen), ["erin.test", "bob.test"]);
    assert_eq!(seen["repostedBy"][0]["viewer"]["muted"], false);
    let page = world.get(GET_REPOSTED_BY, &[("uri", &post.uri), ("limit", "2")]).await.ok();
    assert_eq!(handles(&page), ["erin.test", "dan.test"]);
    let next =
        [("uri", post.uri.as_str()), ("limit", "2"), ("cursor", page["cursor"].as_str().unwrap())];
    let next = world.get(GET_REPOSTED_BY, &next).await.ok();
    assert_eq!((handles(&next), next.get("cursor")), (vec!["bob.test"], None));
    for uri in ["at://alice.test/app.bsky.feed.post/x", "at://did:plc:x/app.bsky.feed.post/x"] {
        let nothing = world.get(GET_REPOSTED_BY, &[("uri", uri)]).await.ok();
        assert_eq!(nothing, json!({ "uri": uri, "repostedBy": [] }));
    }
}

async fn a_repost_with_more_to_say(world: World) {
    let post = world.actor("alice").posts("hello");
    let via = world.actor("bob").reposts(&post);
    let repost: Ref = world
        .actor("carol")
        .creates(crate::people::REPOST, json!({ "subject": post.json(), "via": via.json() }));
    let feed = world.get(GET_AUTHOR_FEED, &[("actor", did("carol").as_str())]).await.ok();
    assert_eq!(uris(&feed), [post.uri.as_str()]);
    let reason = &feed["feed"][0]["reason"];
    assert_eq!(reason["uri"], repost.uri.as_str());
    assert_eq!(reason["cid"], repost.cid.as_str(), "alice was told of it");
    // Of what one does with one's own nobody is told.
    let alice = world.actor("alice");
    let (mine, second) = (alice.reposts(&post), alice.posts("more"));
    let own = alice
        .creates(crate::people::REPOST, json!({ "subject": second.json(), "via": mine.json() }));
    let feed = world.get(GET_AUTHOR_FEED, &[("actor", did("alice").as_str())]).await.ok();
    let reason = &feed["feed"][0]["reason"];
    assert_eq!(reason["uri"], own.uri.as_str());
    assert_eq!(reason.get("cid"), None, "what is kept of it does not tell");
}
