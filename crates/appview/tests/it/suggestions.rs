//! What is suggested to people, of what is known here: feeds, accounts, starter packs.

use serde_json::{Value, json};

use crate::people::did;
use crate::world::{World, near_and_far};

near_and_far!(
    feeds_that_are_liked_most,
    feeds_by_their_names,
    people_for_anybody,
    people_for_who_follows_some,
    people_besides_an_account,
    people_of_a_category,
    starter_packs_by_who_came,
    starter_packs_by_their_names,
    wrong_parameters,
);

/// A field of each item.
pub fn each<'a>(items: &'a Value, field: &str) -> Vec<&'a str> {
    items.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

/// One page after the other, of one item each.
pub async fn every_page(world: &World, who: Option<&str>, nsid: &str, items: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let params = [("limit", "1"), ("cursor", cursor.as_str())];
        let answer = match who {
            Some(who) => world.get_as(who, nsid, &params).await.ok(),
            None => world.get(nsid, &params).await.ok(),
        };
        found.extend(answer[items].as_array().unwrap().iter().cloned());
        match answer["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break found,
        }
    }
}

async fn feeds_that_are_liked_most(world: World) {
    let (alice, service) = (world.actor("alice"), did("feeds"));
    let plain = alice.offers_feed(&service, "Plain").uri;
    let rivers = alice.offers_feed(&service, "Rivers");
    let mills = world.actor("bob").offers_feed(&service, "Mills");
    for (who, liked) in [("bob", &rivers), ("carol", &rivers), ("carol", &mills)] {
        world.actor(who).likes(liked);
    }
    let suggested = "app.bsky.feed.getSuggestedFeeds";
    assert_eq!(world.get(suggested, &[]).await.ok(), json!({ "feeds": [] }), "not looked yet");
    world.rank().await;
    let order = [rivers.uri.as_str(), mills.uri.as_str(), plain.as_str()];
    for nsid in [suggested, "app.bsky.unspecced.getPopularFeedGenerators"] {
        let answer = world.get(nsid, &[]).await.ok();
        assert_eq!(each(&answer["feeds"], "uri"), order, "{nsid}");
        assert_eq!(answer.get("cursor"), None);
        let paged = every_page(&world, Some("dora"), nsid, "feeds").await;
        assert_eq!(each(&json!(paged), "uri"), order, "{nsid} page after page");
    }
    let few = "app.bsky.unspecced.getSuggestedFeeds";
    let answer = world.get(few, &[("limit", "2")]).await.ok();
    assert_eq!(each(&answer["feeds"], "uri"), order[..2]);
    assert_eq!(answer.get("cursor"), None, "it has no pages");
    // Who went since is not shown, and nobody has to look again.
    world.actor("alice").is(false, Some("deactivated"));
    let answer = world.get(suggested, &[("limit", "1")]).await.ok();
    assert_eq!(each(&answer["feeds"], "uri"), [mills.uri.as_str()]);
}

async fn feeds_by_their_names(world: World) {
    let (alice, service) = (world.actor("alice"), did("feeds"));
    let older = alice.offers_feed(&service, "River News").uri;
    let newer = alice.offers_feed(&service, "News of the Mill").uri;
    alice.offers_feed(&service, "Other");
    world.rank().await;
    for (query, expected) in [
        ("news", vec![newer.as_str(), older.as_str()]),
        (" riv ", vec![older.as_str()]),
        ("mill news", vec![newer.as_str()]),
        ("iver", vec![]),
        ("?!", vec![]),
    ] {
        let nsid = "app.bsky.unspecced.getPopularFeedGenerators";
        let answer = world.get(nsid, &[("query", query)]).await.ok();
        assert_eq!(each(&answer["feeds"], "uri"), expected, "{query}");
    }
}

/// Carol is followed by four, Bob by two, Dora by one.
pub async fn town(world: &World) {
    for name in ["alice", "bob", "carol", "dora", "evan"] {
        world.actor(name).has_profile(json!({ "displayName": name }));
    }
    for (who, whom) in [
        ("alice", "bob"),
        ("alice", "frank"),
        ("bob", "carol"),
        ("bob", "dora"),
        ("dora", "carol"),
        ("evan", "bob"),
        ("evan", "carol"),
        ("frank", "carol"),
    ] {
        world.actor(who).follows(whom);
    }
    world.rank().await;
}

pub const SUGGESTIONS: &str = "app.bsky.actor.getSuggestions";

async fn people_for_anybody(world: World) {
    town(&world).await;
    let order = ["carol.test", "bob.test", "dora.test"];
    let answer = world.get(SUGGESTIONS, &[]).await.ok();
    assert_eq!(each(&answer["actors"], "handle"), order, "Frank has no profile");
    let paged = every_page(&world, None, SUGGESTIONS, "actors").await;
    assert_eq!(each(&json!(paged), "handle"), order);
    for name in ["", "ForDiscover", "ForExplore", "ForSeeMore"] {
        let nsid = format!("app.bsky.unspecced.getSuggestedUsers{name}");
        let answer = world.get(&nsid, &[("limit", "2")]).await.ok();
        assert_eq!(each(&answer["actors"], "handle"), order[..2], "{nsid}");
        assert_eq!(answer.get("cursor"), None);
    }
    world.actor("carol").has_handle(None);
    world.rank().await;
    let answer = world.get("app.bsky.unspecced.getSuggestedOnboardingUsers", &[]).await.ok();
    assert_eq!(each(&answer["actors"], "handle"), order[1..], "nobody knows who that is");
}

async fn people_for_who_follows_some(world: World) {
    town(&world).await;
    let answer = world.get_as("alice", SUGGESTIONS, &[]).await.ok();
    assert_eq!(each(&answer["actors"], "handle"), ["carol.test", "dora.test"]);
    assert_eq!(answer["actors"][0]["viewer"]["knownFollowers"]["count"], 2);
    let paged = every_page(&world, Some("alice"), SUGGESTIONS, "actors").await;
    assert_eq!(each(&json!(paged), "handle"), ["carol.test", "dora.test"]);
    // Whom those follow whom one follows comes before who is followed by more.
    let answer = world.get_as("dora", SUGGESTIONS, &[]).await.ok();
    assert_eq!(each(&answer["actors"], "handle"), ["bob.test"]);
    world.actor("dora").follows("alice");
    world.actor("alice").follows("evan");
    world.rank().await;
    let answer = world.get_as("dora", SUGGESTIONS, &[]).await.ok();
    let handles = each(&answer["actors"], "handle");
    assert_eq!(handles.len(), 2, "{handles:?}");
    assert!(handles.contains(&"bob.test") && handles.contains(&"evan.test"), "{handles:?}");
    // Not whom one blocks or mutes.
    world.actor("alice").blocks("carol");
    let answer = world.get_as("alice", SUGGESTIONS, &[]).await.ok();
    assert_eq!(each(&answer["actors"], "handle"), ["dora.test"]);
    let body = json!({ "actor": did("dora") });
    let muted = world.post_as("alice", "app.bsky.graph.muteActor", &body).await;
    assert_eq!(muted.status, 200);
    for nsid in [SUGGESTIONS, "app.bsky.unspecced.getSuggestedUsers"] {
        let answer = world.get_as("alice", nsid, &[]).await.ok();
        assert_eq!(answer["actors"], json!([]), "{nsid}");
    }
}

async fn people_besides_an_account(world: World) {
    town(&world).await;
    let nsid = "app.bsky.graph.getSuggestedFollowsByActor";
    let post = world.actor("dora").posts("hello");
    world.actor("bob").likes(&post);
    let of_bob = [("actor", "bob.test")];
    let answer = world.get(nsid, &of_bob).await.ok();
    assert_eq!(each(&answer["suggestions"], "handle"), ["dora.test", "carol.test"]);
    let answer = world.get_as("evan", nsid, &of_bob).await.ok();
    assert_eq!(each(&answer["suggestions"], "handle"), ["dora.test"], "Evan follows Carol");
    let answer = world.get(nsid, &[("actor", "nobody.test")]).await;
    assert_eq!(answer.refused(), (400, "InvalidRequest"));
}

async fn people_of_a_category(world: World) {
    town(&world).await;
    let paints = json!({ "displayName": "dora", "description": "paints rivers" });
    world.actor("dora").has_profile(paints);
    let category = [("category", "rivers")];
    for name in ["SuggestedUsers", "SuggestedUsersForExplore", "SuggestedOnboardingUsers"] {
        let nsid = format!("app.bsky.unspecced.get{name}");
        let answer = world.get(&nsid, &category).await.ok();
        assert_eq!(each(&answer["actors"], "handle"), ["dora.test"], "{nsid}");
        let answer = world.get_as("bob", &nsid, &category).await.ok();
        assert_eq!(answer["actors"], json!([]), "Bob follows her: {nsid}");
    }
}

/// Two starter packs of Alice's, by the second of which Bob came.
pub async fn packs(world: &World) -> [String; 2] {
    let alice = world.actor("alice");
    alice.has_profile(json!({ "displayName": "Alice" }));
    let list = alice.makes_list("referencelist", "people");
    alice.adds(&list, "carol");
    let rivers = alice.makes_starter_pack("River people", &list, &[]);
    let mills = alice.makes_starter_pack("Mill people", &list, &[]);
    world.actor("bob").has_profile(json!({ "joinedViaStarterPack": mills.json() }));
    alice.makes_starter_pack("東京の人", &list, &[]);
    world.rank().await;
    [rivers.uri, mills.uri]
}

async fn starter_packs_by_who_came(world: World) {
    let [rivers, mills] = packs(&world).await;
    let nsids = ["getSuggestedStarterPacks", "getOnboardingSuggestedStarterPacks"];
    for name in nsids {
        let nsid = format!("app.bsky.unspecced.{name}");
        let answer = world.get(&nsid, &[]).await.ok();
        let uris = each(&answer["starterPacks"], "uri");
        assert_eq!((uris.len(), uris[0], uris[2]), (3, mills.as_str(), rivers.as_str()), "{nsid}");
        let best = &answer["starterPacks"][0];
        assert_eq!(best["joinedAllTimeCount"], 1);
        assert_eq!(best["list"]["name"], "people");
        assert_eq!(best["listItemsSample"][0]["subject"]["handle"], "carol.test");
        let answer = world.get(&nsid, &[("limit", "1")]).await.ok();
        assert_eq!(each(&answer["starterPacks"], "uri"), [mills.as_str()], "{nsid}");
    }
    world.actor("evan").blocks("alice");
    for name in nsids {
        let nsid = format!("app.bsky.unspecced.{name}");
        let answer = world.get_as("evan", &nsid, &[]).await.ok();
        assert_eq!(answer["starterPacks"], json!([]), "{nsid}");
    }
}

async fn starter_packs_by_their_names(world: World) {
    let [rivers, mills] = packs(&world).await;
    for (nsid, is_whole) in [
        ("app.bsky.graph.searchStarterPacks", false),
        ("app.bsky.graph.searchStarterPacksV2", true),
    ] {
        for (q, expected) in [
            ("people", vec![mills.as_str(), rivers.as_str()]),
            ("Riv", vec![rivers.as_str()]),
            ("nothing", vec![]),
        ] {
            let answer = world.get(nsid, &[("q", q)]).await.ok();
            assert_eq!(each(&answer["starterPacks"], "uri"), expected, "{nsid} {q}");
        }
        let answer = world.get(nsid, &[("q", "東京")]).await.ok();
        let pack = &answer["starterPacks"][0];
        assert_eq!(pack["record"]["name"], "東京の人");
        assert_eq!(pack.get("list").is_some(), is_whole, "{nsid}");
        let first = world.get(nsid, &[("q", "people"), ("limit", "1")]).await.ok();
        let cursor = first["cursor"].as_str().unwrap();
        let next = world.get(nsid, &[("q", "people"), ("cursor", cursor)]).await.ok();
        assert_eq!(each(&next["starterPacks"], "uri"), [rivers.as_str()], "{nsid}");
    }
    world.actor("evan").blocks("alice");
    let answer = world.get_as("evan", "app.bsky.graph.searchStarterPacks", &[("q", "people")]);
    assert_eq!(answer.await.ok()["starterPacks"], json!([]));
}

async fn wrong_parameters(world: World) {
    for (nsid, wrong) in [
        (SUGGESTIONS, ("limit", "101")),
        (SUGGESTIONS, ("cursor", "nonsense")),
        ("app.bsky.feed.getSuggestedFeeds", ("cursor", "1::2")),
        ("app.bsky.unspecced.getSuggestedFeeds", ("limit", "26")),
        ("app.bsky.unspecced.getSuggestedUsers", ("limit", "51")),
        ("app.bsky.unspecced.getSuggestedStarterPacks", ("limit", "0")),
        ("app.bsky.graph.searchStarterPacks", ("limit", "5")),
        ("app.bsky.graph.getSuggestedFollowsByActor", ("actor", "no account")),
    ] {
        let answer = world.get(nsid, &[wrong]).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{nsid} {wrong:?}");
    }
}
