//! Those of an account's followers whom the viewer follows.

use serde_json::json;

use super::{ask, handles};
use crate::people::did;
use crate::world::{World, near_and_far};

const GET_KNOWN_FOLLOWERS: &str = "app.bsky.graph.getKnownFollowers";

near_and_far!(followers_the_viewer_knows, of_nobody);

async fn followers_the_viewer_knows(world: World) {
    let viewer = world.actor("viewer");
    for name in ["ann", "ben", "cat", "don", "eve"] {
        viewer.follows(name);
    }
    viewer.follows("ben");
    for name in ["eve", "don", "ben", "ann", "stranger"] {
        world.actor(name).follows("star");
    }
    world.actor("star").has_profile(json!({ "displayName": "Star" }));
    let answer = ask(&world, Some("viewer"), GET_KNOWN_FOLLOWERS, &[("actor", "star.test")]).await;
    assert_eq!(answer["subject"]["displayName"], "Star");
    assert_eq!(handles(&answer["followers"]), ["ann.test", "ben.test", "don.test", "eve.test"]);
    assert_eq!(answer.get("cursor"), None);
    let some = [("actor", did("star").to_string()), ("limit", "2".to_owned())];
    let some = some.each_ref().map(|(name, value)| (*name, value.as_str()));
    let some = ask(&world, Some("viewer"), GET_KNOWN_FOLLOWERS, &some).await;
    assert_eq!(handles(&some["followers"]), ["ann.test", "ben.test"]);
    assert_eq!(some.get("cursor"), None, "there is one page");
    // Whoever is behind a block, or not there, is not shown.
    viewer.blocks("ann");
    world.actor("ben").blocks("viewer");
    world.actor("don").is(false, Some("deactivated"));
    world.actor("star").blocks("eve");
    let answer = ask(&world, Some("viewer"), GET_KNOWN_FOLLOWERS, &[("actor", "star.test")]).await;
    assert_eq!(handles(&answer["followers"]), ["eve.test"]);
}

async fn of_nobody(world: World) {
    world.actor("star");
    world.actor("hidden").is(false, Some("takendown"));
    let none = ask(&world, Some("stranger"), GET_KNOWN_FOLLOWERS, &[("actor", "star.test")]).await;
    assert_eq!(none["followers"], json!([]));
    for actor in ["nobody.test", did("nobody").as_str(), "hidden.test"] {
        let answer = world.get_as("star", GET_KNOWN_FOLLOWERS, &[("actor", actor)]).await;
        assert_eq!(answer.refused(), (400, "InvalidRequest"), "{actor}");
        assert_eq!(answer.body["message"], format!("Actor not found: {actor}"));
    }
    let anonymous = world.get(GET_KNOWN_FOLLOWERS, &[("actor", "star.test")]).await;
    assert_eq!(anonymous.refused().0, 401);
}
