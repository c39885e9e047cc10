//! Leases: one holder at a time, by a clock moved by hand.

use std::time::Duration;

use millrace_runtime::supervise::spawn_detached_named;
use millrace_store::lease::{self, Lease};
use millrace_store::{Store, StoreError};

use crate::world::{START_US, World};

const TTL_US: i64 = 10_000_000;

async fn acquire(store: &Store, holder: &'static str) -> Option<Lease> {
    let held: Result<_, StoreError> =
        store.write(move |tx| lease::acquire(tx, "job", holder, TTL_US)).await;
    held.unwrap()
}

async fn renew(store: &Store, held: &Lease) -> bool {
    let held = held.clone();
    let renewed: Result<_, StoreError> =
        store.write(move |tx| lease::renew(tx, &held, TTL_US)).await;
    renewed.unwrap()
}

async fn release(store: &Store, held: &Lease) -> bool {
    let held = held.clone();
    let released: Result<_, StoreError> = store.write(move |tx| lease::release(tx, &held)).await;
    released.unwrap()
}

pub async fn a_free_lease_is_taken_and_kept(world: &World) {
    let store = world.store().await;
    let first = acquire(&store, "a").await.unwrap();
    assert_eq!((first.token, first.until_us), (1, START_US + TTL_US));
    assert_eq!(acquire(&store, "b").await, None);
    world.manual.advance(Duration::from_secs(9));
    assert!(renew(&store, &first).await);
    world.manual.advance(Duration::from_secs(9));
    assert_eq!(acquire(&store, "b").await, None, "renewed in time");
    assert_eq!(acquire(&store, "a").await.map(|held| held.token), Some(1), "its own");
}

pub async fn a_silent_holder_is_followed_with_a_higher_token(world: &World) {
    let store = world.store().await;
    acquire(&store, "a").await.unwrap();
    world.manual.advance(Duration::from_micros(10_000_000));
    assert_eq!(acquire(&store, "b").await, None, "until its last moment");
    world.manual.advance(Duration::from_micros(1));
    let tokens = [
        acquire(&store, "b").await.map(|held| held.token),
        acquire(&store, "a").await.map(|held| held.token),
    ];
    assert_eq!(tokens, [Some(2), None]);
}

pub async fn a_lost_lease_cannot_be_renewed_or_released(world: &World) {
    let store = world.store().await;
    let lost = acquire(&store, "a").await.unwrap();
    world.manual.advance(Duration::from_secs(11));
    let taken = acquire(&store, "b").await.unwrap();
    assert!(!renew(&store, &lost).await);
    assert!(!release(&store, &lost).await);
    assert!(renew(&store, &taken).await);
}

pub async fn a_released_lease_is_free_at_once(world: &World) {
    let store = world.store().await;
    let held = acquire(&store, "a").await.unwrap();
    assert!(release(&store, &held).await);
    assert_eq!(acquire(&store, "b").await.map(|held| held.token), Some(2));
}

pub async fn one_of_many_gets_the_lease(world: &World) {
    let store = world.store().await;
    let tasks: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"]
        .into_iter()
        .map(|holder| {
            let store = store.clone();
            spawn_detached_named("acquire", async move { acquire(&store, holder).await })
        })
        .collect();
    let mut holders = 0;
    for task in tasks {
        holders += usize::from(task.await.unwrap().is_some());
    }
    assert_eq!(holders, 1);
}
