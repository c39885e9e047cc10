//! The lists that accounts make, and whether somebody is on them.

use serde_json::{Value, json};

use super::{GET_LISTS, GET_LISTS_WITH_MEMBERSHIP, ask, by_two, texts};
use crate::people::{LIST, blob, did};
use crate::world::{World, near_and_far};

near_and_far!(
    lists_of_an_account,
    purposes,
    lists_of_one_moment,
    lists_of_unknown_and_hidden_people,
    membership,
);

async fn lists_of_an_account(world: World) {
    let alice = world.actor("alice");
    alice.makes_list("modlist", "mod");
    alice.makes_list("referencelist", "behind a starter pack");
    let friends = alice.creates(
        LIST,
        json!({
            "name": "friends", "purpose": "app.bsky.graph.defs#curatelist", "description": "of mine",
            "avatar": blob("friends"),
        }),
    );
    alice.adds(&friends, "bob");
    alice.adds(&friends, "carol");
    alice.adds(&friends, "bob");
    let answer = ask(&world, None, GET_LISTS, &[("actor", "alice.test")]).await;
    assert_eq!(texts(&answer["lists"], "/name"), ["friends", "mod"]);
    let view = &answer["lists"][0];
    assert_eq!(view["uri"], friends.uri);
    assert_eq!(view["cid"], friends.cid);
    assert_eq!(view["purpose"], "app.bsky.graph.defs#curatelist");
    assert_eq!(view["description"], "of mine");
    assert_eq!(view["listItemCount"], 2);
    assert_eq!(view["creator"]["handle"], "alice.test");
    assert_eq!(view["labels"], json!([]));
    assert!(view["avatar"].as_str().unwrap().contains("/avatar/"));
    assert_eq!(view.get("viewer"), None, "nobody asks");
    let by_did = ask(&world, None, GET_LISTS, &[("actor", did("alice").as_str())]).await;
    assert_eq!(by_did, answer);
    let viewer = ask(&world, Some("bob"), GET_LISTS, &[("actor", "alice.test")]).await;
    assert_eq!(viewer["lists"][0]["viewer"], json!({ "muted": false }));
}

async fn purposes(world: World) {
    let alice = world.actor("alice");
    for n in 0..3 {
        alice.makes_list("modlist", &format!("mod{n}"));
        alice.makes_list("curatelist", &format!("cur{n}"));
        alice.makes_list("referencelist", &format!("ref{n}"));
    }
    let all = ["cur2", "mod2", "cur1", "mod1", "cur0", "mod0"];
    let (mods, curs) = (["mod2", "mod1", "mod0"], ["cur2", "cur1", "cur0"]);
    let token = |name: &str| format!("app.bsky.graph.defs#{name}");
    for (purposes, expected) in [
        (vec![], &all[..]),
        (vec![""], &all),
        (vec!["modlist", "curatelist"], &all),
        (vec!["modlist"], &mods),
        (vec!["modlist", "referencelist", "other"], &mods),
        (vec!["curatelist"], &curs),
        (vec![&token("modlist")], &mods),
        (vec![&token("curatelist"), "curatelist"], &curs),
        (vec!["referencelist"], &[]),
        (vec!["other"], &[]),
    ] {
        let mut params = vec![("actor", "alice.test")];
        params.extend(purposes.iter().map(|purpose| ("purposes", *purpose)));
        let answer = ask(&world, None, GET_LISTS, &params).await;
        assert_eq!(texts(&answer["lists"], "/name"), expected, "{purposes:?}");
        let paged = by_two(&world, None, GET_LISTS, &params, ("lists", "/name")).await;
        assert_eq!(paged, expected, "{purposes:?}");
        let own = ("listsWithMembership", "/list/name");
        let paged = by_two(&world, Some("alice"), GET_LISTS_WITH_MEMBERSHIP, &params, own).await;
        assert_eq!(paged, expected, "{purposes:?}");
    }
    let many = [&[("actor", "alice.test")][..], &[("purposes", "modlist"); 17]].concat();
    assert_eq!(world.get(GET_LISTS, &many).await.refused(), (400, "InvalidRequest"));
}

async fn lists_of_one_moment(world: World) {
    let alice = world.actor("alice");
    for n in 0..5 {
        let list = json!({
            "name": format!("l{n}"), "purpose": "app.bsky.graph.defs#modlist", "createdAt": "2025-12-31T00:00:00Z",
        });
        alice.creates(LIST, list);
    }
    let actor = [("actor", "alice.test")];
    let paged = by_two(&world, None, GET_LISTS, &actor, ("lists", "/name")).await;
    assert_eq!(paged, ["l4", "l3", "l2", "l1", "l0"]);
    let exact = ask(&world, None, GET_LISTS, &[("actor", "alice.test"), ("limit", "5")]).await;
    assert_eq!(exact.get("cursor"), None, "there is nothing beyond");
}

async fn lists_of_unknown_and_hidden_people(world: World) {
    world.actor("alice").makes_list("modlist", "mod");
    world.actor("alice").is(false, Some("takendown"));
    let none = json!({ "lists": [] });
    let unknown = world.get(GET_LISTS, &[("actor", "nobody.test")]).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    assert_eq!(unknown.body["message"], "Profile not found");
    assert_eq!(ask(&world, None, GET_LISTS, &[("actor", did("nobody").as_str())]).await, none);
    assert_eq!(ask(&world, None, GET_LISTS, &[("actor", "alice.test")]).await, none);
    for params in [&[][..], &[("actor", "x")]] {
        assert_eq!(world.get(GET_LISTS, params).await.refused(), (400, "InvalidRequest"));
    }
}

async fn membership(world: World) {
    let alice = world.actor("alice");
    let (friends, trouble) =
        (alice.makes_list("curatelist", "friends"), alice.makes_list("modlist", "trouble"));
    let item = alice.adds(&friends, "bob");
    alice.adds(&friends, "bob");
    alice.adds(&trouble, "carol");
    // Others' items on her list, and her items on others' lists, do not count.
    let others = world.actor("carol").makes_list("curatelist", "carol's");
    world.actor("carol").adds(&friends, "carol");
    alice.adds(&others, "bob");
    let answer =
        ask(&world, Some("alice"), GET_LISTS_WITH_MEMBERSHIP, &[("actor", "bob.test")]).await;
    let lists = &answer["listsWithMembership"];
    assert_eq!(texts(lists, "/list/name"), ["trouble", "friends"]);
    assert_eq!(lists[0].get("listItem"), None);
    assert_eq!(lists[1]["listItem"]["uri"], item.uri, "the first item stands");
    assert_eq!(lists[1]["listItem"]["subject"]["handle"], "bob.test");
    assert_eq!(lists[1]["list"]["listItemCount"], 1);
    let items = async |who: &str, actor: &str| -> Vec<Value> {
        let answer = ask(&world, Some(who), GET_LISTS_WITH_MEMBERSHIP, &[("actor", actor)]).await;
        let lists = answer["listsWithMembership"].as_array().unwrap();
        lists.iter().map(|list| list["listItem"]["subject"]["handle"].clone()).collect()
    };
    assert_eq!(items("alice", "carol.test").await, [json!("carol.test"), Value::Null]);
    assert_eq!(items("alice", did("nobody").as_str()).await, [Value::Null, Value::Null]);
    assert_eq!(items("carol", "bob.test").await, [Value::Null]);
    assert_eq!(items("stranger", "bob.test").await, [] as [Value; 0]);
    // Somebody who left is on the list still, and is not shown.
    world.actor("bob").is(false, Some("deactivated"));
    assert_eq!(items("alice", "bob.test").await, [Value::Null, Value::Null]);
    let unknown = [("actor", "nobody.test")];
    let unknown = world.get_as("alice", GET_LISTS_WITH_MEMBERSHIP, &unknown).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    assert_eq!(unknown.body["message"], "Profile not found");
    let anonymous = world.get(GET_LISTS_WITH_MEMBERSHIP, &[("actor", "bob.test")]).await;
    assert_eq!(anonymous.refused().0, 401);
}
