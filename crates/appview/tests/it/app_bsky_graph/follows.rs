//! Who follows whom.

use serde_json::json;

use super::handles;
use crate::people::did;
use crate::world::{World, near_and_far};

const GET_FOLLOWERS: &str = "app.bsky.graph.getFollowers";
const GET_FOLLOWS: &str = "app.bsky.graph.getFollows";
const GET_RELATIONSHIPS: &str = "app.bsky.graph.getRelationships";

near_and_far!(
    follows_and_followers,
    pages_past_hidden_people,
    of_unknown_and_hidden_people,
    relationships,
    parameters
);

async fn follows_and_followers(world: World) {
    let alice = world.actor("alice");
    world.actor("bob").has_profile(json!({ "displayName": "Bob", "description": "b" }));
    let follow = alice.follows("bob");
    alice.follows("carol");
    world.actor("dan").follows("bob");
    let follows = world.get_as("alice", GET_FOLLOWS, &[("actor", "alice.test")]).await.ok();
    assert_eq!(handles(&follows["follows"]), ["carol.test", "bob.test"]);
    assert_eq!(follows["subject"]["handle"], "alice.test");
    assert_eq!(follows["follows"][1]["description"], "b");
    assert_eq!(follows["follows"][1]["viewer"]["following"], follow.uri.as_str());
    assert_eq!(follows.get("cursor"), None);
    let followers =
        world.get(GET_FOLLOWERS, &[("actor", did("bob").as_str()), ("sort", "latest")]).await.ok();
    assert_eq!(handles(&followers["followers"]), ["dan.test", "alice.test"]);
    assert_eq!(followers["subject"]["displayName"], "Bob");
    alice.deletes(&follow);
    let followers = world.get(GET_FOLLOWERS, &[("actor", "bob.test")]).await.ok();
    assert_eq!(handles(&followers["followers"]), ["dan.test"]);
}

async fn pages_past_hidden_people(world: World) {
    let names = ["ann", "ben", "cat", "don", "eve", "fay", "gus"];
    for name in names {
        world.actor(name).follows("star");
    }
    for name in ["fay", "eve", "don"] {
        world.actor(name).is(false, Some("deactivated"));
    }
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = String::new();
    for _ in 0..10 {
        let params = [("actor", "star.test"), ("limit", "2"), ("cursor", &cursor)];
        let page = world.get(GET_FOLLOWERS, &params).await.ok();
        assert_eq!(page["subject"]["handle"], "star.test");
        seen.extend(handles(&page["followers"]).into_iter().map(str::to_owned));
        match page["cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen, ["gus.test", "cat.test", "ben.test", "ann.test"]);
}

async fn of_unknown_and_hidden_people(world: World) {
    world.actor("alice").is(false, Some("takendown"));
    for nsid in [GET_FOLLOWS, GET_FOLLOWERS] {
        for actor in ["nobody.test", did("nobody").as_str(), "alice.test"] {
            let answer = world.get(nsid, &[("actor", actor)]).await;
            assert_eq!(answer.refused(), (400, "InvalidRequest"));
            assert_eq!(answer.body["message"], format!("Actor not found: {actor}"));
        }
    }
}

async fn relationships(world: World) {
    let following = world.actor("alice").follows("bob");
    let followed_by = world.actor("bob").follows("alice");
    world.actor("carol").follows("alice");
    world.actor("alice").follows("alice");
    let (bob, stranger, alice) = (did("bob"), did("stranger"), did("alice"));
    let others = [
        ("others", bob.as_str()),
        ("others", "carol.test"),
        ("others", stranger.as_str()),
        ("others", alice.as_str()),
    ];
    let params = [&[("actor", "alice.test")][..], &others].concat();
    let answer = world.get(GET_RELATIONSHIPS, &params).await.ok();
    let known = "app.bsky.graph.defs#relationship";
    let expected = json!({
        "actor": alice,
        "relationships": [
            { "$type": known, "did": bob, "following": following.uri, "followedBy": followed_by.uri },
            { "$type": "app.bsky.graph.defs#notFoundActor", "actor": "carol.test", "notFound": true },
            { "$type": known, "did": stranger },
            { "$type": known, "did": alice },
        ],
    });
    assert_eq!(answer, expected);
    let unknown = world
        .get(GET_RELATIONSHIPS, &[("actor", "nobody.test"), ("others", bob.as_str())])
        .await
        .ok();
    let not_found =
        json!({ "$type": "app.bsky.graph.defs#notFoundActor", "actor": bob, "notFound": true });
    assert_eq!(unknown, json!({ "relationships": [not_found] }));
    let none = world.get(GET_RELATIONSHIPS, &[("actor", alice.as_str())]).await.ok();
    assert_eq!(none, json!({ "actor": alice, "relationships": [] }));
}

async fn parameters(world: World) {
    let many: Vec<(&str, &str)> =
        std::iter::once(("actor", "a.test")).chain([("others", "b.test"); 31]).collect();
    for (nsid, params) in [
        (GET_FOLLOWS, &[][..]),
        (GET_FOLLOWS, &[("actor", "alice")]),
        (GET_FOLLOWERS, &[("actor", "alice.test"), ("limit", "0")]),
        (GET_RELATIONSHIPS, &[("others", "alice.test")]),
        (GET_RELATIONSHIPS, &[("actor", "alice.test"), ("others", "x")]),
        (GET_RELATIONSHIPS, &many),
    ] {
        assert_eq!(
            world.get(nsid, params).await.refused(),
            (400, "InvalidRequest"),
            "{nsid} {params:?}"
        );
    }
}
