//! Blocks: one by one and by list, what they take out of lists of people, and relationships.

use serde_json::json;

use super::{ask, by_two, handles, texts};
use crate::people::{BLOCK, LIST_BLOCK, did};
use crate::world::{World, near_and_far};

const GET_BLOCKS: &str = "app.bsky.graph.getBlocks";
const GET_FOLLOWERS: &str = "app.bsky.graph.getFollowers";
const GET_FOLLOWS: &str = "app.bsky.graph.getFollows";
const GET_LIST_BLOCKS: &str = "app.bsky.graph.getListBlocks";
const GET_RELATIONSHIPS: &str = "app.bsky.graph.getRelationships";

near_and_far!(
    a_list_of_blocks,
    blocks_of_one_moment,
    lists_that_are_blocked,
    blocked_people_are_in_nobodys_follows,
    blocks_by_list_count_for_moderation_lists_only,
    relationships_with_blocks,
);

async fn a_list_of_blocks(world: World) {
    let alice = world.actor("alice");
    world.actor("bob").has_profile(json!({ "displayName": "Bob" }));
    let block = alice.blocks("bob");
    alice.blocks("carol");
    alice.blocks("bob");
    alice.blocks("gone");
    world.actor("gone").is(false, Some("deactivated"));
    world.actor("dan").blocks("alice");
    let answer = world.get_as("alice", GET_BLOCKS, &[]).await.ok();
    assert_eq!(handles(&answer["blocks"]), ["carol.test", "bob.test"]);
    assert_eq!(answer["blocks"][1]["displayName"], "Bob");
    assert_eq!(answer["blocks"][1]["viewer"]["blocking"], block.uri.as_str());
    assert_eq!(answer.get("cursor"), None);
    assert_eq!(ask(&world, Some("bob"), GET_BLOCKS, &[]).await, json!({ "blocks": [] }));
    assert_eq!(ask(&world, Some("stranger"), GET_BLOCKS, &[]).await, json!({ "blocks": [] }));
    assert_eq!(world.get(GET_BLOCKS, &[]).await.refused().0, 401);
    alice.deletes(&block);
    let answer = world.get_as("alice", GET_BLOCKS, &[]).await.ok();
    assert_eq!(handles(&answer["blocks"]), ["bob.test", "carol.test"], "the second record stands");
}

async fn blocks_of_one_moment(world: World) {
    let names = ["ann", "ben", "cat", "don", "eve", "fay", "gus"];
    for name in names {
        world.actor(name);
        let block = json!({ "subject": did(name), "createdAt": "2025-12-31T00:00:00Z" });
        world.actor("alice").creates(BLOCK, block);
    }
    world.actor("don").is(false, Some("takendown"));
    world.actor("eve").is(false, Some("takendown"));
    let all = by_two(&world, Some("alice"), GET_BLOCKS, &[], ("blocks", "/handle")).await;
    assert_eq!(all, ["gus.test", "fay.test", "cat.test", "ben.test", "ann.test"]);
}

async fn lists_that_are_blocked(world: World) {
    let (alice, bob) = (world.actor("alice"), world.actor("bob"));
    let lists = ["l1", "l2", "l3"].map(|name| bob.makes_list("modlist", name));
    let gone = world.actor("carol").makes_list("modlist", "of somebody who left");
    let deleted = bob.makes_list("modlist", "deleted");
    // In another order than the lists were made, and one of them twice.
    for list in [&lists[2], &deleted, &lists[0], &gone, &lists[1], &lists[0]] {
        alice.blocks_list(list);
    }
    alice.creates(
        LIST_BLOCK,
        json!({ "subject": format!("at://{}/app.bsky.graph.list/none", did("bob")) }),
    );
    bob.deletes(&deleted);
    world.actor("carol").is(false, Some("takendown"));
    let answer = world.get_as("alice", GET_LIST_BLOCKS, &[]).await.ok();
    assert_eq!(texts(&answer["lists"], "/name"), ["l3", "l2", "l1"]);
    let first = &answer["lists"][2];
    assert_eq!(first["creator"]["handle"], "bob.test");
    assert_eq!(first["viewer"]["muted"], false);
    assert!(first["viewer"]["blocked"].as_str().unwrap().contains("app.bsky.graph.listblock"));
    let paged = by_two(&world, Some("alice"), GET_LIST_BLOCKS, &[], ("lists", "/name")).await;
    assert_eq!(paged, ["l3", "l2", "l1"]);
    assert_eq!(ask(&world, Some("bob"), GET_LIST_BLOCKS, &[]).await, json!({ "lists": [] }));
    assert_eq!(world.get(GET_LIST_BLOCKS, &[]).await.refused().0, 401);
}

async fn blocked_people_are_in_nobodys_follows(world: World) {
    let star = world.actor("star");
    for name in ["ann", "ben", "cat", "don", "eve", "fay"] {
        world.actor(name).follows("star");
        star.follows(name);
    }
    // Between the account and one of them, either way: nobody is shown that.
    star.blocks("ann");
    world.actor("cat").blocks("star");
    // Between a viewer and one of them, either way: that viewer is not shown it.
    world.actor("viewer").blocks("eve");
    world.actor("fay").blocks("viewer");
    for (nsid, people) in [(GET_FOLLOWERS, "followers"), (GET_FOLLOWS, "follows")] {
        let actor = [("actor", "star.test")];
        let anybody = ask(&world, None, nsid, &actor).await;
        assert_eq!(handles(&anybody[people]), ["fay.test", "eve.test", "don.test", "ben.test"]);
        let viewer = ask(&world, Some("viewer"), nsid, &actor).await;
        assert_eq!(handles(&viewer[people]), ["don.test", "ben.test"], "{nsid}");
        assert_eq!(viewer["subject"]["handle"], "star.test");
        // What is taken out of a page is filled up from the next one.
        let page = [("actor", "star.test"), ("limit", "2")];
        let page = ask(&world, Some("viewer"), nsid, &page).await;
        assert_eq!(handles(&page[people]), ["don.test", "ben.test"], "{nsid}");
        let paged = by_two(&world, Some("viewer"), nsid, &actor, (people, "/handle")).await;
        assert_eq!(paged, ["don.test", "ben.test"], "{nsid}");
    }
}

async fn blocks_by_list_count_for_moderation_lists_only(world: World) {
    let star = world.actor("star");
    for name in ["ann", "ben", "cat"] {
        world.actor(name).follows("star");
    }
    let of_people = world.actor("maker").makes_list("curatelist", "people");
    world.actor("maker").adds(&of_people, "ben");
    star.blocks_list(&of_people);
    let followers = async || {
        let answer = ask(&world, None, GET_FOLLOWERS, &[("actor", "star.test")]).await;
        handles(&answer["followers"]).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(followers().await, ["cat.test", "ben.test", "ann.test"]);
    let list = world.actor("maker").makes_list("modlist", "trouble");
    world.actor("maker").adds(&list, "ben");
    let block = star.blocks_list(&list);
    assert_eq!(followers().await, ["cat.test", "ann.test"]);
    // The other way round it counts as well.
    world.actor("maker").adds(&list, "star");
    star.deletes(&block);
    world.actor("cat").blocks_list(&list);
    assert_eq!(followers().await, ["ben.test", "ann.test"]);
    // A list that is gone blocks nobody, though its items stand.
    world.actor("maker").deletes(&list);
    assert_eq!(followers().await, ["cat.test", "ben.test", "ann.test"]);
}

async fn relationships_with_blocks(world: World) {
    let alice = world.actor("alice");
    let blocking = alice.blocks("bob");
    let blocked_by = world.actor("bob").blocks("alice");
    let list = world.actor("maker").makes_list("modlist", "trouble");
    world.actor("maker").adds(&list, "carol");
    world.actor("maker").adds(&list, "alice");
    alice.blocks_list(&list);
    world.actor("dan").blocks_list(&list);
    alice.blocks("alice");
    let others = ["bob", "carol", "dan", "alice"].map(|name| did(name).to_string());
    let mut params = vec![("actor", "alice.test")];
    params.extend(others.iter().map(|other| ("others", other.as_str())));
    let answer = world.get(GET_RELATIONSHIPS, &params).await.ok();
    let known = "app.bsky.graph.defs#relationship";
    assert_eq!(
        answer["relationships"],
        json!([
            { "$type": known, "did": did("bob"), "blocking": blocking.uri, "blockedBy": blocked_by.uri },
            { "$type": known, "did": did("carol"), "blockingByList": list.uri },
            { "$type": known, "did": did("dan"), "blockedByList": list.uri },
            { "$type": known, "did": did("alice") },
        ])
    );
}
