//! A list and who is on it.

use serde_json::json;

use super::{GET_LIST, MUTE_ACTOR_LIST, ask, by_two, texts};
use crate::people::{LIST_ITEM, Ref, did};
use crate::world::{World, near_and_far};

near_and_far!(
    people_on_a_list,
    items_of_one_moment,
    who_blocks_the_creator_is_not_shown,
    the_viewer_and_the_list,
    lists_that_are_not_there,
);

async fn members(world: &World, who: Option<&str>, list: &Ref) -> Vec<String> {
    let answer = ask(world, who, GET_LIST, &[("list", &list.uri)]).await;
    texts(&answer["items"], "/subject/handle").into_iter().map(str::to_owned).collect()
}

async fn people_on_a_list(world: World) {
    let alice = world.actor("alice");
    let list = alice.makes_list("curatelist", "friends");
    let item = alice.adds(&list, "bob");
    alice.adds(&list, "carol");
    alice.adds(&list, "gone");
    let again = alice.adds(&list, "bob");
    world.actor("carol").adds(&list, "carol");
    world.actor("gone").is(false, Some("deactivated"));
    let answer = ask(&world, None, GET_LIST, &[("list", &list.uri)]).await;
    assert_eq!(answer["list"]["name"], "friends");
    assert_eq!(answer["list"]["creator"]["handle"], "alice.test");
    assert_eq!(texts(&answer["items"], "/subject/handle"), ["carol.test", "bob.test"]);
    assert_eq!(answer["items"][1]["uri"], item.uri);
    assert_eq!(answer.get("cursor"), None);
    alice.deletes(&item);
    let answer = ask(&world, None, GET_LIST, &[("list", &list.uri)]).await;
    assert_eq!(texts(&answer["items"], "/subject/handle"), ["bob.test", "carol.test"]);
    assert_eq!(answer["items"][0]["uri"], again.uri);
}

async fn items_of_one_moment(world: World) {
    let alice = world.actor("alice");
    let list = alice.makes_list("modlist", "trouble");
    for name in ["ann", "ben", "cat", "don", "eve", "fay", "gus"] {
        world.actor(name);
        let at = "2025-12-31T00:00:00Z";
        alice
            .creates(LIST_ITEM, json!({ "list": list.uri, "subject": did(name), "createdAt": at }));
    }
    for name in ["ben", "cat", "don"] {
        world.actor(name).is(false, Some("takendown"));
    }
    let params = [("list", list.uri.as_str())];
    let paged = by_two(&world, None, GET_LIST, &params, ("items", "/subject/handle")).await;
    assert_eq!(paged, ["gus.test", "fay.test", "eve.test", "ann.test"]);
}

async fn who_blocks_the_creator_is_not_shown(world: World) {
    let alice = world.actor("alice");
    let lists = ["curatelist", "referencelist", "modlist"].map(|kind| alice.makes_list(kind, kind));
    for list in &lists {
        for name in ["bob", "carol", "dan", "erin"] {
            alice.adds(list, name);
        }
    }
    world.actor("bob").blocks("alice");
    alice.blocks("carol");
    // Between a viewer and somebody on the list: that is no matter of the list's.
    world.actor("viewer").blocks("erin");
    let all = ["erin.test", "dan.test", "carol.test", "bob.test"];
    for (list, viewer, expected) in [
        (&lists[0], None, &all[..2]),
        (&lists[0], Some("viewer"), &all[..2]),
        (&lists[0], Some("bob"), &all[..2]),
        (&lists[0], Some("alice"), &all),
        (&lists[1], None, &all[..2]),
        (&lists[1], Some("alice"), &all),
        (&lists[2], None, &all),
        (&lists[2], Some("bob"), &all),
    ] {
        assert_eq!(members(&world, viewer, list).await, expected, "{list:?} as {viewer:?}");
    }
    let page = [("list", lists[0].uri.as_str()), ("limit", "2")];
    let page = ask(&world, None, GET_LIST, &page).await;
    assert_eq!(texts(&page["items"], "/subject/handle"), &all[..2]);
    let params = [("list", lists[0].uri.as_str())];
    let paged = by_two(&world, None, GET_LIST, &params, ("items", "/subject/handle")).await;
    assert_eq!(paged, &all[..2]);
}

async fn the_viewer_and_the_list(world: World) {
    let list = world.actor("alice").makes_list("modlist", "trouble");
    world.actor("alice").adds(&list, "carol");
    let block = world.actor("bob").blocks_list(&list);
    let muted = world.post_as("bob", MUTE_ACTOR_LIST, &json!({ "list": list.uri })).await;
    assert_eq!(muted.status, 200);
    let answer = ask(&world, Some("bob"), GET_LIST, &[("list", &list.uri)]).await;
    assert_eq!(answer["list"]["viewer"], json!({ "muted": true, "blocked": block.uri }));
    let carol = &answer["items"][0]["subject"]["viewer"];
    assert_eq!(carol["blockingByList"]["uri"], list.uri);
    assert_eq!(carol["mutedByList"]["uri"], list.uri);
    assert_eq!(carol["muted"], true);
}

async fn lists_that_are_not_there(world: World) {
    let alice = world.actor("alice");
    let deleted = alice.makes_list("curatelist", "deleted");
    alice.adds(&deleted, "bob");
    alice.deletes(&deleted);
    let hidden = world.actor("carol").makes_list("curatelist", "hidden");
    world.actor("carol").is(false, Some("takendown"));
    let post = alice.posts("no list");
    for list in [
        deleted.uri.as_str(),
        &hidden.uri,
        &post.uri,
        "at://alice.test/app.bsky.graph.list/1",
        &format!("at://{}", did("alice")),
        &format!("at://{}/app.bsky.graph.list/none", did("nobody")),
    ] {
        let answer = world.get(GET_LIST, &[("list", list)]).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{list}");
        assert_eq!(answer.body["message"], "List not found", "{list}");
    }
    for params in [&[][..], &[("list", "x")], &[("list", "https://example.com")]] {
        assert_eq!(world.get(GET_LIST, params).await.refused(), (400, "InvalidRequest"));
    }
}
