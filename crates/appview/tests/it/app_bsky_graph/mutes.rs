//! Mutes: of accounts, lists and threads. They are the viewer's alone.

use serde_json::{Value, json};

use super::{MUTE_ACTOR, MUTE_ACTOR_LIST, ask, by_two, handles, texts};
use crate::people::did;
use crate::world::{World, near_and_far};

const GET_LIST_MUTES: &str = "app.bsky.graph.getListMutes";
const GET_MUTES: &str = "app.bsky.graph.getMutes";
const MUTE_THREAD: &str = "app.bsky.graph.muteThread";
const UNMUTE_ACTOR: &str = "app.bsky.graph.unmuteActor";
const UNMUTE_ACTOR_LIST: &str = "app.bsky.graph.unmuteActorList";
const UNMUTE_THREAD: &str = "app.bsky.graph.unmuteThread";

near_and_far!(
    muting_and_unmuting,
    mutes_of_one_moment,
    scoped_mutes_are_not_listed,
    accounts_that_are_not_known,
    who_cannot_be_muted,
    lists_that_are_muted,
    lists_that_cannot_be_muted,
    threads,
);

async fn mutes(world: &World, who: &str) -> Vec<String> {
    let answer = ask(world, Some(who), GET_MUTES, &[]).await;
    handles(&answer["mutes"]).into_iter().map(str::to_owned).collect()
}

/// Does what a procedure says; its answer has no body.
async fn does(world: &World, who: &str, nsid: &str, input: Value) {
    let answer = world.post_as(who, nsid, &input).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""), "{nsid}");
}

async fn muting_and_unmuting(world: World) {
    world.actor("alice").has_profile(json!({ "displayName": "Alice" }));
    for name in ["bob", "carol", "dan"] {
        world.actor(name);
    }
    does(&world, "alice", MUTE_ACTOR, json!({ "actor": "bob.test" })).await;
    world.actor("dan").posts("time passes");
    does(&world, "alice", MUTE_ACTOR, json!({ "actor": did("carol") })).await;
    world.actor("dan").posts("more of it");
    does(&world, "alice", MUTE_ACTOR, json!({ "actor": "bob.test" })).await;
    assert_eq!(mutes(&world, "alice").await, ["carol.test", "bob.test"], "muting twice is once");
    let answer = ask(&world, Some("alice"), GET_MUTES, &[]).await;
    assert_eq!(answer["mutes"][0]["viewer"]["muted"], true);
    assert_eq!(answer.get("cursor"), None);
    assert_eq!(mutes(&world, "bob").await, [""; 0]);
    does(&world, "alice", UNMUTE_ACTOR, json!({ "actor": "bob.test" })).await;
    does(&world, "alice", UNMUTE_ACTOR, json!({ "actor": "dan.test" })).await;
    assert_eq!(mutes(&world, "alice").await, ["carol.test"]);
    assert_eq!(world.get(GET_MUTES, &[]).await.refused().0, 401);
}

async fn mutes_of_one_moment(world: World) {
    let names = ["ann", "ben", "cat", "don", "eve"];
    for name in names {
        world.actor(name);
    }
    world.actor("don").is(false, Some("deactivated"));
    world.settle().await;
    let at = world.now_us();
    for name in names {
        // The clock moves with every token.
        world.clock.set_us(at);
        let token =
            world.token_with("alice", MUTE_ACTOR, |claims| claims.jti = Some(name.to_owned()));
        let request = world.request("POST", &format!("/xrpc/{MUTE_ACTOR}")).bearer_auth(token);
        let answer = world.send(request.json(&json!({ "actor": format!("{name}.test") }))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let paged = by_two(&world, Some("alice"), GET_MUTES, &[], ("mutes", "/handle")).await;
    assert_eq!(paged, ["eve.test", "cat.test", "ben.test", "ann.test"]);
}

async fn scoped_mutes_are_not_listed(world: World) {
    for name in ["bob", "carol", "dan"] {
        world.actor(name);
    }
    does(&world, "alice", MUTE_ACTOR, json!({ "actor": "bob.test" })).await;
    let scoped = json!({ "actor": "carol.test", "onlyReposts": true });
    does(&world, "alice", MUTE_ACTOR, scoped).await;
    let scoped = json!({ "actor": "dan.test", "onlyQuoteposts": true });
    does(&world, "alice", MUTE_ACTOR, scoped).await;
    assert_eq!(mutes(&world, "alice").await, ["bob.test"]);
    let paged = by_two(&world, Some("alice"), GET_MUTES, &[], ("mutes", "/handle")).await;
    assert_eq!(paged, ["bob.test"]);
    // Muting again says anew what is muted.
    does(&world, "alice", MUTE_ACTOR, json!({ "actor": "dan.test" })).await;
    let scoped = json!({ "actor": "bob.test", "onlyReposts": true, "onlyQuoteposts": true });
    does(&world, "alice", MUTE_ACTOR, scoped).await;
    assert_eq!(mutes(&world, "alice").await, ["dan.test"]);
}

/// Somebody who was never heard of can be muted, and is listed once they are.
async fn accounts_that_are_not_known(world: World) {
    does(&world, "alice", MUTE_ACTOR, json!({ "actor": did("later") })).await;
    assert_eq!(mutes(&world, "alice").await, [""; 0]);
    world.actor("later").posts("hello");
    assert_eq!(mutes(&world, "alice").await, ["later.test"]);
    does(&world, "alice", UNMUTE_ACTOR, json!({ "actor": "later.test" })).await;
    assert_eq!(mutes(&world, "alice").await, [""; 0]);
}

async fn who_cannot_be_muted(world: World) {
    world.actor("alice");
    for (input, message) in [
        (json!({ "actor": "nobody.test" }), "Actor not found"),
        (json!({ "actor": "alice.test" }), "Actor cannot mute themselves"),
        (json!({ "actor": did("alice") }), "Actor cannot mute themselves"),
    ] {
        let answer = world.post_as("alice", MUTE_ACTOR, &input).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{input}");
        assert_eq!(answer.body["message"], message, "{input}");
    }
    let unknown = world.post_as("alice", UNMUTE_ACTOR, &json!({ "actor": "nobody.test" })).await;
    assert_eq!(unknown.body["message"], "Actor not found");
    for input in
        [json!({}), json!({ "actor": "x" }), json!({ "actor": "a.test", "onlyReposts": 1 })]
    {
        let answer = world.post_as("alice", MUTE_ACTOR, &input).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{input}");
    }
    let request = world.request("POST", &format!("/xrpc/{MUTE_ACTOR}"));
    let anonymous = world.send(request.json(&json!({ "actor": "alice.test" }))).await;
    assert_eq!(anonymous.refused().0, 401);
}

async fn lists_that_are_muted(world: World) {
    let bob = world.actor("bob");
    let lists = ["l1", "l2", "l3"].map(|name| bob.makes_list("modlist", name));
    let deleted = bob.makes_list("modlist", "deleted");
    let (_, _) = (world.actor("carol"), world.actor("alice"));
    let named = bob.puts(
        "app.bsky.graph.list",
        "a-name",
        &json!({
            "$type": "app.bsky.graph.list", "name": "by name", "createdAt": "2025-12-31T00:00:00Z",
            "purpose": "app.bsky.graph.defs#modlist",
        }),
    );
    for list in [&lists[1], &named.0, &lists[2], &deleted, &lists[0], &lists[1]] {
        does(&world, "alice", MUTE_ACTOR_LIST, json!({ "list": list.uri })).await;
    }
    bob.deletes(&deleted);
    let answer = ask(&world, Some("alice"), GET_LIST_MUTES, &[]).await;
    assert_eq!(texts(&answer["lists"], "/name"), ["l3", "l2", "l1", "by name"]);
    assert_eq!(answer["lists"][0]["viewer"], json!({ "muted": true }));
    let paged = by_two(&world, Some("alice"), GET_LIST_MUTES, &[], ("lists", "/name")).await;
    assert_eq!(paged, ["l3", "l2", "l1", "by name"]);
    assert_eq!(ask(&world, Some("carol"), GET_LIST_MUTES, &[]).await, json!({ "lists": [] }));
    does(&world, "alice", UNMUTE_ACTOR_LIST, json!({ "list": lists[1].uri })).await;
    does(&world, "alice", UNMUTE_ACTOR_LIST, json!({ "list": lists[1].uri })).await;
    let answer = ask(&world, Some("alice"), GET_LIST_MUTES, &[]).await;
    assert_eq!(texts(&answer["lists"], "/name"), ["l3", "l1", "by name"]);
    assert_eq!(world.get(GET_LIST_MUTES, &[]).await.refused().0, 401);
}

async fn lists_that_cannot_be_muted(world: World) {
    let post = world.actor("alice").posts("no list");
    let (bob, profile) = (did("bob"), format!("at://{}", did("alice")));
    for list in [
        post.uri.as_str(),
        &profile,
        "at://alice.test/app.bsky.graph.list/1",
        &format!("at://{bob}/app.bsky.graph.list"),
        "https://example.com",
        "",
    ] {
        for nsid in [MUTE_ACTOR_LIST, UNMUTE_ACTOR_LIST] {
            let answer = world.post_as("alice", nsid, &json!({ "list": list })).await;
            assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {list}");
        }
    }
}

async fn threads(world: World) {
    let bob = world.actor("bob");
    world.actor("alice");
    let root = bob.posts("root");
    let reply = bob.replies(&root, "reply");
    let muted = async |uri: &str| {
        let answer = ask(&world, Some("alice"), "app.bsky.feed.getPosts", &[("uris", uri)]).await;
        answer["posts"][0]["viewer"]["threadMuted"].clone()
    };
    assert_eq!(muted(&reply.uri).await, false);
    does(&world, "alice", MUTE_THREAD, json!({ "root": root.uri })).await;
    does(&world, "alice", MUTE_THREAD, json!({ "root": root.uri })).await;
    assert_eq!((muted(&root.uri).await, muted(&reply.uri).await), (json!(true), json!(true)));
    does(&world, "alice", UNMUTE_THREAD, json!({ "root": root.uri })).await;
    assert_eq!(muted(&reply.uri).await, false);
    for root in ["", "at://did:plc:x", "at://did:plc:x/app.bsky.graph.list/1", "x"] {
        for nsid in [MUTE_THREAD, UNMUTE_THREAD] {
            let answer = world.post_as("alice", nsid, &json!({ "root": root })).await;
            assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {root}");
        }
    }
}
