//! Whom accounts look at that read here, as ingest is told of it.

use std::time::Duration;

use crate::people::did;
use crate::world::{Reach, World};

const GET_PROFILE: &str = "app.bsky.actor.getProfile";
const GET_AUTHOR_FEED: &str = "app.bsky.feed.getAuthorFeed";
const STRANGER: &str = "did:plc:stranger";

/// Waits until ingest was told of so many; whom.
async fn told(world: &World, many: usize) -> Vec<String> {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let looked = world.looked.lock().clone();
        if looked.len() >= many {
            return looked;
        }
        assert!(tokio::time::Instant::now() < deadline, "{looked:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_a_reader_looks_at_is_told_once_an_hour() {
    let world = World::open(Reach::Local).await;
    world.actor("alice").posts("hello");
    world.actor("bob");
    let alice = did("alice");
    // Nobody in particular looks.
    world.get(GET_PROFILE, &[("actor", alice.as_str())]).await.ok();
    world.get_as("bob", GET_PROFILE, &[("actor", "alice.test")]).await.ok();
    assert_eq!(told(&world, 1).await, [alice.as_str()]);
    world.get_as("bob", GET_AUTHOR_FEED, &[("actor", alice.as_str())]).await.ok();
    world.get_as("alice", GET_PROFILE, &[("actor", alice.as_str())]).await.ok();
    // An account that is not known here is wanted all the more.
    let unknown = world.get_as("bob", GET_PROFILE, &[("actor", STRANGER)]).await;
    assert_eq!(unknown.refused(), (400, "InvalidRequest"));
    assert_eq!(told(&world, 2).await, [alice.as_str(), STRANGER]);
    world.clock.advance(Duration::from_secs(3_601));
    world.get_as("bob", GET_AUTHOR_FEED, &[("actor", alice.as_str())]).await.ok();
    assert_eq!(told(&world, 3).await, [alice.as_str(), STRANGER, alice.as_str()]);
}
