//! Who follows, blocks and mutes whom, lists and starter packs.

mod blocks;
mod follows;
mod known_followers;
mod list_members;
mod lists;
mod mutes;
mod starter_packs;

use serde_json::Value;

use crate::world::{World, near_and_far};

const GET_LIST: &str = "app.bsky.graph.getList";
const GET_LISTS: &str = "app.bsky.graph.getLists";
const GET_LISTS_WITH_MEMBERSHIP: &str = "app.bsky.graph.getListsWithMembership";
const MUTE_ACTOR: &str = "app.bsky.graph.muteActor";
const MUTE_ACTOR_LIST: &str = "app.bsky.graph.muteActorList";

near_and_far!(foreign_cursors_and_limits);

fn handles(people: &Value) -> Vec<&str> {
    people.as_array().unwrap().iter().map(|profile| profile["handle"].as_str().unwrap()).collect()
}

/// A field of every item, in order.
fn texts<'a>(items: &'a Value, pointer: &str) -> Vec<&'a str> {
    let text = |item: &'a Value| item.pointer(pointer).unwrap().as_str().unwrap();
    items.as_array().unwrap().iter().map(text).collect()
}

async fn ask(world: &World, who: Option<&str>, nsid: &str, params: &[(&str, &str)]) -> Value {
    match who {
        Some(who) => world.get_as(who, nsid, params).await.ok(),
        None => world.get(nsid, params).await.ok(),
    }
}

/// The texts of every page, two items a page; every page but the last leads on.
async fn by_two(
    world: &World,
    who: Option<&str>,
    nsid: &str,
    params: &[(&str, &str)],
    (items, pointer): (&str, &str),
) -> Vec<String> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    for _ in 0..50 {
        let paged = [params, &[("limit", "2"), ("cursor", &cursor)]].concat();
        let page = ask(world, who, nsid, &paged).await;
        let found = texts(&page[items], pointer);
        assert!(found.len() <= 2, "{page}");
        all.extend(found.into_iter().map(str::to_owned));
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return all,
        }
    }
    panic!("{nsid} never ends");
}

/// Every method that has pages, refused alike.
async fn foreign_cursors_and_limits(world: World) {
    let alice = world.actor("alice");
    let list = alice.makes_list("curatelist", "friends");
    for (nsid, params) in [
        ("app.bsky.graph.getActorStarterPacks", &[("actor", "alice.test")][..]),
        ("app.bsky.graph.getBlocks", &[]),
        ("app.bsky.graph.getFollowers", &[("actor", "alice.test")]),
        ("app.bsky.graph.getFollows", &[("actor", "alice.test")]),
        ("app.bsky.graph.getKnownFollowers", &[("actor", "alice.test")]),
        (GET_LIST, &[("list", list.uri.as_str())]),
        ("app.bsky.graph.getListBlocks", &[]),
        ("app.bsky.graph.getListMutes", &[]),
        (GET_LISTS, &[("actor", "alice.test")]),
        (GET_LISTS_WITH_MEMBERSHIP, &[("actor", "alice.test")]),
        ("app.bsky.graph.getMutes", &[]),
        ("app.bsky.graph.getStarterPacksWithMembership", &[("actor", "alice.test")]),
    ] {
        world.get_as("alice", nsid, params).await.ok();
        for wrong in [
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "ten"),
            ("cursor", "2026-01-01T00:00:00Z"),
            ("cursor", "1767225600000__bafyreib"),
            ("cursor", "1::2"),
            ("cursor", "::"),
        ] {
            let answer = world.get_as("alice", nsid, &[params, &[wrong]].concat()).await;
            assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {wrong:?}");
        }
    }
}
