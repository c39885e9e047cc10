//! Starter packs: those of an account, one with its people and feeds, several in short, and
//! whether somebody is in them.

use serde_json::{Value, json};

use super::{ask, by_two, texts};
use crate::people::{PROFILE, Ref, STARTER_PACK, did};
use crate::world::{World, near_and_far};

const GET_ACTOR_STARTER_PACKS: &str = "app.bsky.graph.getActorStarterPacks";
const GET_STARTER_PACK: &str = "app.bsky.graph.getStarterPack";
const GET_STARTER_PACKS: &str = "app.bsky.graph.getStarterPacks";
const GET_STARTER_PACKS_WITH_MEMBERSHIP: &str = "app.bsky.graph.getStarterPacksWithMembership";

near_and_far!(
    a_whole_starter_pack,
    the_most_followed_are_the_sample,
    who_blocks_the_creator_is_not_in_the_sample,
    starter_packs_that_are_not_there,
    starter_packs_of_an_account,
    starter_packs_by_name,
    membership,
);

/// A starter pack of a reference list with these people.
fn starter_pack(world: &World, who: &str, name: &str, people: &[&str]) -> (Ref, Ref) {
    let list = world.actor(who).makes_list("referencelist", name);
    for person in people {
        world.actor(who).adds(&list, person);
    }
    (world.actor(who).makes_starter_pack(name, &list, &[]), list)
}

fn sample(answer: &Value) -> Vec<&str> {
    texts(&answer["starterPack"]["listItemsSample"], "/subject/handle")
}

async fn a_whole_starter_pack(world: World) {
    let alice = world.actor("alice");
    let feed = alice.offers_feed(&did("feeds"), "good posts");
    let list = alice.makes_list("referencelist", "people");
    let item = alice.adds(&list, "bob");
    let pack = alice.makes_starter_pack("start here", &list, &[&feed]);
    for name in ["new1", "new2"] {
        let via = json!({ "uri": pack.uri, "cid": pack.cid });
        world.actor(name).puts(
            PROFILE,
            "self",
            &json!({ "$type": PROFILE, "joinedViaStarterPack": via, "createdAt": "2026-01-01T00:00:00Z" }),
        );
    }
    let answer = ask(&world, None, GET_STARTER_PACK, &[("starterPack", &pack.uri)]).await;
    let view = &answer["starterPack"];
    assert_eq!((&view["uri"], &view["cid"]), (&json!(pack.uri), &json!(pack.cid)));
    assert_eq!(view["record"]["name"], "start here");
    assert_eq!(view["creator"]["handle"], "alice.test");
    assert_eq!(view["list"]["uri"], list.uri);
    assert_eq!(view["list"]["purpose"], "app.bsky.graph.defs#referencelist");
    assert_eq!(view["list"]["listItemCount"], 1);
    assert_eq!(view["feeds"][0]["uri"], feed.uri);
    assert_eq!(view["feeds"][0]["displayName"], "good posts");
    assert_eq!(view["listItemsSample"][0]["uri"], item.uri);
    assert_eq!(view["listItemsSample"][0]["subject"]["handle"], "bob.test");
    assert_eq!((&view["joinedAllTimeCount"], &view["joinedWeekCount"]), (&json!(2), &json!(2)));
    assert_eq!(view["labels"], json!([]));
    let by_handle = pack.uri.replace(did("alice").as_str(), "alice.test");
    assert_eq!(ask(&world, None, GET_STARTER_PACK, &[("starterPack", &by_handle)]).await, answer);
    // Feeds and a list that are gone leave the rest.
    alice.deletes(&feed);
    alice.deletes(&list);
    let answer = ask(&world, None, GET_STARTER_PACK, &[("starterPack", &pack.uri)]).await;
    assert_eq!(answer["starterPack"]["feeds"], json!([]));
    assert_eq!(answer["starterPack"].get("list"), None);
    assert_eq!(sample(&answer), ["bob.test"]);
}

async fn the_most_followed_are_the_sample(world: World) {
    let names: Vec<String> = (10..25).map(|n| format!("p{n}")).collect();
    let people: Vec<&str> = names.iter().map(String::as_str).collect();
    let (pack, _) = starter_pack(&world, "alice", "many", &people);
    for name in ["x", "y", "z"] {
        world.actor(name).follows("p11");
    }
    world.actor("x").follows("p10");
    world.actor("y").follows("p10");
    world.actor("x").follows("p20");
    let answer = ask(&world, None, GET_STARTER_PACK, &[("starterPack", &pack.uri)]).await;
    let expected = [11, 10, 20, 24, 23, 22, 21, 19, 18, 17, 16, 15].map(|n| format!("p{n}.test"));
    assert_eq!(sample(&answer), expected);
}

async fn who_blocks_the_creator_is_not_in_the_sample(world: World) {
    let (pack, _) = starter_pack(&world, "alice", "people", &["alice", "frankie", "greta"]);
    world.actor("frankie").blocks("alice");
    for (viewer, expected) in [
        (None, &["greta.test", "alice.test"][..]),
        (Some("greta"), &["greta.test", "alice.test"]),
        (Some("frankie"), &["greta.test", "alice.test"]),
        (Some("alice"), &["greta.test", "frankie.test", "alice.test"]),
    ] {
        let answer = ask(&world, viewer, GET_STARTER_PACK, &[("starterPack", &pack.uri)]).await;
        assert_eq!(sample(&answer), expected, "{viewer:?}");
    }
}

async fn starter_packs_that_are_not_there(world: World) {
    let (deleted, list) = starter_pack(&world, "alice", "deleted", &[]);
    world.actor("alice").deletes(&deleted);
    let (hidden, _) = starter_pack(&world, "carol", "hidden", &[]);
    world.actor("carol").is(false, Some("takendown"));
    for uri in [
        deleted.uri.as_str(),
        &hidden.uri,
        &list.uri,
        &format!("at://nobody.test/{STARTER_PACK}/1"),
        &format!("at://{}", did("alice")),
    ] {
        let answer = world.get(GET_STARTER_PACK, &[("starterPack", uri)]).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{uri}");
        assert_eq!(answer.body["message"], "Starter pack not found", "{uri}");
    }
    for params in [&[][..], &[("starterPack", "x")]] {
        assert_eq!(world.get(GET_STARTER_PACK, params).await.refused(), (400, "InvalidRequest"));
    }
}

async fn starter_packs_of_an_account(world: World) {
    for name in ["one", "two", "three"] {
        starter_pack(&world, "alice", name, &["bob"]);
    }
    starter_pack(&world, "bob", "other", &[]);
    let actor = [("actor", "alice.test")];
    let answer = ask(&world, None, GET_ACTOR_STARTER_PACKS, &actor).await;
    let packs = &answer["starterPacks"];
    assert_eq!(texts(packs, "/record/name"), ["three", "two", "one"]);
    assert_eq!(packs[0]["creator"]["handle"], "alice.test");
    assert_eq!(
        (&packs[0]["joinedAllTimeCount"], packs[0].get("listItemsSample")),
        (&json!(0), None)
    );
    assert_eq!(answer.get("cursor"), None);
    let names = ("starterPacks", "/record/name");
    let paged = by_two(&world, None, GET_ACTOR_STARTER_PACKS, &actor, names).await;
    assert_eq!(paged, ["three", "two", "one"]);
    let exact = [("actor", "alice.test"), ("limit", "3")];
    let exact = ask(&world, None, GET_ACTOR_STARTER_PACKS, &exact).await;
    assert_eq!(exact.get("cursor"), None, "there is nothing beyond");
    let unknown = world.get(GET_ACTOR_STARTER_PACKS, &[("actor", "nobody.test")]).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    assert_eq!(unknown.body["message"], "Profile not found");
    let none = [("actor", did("nobody").to_string())];
    let none = none.each_ref().map(|(name, value)| (*name, value.as_str()));
    let none = ask(&world, None, GET_ACTOR_STARTER_PACKS, &none).await;
    assert_eq!(none, json!({ "starterPacks": [] }));
}

async fn starter_packs_by_name(world: World) {
    let (one, list) = starter_pack(&world, "alice", "one", &[]);
    let (two, _) = starter_pack(&world, "bob", "two", &[]);
    let missing = format!("at://{}/{STARTER_PACK}/none", did("alice"));
    let uris = [&two.uri, &missing, &one.uri, &list.uri].map(|uri| ("uris", uri.as_str()));
    let answer = ask(&world, None, GET_STARTER_PACKS, &uris).await;
    assert_eq!(texts(&answer["starterPacks"], "/record/name"), ["two", "one"]);
    let none = json!({ "starterPacks": [] });
    assert_eq!(ask(&world, None, GET_STARTER_PACKS, &[]).await, none);
    let by_handle = [("uris", "at://alice.test/app.bsky.graph.starterpack/1")];
    assert_eq!(ask(&world, None, GET_STARTER_PACKS, &by_handle).await, none);
    let many = [("uris", one.uri.as_str()); 26];
    assert_eq!(world.get(GET_STARTER_PACKS, &many).await.refused(), (400, "InvalidRequest"));
    assert_eq!(
        ask(&world, None, GET_STARTER_PACKS, &many[..25]).await["starterPacks"]
            .as_array()
            .unwrap()
            .len(),
        25
    );
    let wrong = [("uris", "x")];
    assert_eq!(world.get(GET_STARTER_PACKS, &wrong).await.refused(), (400, "InvalidRequest"));
}

async fn membership(world: World) {
    let (_, list) = starter_pack(&world, "alice", "one", &[]);
    let item = world.actor("alice").adds(&list, "bob");
    starter_pack(&world, "alice", "two", &["carol"]);
    starter_pack(&world, "alice", "three", &["alice"]);
    starter_pack(&world, "bob", "bob's", &["bob"]);
    let bob = [("actor", "bob.test")];
    let answer = ask(&world, Some("alice"), GET_STARTER_PACKS_WITH_MEMBERSHIP, &bob).await;
    let packs = &answer["starterPacksWithMembership"];
    assert_eq!(texts(packs, "/starterPack/record/name"), ["three", "two", "one"]);
    assert_eq!((packs[0].get("listItem"), packs[1].get("listItem")), (None, None));
    assert_eq!(packs[2]["listItem"]["uri"], item.uri);
    assert_eq!(packs[2]["listItem"]["subject"]["handle"], "bob.test");
    assert_eq!(texts(&packs[2]["starterPack"]["listItemsSample"], "/subject/handle"), ["bob.test"]);
    let names = ("starterPacksWithMembership", "/starterPack/record/name");
    let nsid = GET_STARTER_PACKS_WITH_MEMBERSHIP;
    let paged = by_two(&world, Some("alice"), nsid, &bob, names).await;
    assert_eq!(paged, ["three", "two", "one"]);
    let none = ask(&world, Some("carol"), nsid, &bob).await;
    assert_eq!(none, json!({ "starterPacksWithMembership": [] }));
    let unknown = world.get_as("alice", nsid, &[("actor", "nobody.test")]).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    assert_eq!(unknown.body["message"], "Profile not found");
    assert_eq!(world.get(nsid, &bob).await.refused().0, 401);
}
