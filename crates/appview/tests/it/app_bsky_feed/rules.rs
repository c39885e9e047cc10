//! Blocks and mutes in feeds and among posts by name.

use serde_json::json;

use super::{GET_AUTHOR_FEED, GET_POSTS, GET_TIMELINE, check_uris, mute};
use crate::people::{Ref, did};
use crate::world::{World, near_and_far};

near_and_far!(
    a_timeline_without_blocks_and_mutes,
    what_answers_somebody_blocked,
    an_author_behind_a_block,
    an_author_behind_a_list,
    a_muted_authors_feed,
    posts_by_name_behind_blocks,
    blocks_between_others_in_a_feed,
    own_posts_do_not_crowd_a_timeline
);

async fn a_timeline_without_blocks_and_mutes(world: World) {
    let viewer = world.actor("viewer");
    for name in ["fine", "muted", "blocker"] {
        viewer.follows(name);
    }
    let fine = world.actor("fine").posts("fine");
    let muted = world.actor("muted").posts("muted");
    let blocker = world.actor("blocker").posts("blocker");
    let stranger = world.actor("stranger").posts("stranger");
    world.actor("fine").reposts(&muted);
    world.actor("fine").reposts(&blocker);
    world.actor("muted").reposts(&stranger);
    mute(&world, "viewer", "muted").await;
    world.actor("blocker").blocks("viewer");
    check_uris(&world.get_as("viewer", GET_TIMELINE, &[]).await.ok(), &[&fine]);
    world.actor("fine").reposts(&stranger);
    check_uris(&world.get_as("viewer", GET_TIMELINE, &[]).await.ok(), &[&stranger, &fine]);
}

async fn what_answers_somebody_blocked(world: World) {
    let viewer = world.actor("viewer");
    viewer.follows("fine");
    let blocked = world.actor("blocked").posts("1");
    let reply = world.actor("other").replies(&blocked, "2");
    let below = world.actor("fine").replies(&reply, "3");
    let further = world.actor("fine").replies(&below, "4");
    world.actor("fine").replies(&blocked, "5");
    viewer.blocks("blocked");
    let feed = world.get_as("viewer", GET_TIMELINE, &[]).await.ok();
    check_uris(&feed, &[&further]);
    let root = &feed["feed"][0]["reply"]["root"];
    assert_eq!(root["$type"], "app.bsky.feed.defs#blockedPost");
    assert_eq!(root["author"]["did"], json!(did("blocked")));
    // Whoever stands between may be gone.
    world.actor("other").is(false, Some("deactivated"));
    check_uris(&world.get_as("viewer", GET_TIMELINE, &[]).await.ok(), &[&further]);
}

async fn an_author_behind_a_block(world: World) {
    world.actor("alice").posts("hello");
    world.actor("bob").blocks("alice");
    let feed = async |who: &str, whose: &str| {
        world.get_as(who, GET_AUTHOR_FEED, &[("actor", whose)]).await
    };
    let blocking = feed("bob", "alice.test").await;
    assert_eq!(blocking.refused(), (400, "BlockedActor"));
    assert_eq!(blocking.body["message"], format!("Requester has blocked actor: {}", did("alice")));
    let blocked = feed("alice", "bob.test").await;
    assert_eq!(blocked.refused(), (400, "BlockedByActor"));
    assert_eq!(blocked.body["message"], format!("Requester is blocked by actor: {}", did("bob")));
    assert_eq!(feed("carol", "alice.test").await.status, 200);
    assert_eq!(feed("alice", "alice.test").await.status, 200);
}

async fn an_author_behind_a_list(world: World) {
    let post = world.actor("alice").posts("hello");
    let list = world.actor("maker").makes_list("modlist", "not them");
    let item = world.actor("maker").adds(&list, "alice");
    world.actor("bob").blocks_list(&list);
    let feed = async |who: &str, whose: &str| {
        world.get_as(who, GET_AUTHOR_FEED, &[("actor", whose)]).await
    };
    assert_eq!(feed("bob", "alice.test").await.refused(), (400, "BlockedActor"));
    assert_eq!(feed("alice", "bob.test").await.refused(), (400, "BlockedByActor"));
    world.actor("maker").deletes(&item);
    check_uris(&feed("bob", "alice.test").await.ok(), &[&post]);
}

async fn a_muted_authors_feed(world: World) {
    let own = world.actor("muted").posts("own");
    let theirs = world.actor("alice").posts("alice's");
    world.actor("muted").reposts(&theirs);
    let by_bob = world.actor("bob").posts("bob's");
    world.actor("bob").reposts(&own);
    mute(&world, "viewer", "muted").await;
    mute(&world, "viewer", "alice").await;
    let feed =
        async |whose: &str| world.get_as("viewer", GET_AUTHOR_FEED, &[("actor", whose)]).await.ok();
    // Who looks at somebody muted wants to see them, whomever they repost …
    check_uris(&feed("muted.test").await, &[&theirs, &own]);
    // … but not in what somebody else reposts.
    check_uris(&feed("bob.test").await, &[&by_bob]);
}

async fn posts_by_name_behind_blocks(world: World) {
    let posts: Vec<Ref> =
        ["fine", "blocked", "blocker"].map(|name| world.actor(name).posts(name)).to_vec();
    world.actor("viewer").blocks("blocked");
    world.actor("blocker").blocks("viewer");
    let params: Vec<(&str, &str)> = posts.iter().map(|post| ("uris", post.uri.as_str())).collect();
    let shown = world.get_as("viewer", GET_POSTS, &params).await.ok();
    assert_eq!(shown["posts"].as_array().unwrap().len(), 1);
    assert_eq!(shown["posts"][0]["uri"], posts[0].uri.as_str());
    let all = world.get(GET_POSTS, &params).await.ok();
    assert_eq!(all["posts"].as_array().unwrap().len(), 3);
}

async fn blocks_between_others_in_a_feed(world: World) {
    let root = world.actor("alice").posts("root");
    let parent = world.actor("bob").replies(&root, "parent");
    let reply = world.actor("carol").replies(&parent, "reply");
    world.actor("bob").blocks("carol");
    world.actor("dan").follows("carol");
    let feed = world.get_as("dan", GET_TIMELINE, &[]).await.ok();
    check_uris(&feed, &[&reply]);
    let shown = &feed["feed"][0]["reply"];
    assert_eq!(shown["parent"]["$type"], "app.bsky.feed.defs#blockedPost");
    assert_eq!(shown["root"]["uri"], root.uri.as_str());
    assert_eq!(shown.get("grandparentAuthor"), None);
}

async fn own_posts_do_not_crowd_a_timeline(world: World) {
    let viewer = world.actor("viewer");
    viewer.follows("friend");
    let theirs: Vec<Ref> = (0..20).map(|n| world.actor("friend").posts(&n.to_string())).collect();
    let own: Vec<Ref> = (0..15).map(|n| viewer.posts(&n.to_string())).collect();
    let page = world.get_as("viewer", GET_TIMELINE, &[("limit", "20")]).await.ok();
    let expected: Vec<&Ref> =
        own.iter().rev().take(10).chain(theirs.iter().rev().take(10)).collect();
    check_uris(&page, &expected);
    let next = [("limit", "20"), ("cursor", page["cursor"].as_str().unwrap())];
    let next = world.get_as("viewer", GET_TIMELINE, &next).await.ok();
    check_uris(&next, &theirs.iter().rev().skip(10).collect::<Vec<_>>());
    assert_eq!(next.get("cursor"), None);
}
