//! Parked entries and the worker: what waits behind them, and how they are tried again.

use std::time::Duration;

use millrace_store::worker::{ApplyError, WorkerConfig};
use millrace_store::{StoreError, parked as dlq};

use crate::running::{
    Running, effects_are, offset, parked, reached, reasons, run_until, stops_with,
};
use crate::toy::{Fail, Toy, append, effects};
use crate::world::{World, eventually};

pub async fn later_entries_of_a_parked_key_wait_in_order(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a bad", "b 2", "a 3", "b 4"]).await;
    run_until(world, &toy, &store, &log, 4).await;
    // A fresh worker knows the barrier too.
    append(&log, &["a 5", "b 6"]).await;
    run_until(world, &toy, &store, &log, 6).await;
    assert_eq!(effects(&store).await, ["b 2", "b 4", "b 6"]);
    let expected = [(0, "toy-poison"), (2, "behind"), (4, "behind")];
    assert_eq!(reasons(&store).await, expected.map(|(offset, reason)| (offset, reason.to_owned())));
}

pub async fn a_mended_entry_is_applied_with_those_behind_it(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a bad", "a 2", "a 3"]).await;
    let running = Running::start(world, &toy, &store, &log);
    reached(&store, 3).await;
    toy.mend();
    // Asked for the last of the key: the first is tried.
    let last = parked(&store).await[2].id;
    let asked: Result<bool, StoreError> = store.write(move |tx| dlq::retry(tx, last)).await;
    assert!(asked.unwrap());
    effects_are(&store, &["a bad", "a 2", "a 3"]).await;
    eventually("nothing is parked", || async { parked(&store).await.is_empty().then_some(()) })
        .await;
    eventually("the key is free", || async {
        (world.metric("millrace_store_parked_entries", &["toy"]) == Some(0.0)).then_some(())
    })
    .await;
    append(&log, &["a 4"]).await;
    effects_are(&store, &["a bad", "a 2", "a 3", "a 4"]).await;
    running.stop().await;
}

pub async fn a_discarded_entry_frees_its_key(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a bad", "a 2"]).await;
    let running = Running::start(world, &toy, &store, &log);
    reached(&store, 2).await;
    let head = parked(&store).await[0].id;
    let discarded: Result<bool, StoreError> = store.write(move |tx| dlq::discard(tx, head)).await;
    assert!(discarded.unwrap());
    effects_are(&store, &["a 2"]).await;
    append(&log, &["a 3"]).await;
    effects_are(&store, &["a 2", "a 3"]).await;
    running.stop().await;
    assert_eq!(parked(&store).await, []);
}

pub async fn a_parked_entry_is_tried_again_by_itself(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a bad"]).await;
    let running = Running::start(world, &toy, &store, &log);
    reached(&store, 1).await;
    world.manual.advance(Duration::from_secs(61));
    eventually("it was tried again", || async {
        (parked(&store).await[0].attempts == 2).then_some(())
    })
    .await;
    toy.mend();
    world.manual.advance(Duration::from_secs(4 * 61));
    effects_are(&store, &["a bad"]).await;
    running.stop().await;
}

pub async fn a_hopeless_entry_waits_for_an_operator(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a bad"]).await;
    let config = WorkerConfig { parked_attempts_max: 2, ..WorkerConfig::default() };
    let running = Running::start_with(world, &toy, &store, &log, config);
    reached(&store, 1).await;
    let hopeless = eventually("it is no longer tried", || async {
        world.manual.advance(Duration::from_secs(86_400));
        parked(&store).await.into_iter().find(|it| it.next_us.is_none())
    })
    .await;
    assert_eq!(hopeless.attempts, 3);
    let asked: Result<u64, StoreError> = store.write(|tx| dlq::retry_all(tx, "toy")).await;
    assert_eq!(asked.unwrap(), 1);
    eventually("it was tried once more", || async {
        (parked(&store).await[0].attempts == 4).then_some(())
    })
    .await;
    running.stop().await;
}

pub async fn too_much_behind_one_key_is_dropped_and_told(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a bad", "a 1", "a 2", "b 3", "a 4", "a 5"]).await;
    let config = WorkerConfig { parked_per_key_max: 3, ..WorkerConfig::default() };
    let running = Running::start_with(world, &toy, &store, &log, config);
    reached(&store, 6).await;
    append(&log, &["a 6"]).await;
    // Freed by the overflow, the key is applied again; what was dropped is fetched anew.
    effects_are(&store, &["b 3", "a overflow", "a 6"]).await;
    running.stop().await;
    let kept = parked(&store).await;
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].offset, &kept[0].barrier_key, kept[0].next_us), (0, &None, None));
}

pub async fn too_many_parked_entries_stop_the_projection(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let toy = Toy::failing(&[("bad", Fail::Poison)]);
    append(&log, &["a bad", "b bad", "c bad", "d 4"]).await;
    let config = WorkerConfig { parked_max: 2, ..WorkerConfig::default() };
    let error = stops_with(Running::start_with(world, &toy, &store, &log, config)).await;
    assert!(matches!(error, ApplyError::ParkedTooMany { parked: 3, .. }), "{error:?}");
    assert_eq!((parked(&store).await.len(), offset(&store).await), (2, Some(2)));
}
