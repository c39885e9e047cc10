//! The outbox: what is committed is published, at least once and in order.

use std::time::Duration;

use millrace_log::{HEADERS_BYTES_MAX, Header, Headers, Item, Log, PAYLOAD_BYTES_MAX, Topic};
use millrace_runtime::supervise::{Shutdown, spawn_detached_named};
use millrace_store::outbox::{self, Event, Passed, Relay};
use millrace_store::{Store, StoreError};

use crate::world::{World, eventually};

const TOPIC: Topic = Topic::DataplaneChanges;

fn relay(world: &World, store: &Store, log: &Log) -> Relay {
    Relay::new(store.clone(), log.clone(), world.clock.clone(), world.rng.fork(), &world.registry)
}

async fn push(store: &Store, payloads: &[&str]) {
    let payloads: Vec<Vec<u8>> = payloads.iter().map(|it| it.as_bytes().to_vec()).collect();
    let pushed: Result<(), StoreError> = store
        .write(move |tx| {
            payloads.iter().try_for_each(|payload| outbox::push(tx, TOPIC, b"key", payload))
        })
        .await;
    pushed.unwrap();
}

async fn published(log: &Log) -> Vec<String> {
    let items = log.read(TOPIC, 0, 0, 16 << 20).await.unwrap();
    items.iter().map(|item| String::from_utf8_lossy(&item.payload).into_owned()).collect()
}

async fn waiting(store: &Store) -> i64 {
    let count: Result<i64, StoreError> = store.read(outbox::count).await;
    count.unwrap()
}

pub async fn facts_are_published_only_if_committed(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let failed: Result<(), StoreError> = store
        .write(|tx| {
            outbox::push(tx, TOPIC, b"key", b"never")?;
            Err(StoreError::Fenced { what: "test".into() })
        })
        .await;
    assert!(failed.is_err());
    push(&store, &["committed"]).await;
    let relay = relay(world, &store, &log);
    assert_eq!(relay.relay_batch().await.unwrap(), 1);
    assert_eq!(relay.relay_batch().await.unwrap(), 0);
    assert_eq!(published(&log).await, ["committed"]);
}

pub async fn the_relay_keeps_the_order(world: &World) {
    let (store, log) = (world.store().await, world.log());
    push(&store, &["1", "2", "3"]).await;
    let relay = relay(world, &store, &log);
    relay.relay_batch().await.unwrap();
    push(&store, &["4"]).await;
    push(&store, &["5", "6"]).await;
    relay.relay_batch().await.unwrap();
    assert_eq!(published(&log).await, ["1", "2", "3", "4", "5", "6"]);
    assert_eq!(waiting(&store).await, 0);
}

pub async fn a_crash_between_append_and_delete_repeats_and_loses_nothing(world: &World) {
    let (store, log) = (world.store().await, world.log());
    push(&store, &["1", "2"]).await;
    // What a crash leaves: durable in the log, still in the outbox.
    let items = ["1", "2"].map(|it| millrace_log::Append::new(*b"key", it.as_bytes().to_vec()));
    log.append(TOPIC, items.to_vec()).await.unwrap();
    push(&store, &["3"]).await;
    relay(world, &store, &log).relay_batch().await.unwrap();
    assert_eq!(published(&log).await, ["1", "2", "1", "2", "3"]);
    assert_eq!(waiting(&store).await, 0);
}

pub async fn an_event_is_relayed_with_its_attributes(world: &World) {
    let (store, log) = (world.store().await, world.log());
    push(&store, &["plain"]).await;
    let pushed: Result<(), StoreError> = store
        .write(|tx| {
            let mut headers = Headers::NONE;
            headers.push("traceparent", "00-1-2-01").unwrap();
            let event = Event {
                id: "019b76da-a87b-7000-8000-000000000000",
                topic: TOPIC,
                key: b"key",
                aggregate_type: "post",
                aggregate_id: "at://did:plc:a/app.bsky.feed.post/1",
                kind: "POST_CREATED",
                payload: b"{}",
                headers: &headers,
            };
            outbox::push_events(tx, [event, Event { headers: &Headers::NONE, ..event }])
        })
        .await;
    pushed.unwrap();
    assert_eq!(relay(world, &store, &log).relay_batch().await.unwrap(), 3);
    let items = log.read(TOPIC, 0, 0, 1 << 20).await.unwrap();
    let said = |item: &Item| -> Vec<(String, String)> {
        let text = |header: &Header| String::from_utf8(header.value.to_vec()).unwrap();
        item.headers.iter().map(|header| (header.name.clone(), text(header))).collect()
    };
    assert_eq!((said(&items[0]), items[1].payload.as_ref()), (Vec::new(), &b"{}"[..]));
    let pairs = [
        ("ce_specversion", "1.0"),
        ("ce_id", "019b76da-a87b-7000-8000-000000000000"),
        ("ce_source", "urn:millrace:dataplane"),
        ("ce_type", "POST_CREATED"),
        ("ce_subject", "at://did:plc:a/app.bsky.feed.post/1"),
        ("ce_time", "2025-06-15T15:06:40.000Z"),
        ("ce_partitionkey", "key"),
        ("content-type", "application/json"),
        ("traceparent", "00-1-2-01"),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(said(&items[1]), pairs);
    assert_eq!(said(&items[2]), pairs[..8]);
}

pub async fn what_is_passed_on_keeps_its_headers_and_gets_no_others(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let mut headers = Headers::NONE;
    headers.push("ce_id", "an id of its own").unwrap();
    headers.push("bytes", vec![0xff]).unwrap();
    let sent = headers.clone();
    let pass = move |tx: &mut millrace_store::Tx| {
        let (none, payload) = (Headers::NONE, vec![0; PAYLOAD_BYTES_MAX + 1]);
        let with = Passed { topic: TOPIC, key: b"", payload: b"on", headers: &sent };
        let without = Passed { headers: &none, ..with };
        let large = Passed { payload: &payload, ..without };
        outbox::pass_on(tx, [with, without])?;
        let refused = outbox::pass_on(tx, [large]);
        assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
        Ok::<_, StoreError>(())
    };
    store.write(pass).await.unwrap();
    relay(world, &store, &log).relay_batch().await.unwrap();
    let items = log.read(TOPIC, 0, 0, 1 << 20).await.unwrap();
    let found: Vec<Headers> = items.into_iter().map(|item| item.headers).collect();
    assert_eq!(found, [headers, Headers::NONE]);
}

pub async fn an_event_that_the_log_will_not_take_is_refused(world: &World) {
    let store = world.store().await;
    let refused: Result<(), StoreError> = store
        .write(|tx| {
            let event = Event {
                id: "1",
                topic: TOPIC,
                key: b"key",
                aggregate_type: "post",
                aggregate_id: &"x".repeat(HEADERS_BYTES_MAX),
                kind: "POST_CREATED",
                payload: b"{}",
                headers: &Headers::NONE,
            };
            outbox::push_events(tx, [event])
        })
        .await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    assert_eq!(waiting(&store).await, 0);
}

pub async fn the_relay_goes_in_bounded_batches(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let large = "x".repeat(900_000);
    push(&store, &[&large, &large, &large, "small"]).await;
    let relay = relay(world, &store, &log);
    let mut rows = Vec::new();
    while let Some(relayed) = Some(relay.relay_batch().await.unwrap()).filter(|rows| *rows > 0) {
        rows.push(relayed);
    }
    assert_eq!(rows, [2, 2], "at most 2 MiB at a time");
    assert_eq!(published(&log).await.len(), 4);
}

const ROUNDS: i64 = 40;

pub async fn the_relay_is_woken_by_a_commit(world: &World) {
    let (store, log) = (world.store().await, world.log());
    let (relay, shutdown) = (relay(world, &store, &log), Shutdown::new());
    let stop = shutdown.clone();
    let running = spawn_detached_named("relay", async move { relay.run(&stop).await });
    // Left to its own interval of half a second, the relay would need twice as long for all of them.
    let rounds = async {
        for round in 0..ROUNDS {
            push(&store, &["fact"]).await;
            log.wait(TOPIC, 0, round).await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_millis(250) * 40, rounds).await.unwrap();
    eventually("the outbox is empty", || async { (waiting(&store).await == 0).then_some(()) })
        .await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
    let relayed = world.metric("millrace_store_outbox_relayed", &["dataplane"]);
    assert_eq!(relayed, Some(40.0));
}

pub async fn an_oversized_payload_is_refused(world: &World) {
    let store = world.store().await;
    let refused: Result<(), StoreError> =
        store.write(|tx| outbox::push(tx, TOPIC, b"key", &vec![0; PAYLOAD_BYTES_MAX + 1])).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    assert_eq!(waiting(&store).await, 0);
}
