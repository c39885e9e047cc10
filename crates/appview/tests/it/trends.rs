//! What the newest posts are about.

use std::time::Duration;

use serde_json::{Value, json};

use crate::people::did;
use crate::world::{World, near_and_far};

const TRENDS: &str = "app.bsky.unspecced.getTrends";
const TOPICS: &str = "app.bsky.unspecced.getTrendingTopics";
const TAGGED: &str = "app.bsky.unspecced.getTaggedSuggestions";

near_and_far!(tags_that_many_write, topics_with_feeds, accounts_and_feeds_by_what_they_are_about);

fn tag(world: &World, who: &str, tag: &str) {
    world.actor(who).posts_with("hello", json!({ "tags": [tag] }));
}

fn handles(actors: &Value) -> Vec<&str> {
    actors.as_array().unwrap().iter().map(|actor| actor["handle"].as_str().unwrap()).collect()
}

async fn tags_that_many_write(world: World) {
    tag(&world, "dora", "Yesterday");
    tag(&world, "evan", "Yesterday");
    world.settle().await;
    world.clock.advance(Duration::from_secs(25 * 3_600));
    for _ in 0..3 {
        tag(&world, "alice", "alone");
    }
    tag(&world, "bob", "mill");
    let facet = json!({ "$type": "app.bsky.richtext.facet#tag", "tag": "Mill" });
    let facets = json!([{ "index": { "byteStart": 0, "byteEnd": 5 }, "features": [facet] }]);
    world.actor("carol").posts_with("#Mill", json!({ "facets": facets }));
    world.rank().await;
    let answer = world.get(TRENDS, &[]).await.ok();
    let trends = answer["trends"].as_array().unwrap();
    assert_eq!(trends.len(), 1, "{trends:?}");
    let mill = &trends[0];
    assert_eq!((&mill["topic"], &mill["displayName"]), (&json!("Mill"), &json!("Mill")));
    assert_eq!((&mill["link"], &mill["postCount"]), (&json!("/hashtag/Mill"), &json!(2)));
    assert_eq!(mill["status"], "hot");
    assert!(mill["startedAt"].as_str().unwrap().starts_with("2026-01-02T01:"), "{mill}");
    assert_eq!(handles(&mill["actors"]), ["carol.test", "bob.test"]);
    world.actor("alice").blocks("carol");
    let answer = world.get_as("alice", TRENDS, &[("limit", "1")]).await.ok();
    assert_eq!(handles(&answer["trends"][0]["actors"]), ["bob.test"]);
    assert_eq!(world.get(TRENDS, &[("limit", "26")]).await.refused(), (400, "InvalidRequest"));
}

async fn topics_with_feeds(world: World) {
    let feed = world.actor("alice").offers_feed(&did("feeds"), "Rivers").uri;
    for who in ["bob", "carol"] {
        tag(&world, who, "水車");
    }
    world.rank().await;
    let answer = world.get(TOPICS, &[]).await.ok();
    let link = "/hashtag/%E6%B0%B4%E8%BB%8A";
    assert_eq!(answer["topics"], json!([{ "topic": "水車", "link": link }]));
    let rkey = feed.rsplit('/').next().unwrap();
    let link = format!("/profile/{}/feed/{rkey}", did("alice"));
    assert_eq!(answer["suggested"], json!([{ "topic": "Rivers", "link": link }]));
    world.actor("bob").blocks("alice");
    let answer = world.get_as("bob", TOPICS, &[]).await.ok();
    assert_eq!(answer["suggested"], json!([]));
    assert_eq!(world.get(TOPICS, &[("viewer", "x")]).await.refused(), (400, "InvalidRequest"));
}

async fn accounts_and_feeds_by_what_they_are_about(world: World) {
    assert_eq!(world.get(TAGGED, &[]).await.ok(), json!({ "suggestions": [] }));
    let feed = world.actor("alice").offers_feed(&did("feeds"), "All mills").uri;
    for who in ["bob", "carol"] {
        tag(&world, who, "mill");
    }
    world.rank().await;
    let answer = world.get(TAGGED, &[]).await.ok();
    let of = |kind: &str, subject: String| json!({ "tag": "mill", "subjectType": kind, "subject": subject });
    let people = ["carol", "bob"].map(|name| of("actor", did(name).to_string()));
    let expected = [&people[..], &[of("feed", feed)]].concat();
    assert_eq!(answer["suggestions"], json!(expected));
}
