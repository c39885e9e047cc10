//! The parked table by itself; what the worker does with it stands in `worker.rs`.

use std::sync::LazyLock;
use std::time::Duration;

use millrace_log::{Headers, PAYLOAD_BYTES_MAX};
use millrace_store::parked::{self, ERROR_BYTES_MAX, Parked, ParkedEntry, ParkedFilter};
use millrace_store::{Store, StoreError};

use crate::toy::TOPIC;
use crate::world::{START_US, World};

static HEADERS: LazyLock<Headers> = LazyLock::new(|| {
    let mut headers = Headers::NONE;
    headers.push("name", "value").unwrap();
    headers
});

fn entry(offset: i64) -> ParkedEntry<'static> {
    ParkedEntry {
        projection: "p",
        topic: TOPIC,
        partition: 0,
        offset,
        appended_us: 5,
        barrier_key: Some(b"key"),
        reason: "odd",
        error: "it is odd",
        entry: b"\x00\xffbytes",
        headers: &HEADERS,
        next_us: None,
    }
}

async fn park(store: &Store, parked: ParkedEntry<'static>) -> Result<i64, StoreError> {
    store.write(move |tx| parked::park(tx, &parked)).await
}

async fn list(store: &Store, after_id: i64, limit: u32) -> Vec<Parked> {
    let filter = ParkedFilter { projection: Some("p".into()), after_id, limit };
    let page: Result<_, StoreError> = store.read(move |tx| parked::list(tx, &filter)).await;
    page.unwrap()
}

pub async fn parked_entries_are_listed_page_by_page(world: &World) {
    let store = world.store().await;
    for offset in 0..5 {
        park(&store, entry(offset)).await.unwrap();
    }
    park(&store, ParkedEntry { projection: "other", ..entry(9) }).await.unwrap();
    let first = list(&store, 0, 3).await;
    let second = list(&store, first.last().unwrap().id, 3).await;
    let offsets: Vec<i64> = first.iter().chain(&second).map(|it| it.offset).collect();
    assert_eq!(offsets, [0, 1, 2, 3, 4]);
    assert!(first.iter().all(|it| it.entry.is_empty()), "a list carries no entries");
    let all: Result<_, StoreError> = store
        .read(|tx| parked::list(tx, &ParkedFilter { limit: u32::MAX, ..ParkedFilter::default() }))
        .await;
    assert_eq!(all.unwrap().len(), 6);
    let count: Result<i64, StoreError> = store.read(|tx| parked::count(tx, "p", TOPIC, 0)).await;
    assert_eq!(count.unwrap(), 5);
}

pub async fn a_parked_entry_keeps_its_bytes(world: &World) {
    let store = world.store().await;
    let id = park(&store, entry(7)).await.unwrap();
    let found: Result<_, StoreError> = store.read(move |tx| parked::get(tx, id)).await;
    let expected = Parked {
        id,
        projection: "p".into(),
        topic: TOPIC.name().into(),
        partition: 0,
        offset: 7,
        appended_us: 5,
        barrier_key: Some(b"key".to_vec()),
        reason: "odd".into(),
        error: "it is odd".into(),
        entry: b"\x00\xffbytes".to_vec(),
        headers: HEADERS.clone(),
        first_us: START_US,
        last_us: START_US,
        attempts: 1,
        next_us: None,
    };
    assert_eq!(found.unwrap(), Some(expected));
}

pub async fn parking_twice_keeps_one(world: &World) {
    let store = world.store().await;
    let first = park(&store, entry(7)).await.unwrap();
    world.manual.advance(Duration::from_secs(1));
    assert_eq!(park(&store, entry(7)).await.unwrap(), first);
    let page = list(&store, 0, 10).await;
    assert_eq!(page.len(), 1);
    assert_eq!(
        page.first().map(|it| (it.first_us, it.last_us)),
        Some((START_US, START_US + 1_000_000))
    );
}

pub async fn a_long_error_is_cut(world: &World) {
    let store = world.store().await;
    let error: &'static str = Box::leak("é".repeat(ERROR_BYTES_MAX).into_boxed_str());
    park(&store, ParkedEntry { error, ..entry(1) }).await.unwrap();
    let kept = list(&store, 0, 1).await.remove(0).error;
    assert!(kept.len() <= ERROR_BYTES_MAX && kept.len() > ERROR_BYTES_MAX - 4, "{}", kept.len());
}

pub async fn an_oversized_entry_is_refused(world: &World) {
    let store = world.store().await;
    let bytes: &'static [u8] = Box::leak(vec![1; PAYLOAD_BYTES_MAX + 1].into_boxed_slice());
    let refused = park(&store, ParkedEntry { entry: bytes, ..entry(1) }).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })), "{refused:?}");
    let largest = bytes.get(1..).unwrap();
    park(&store, ParkedEntry { entry: largest, ..entry(2) }).await.unwrap();
}

pub async fn what_is_gone_cannot_be_retried(world: &World) {
    let store = world.store().await;
    let id = park(&store, entry(1)).await.unwrap();
    let done: Result<_, StoreError> =
        store.write(move |tx| Ok((parked::retry(tx, id)?, parked::discard(tx, id)?))).await;
    assert_eq!(done.unwrap(), (true, true));
    let gone: Result<_, StoreError> = store
        .write(move |tx| {
            Ok((parked::retry(tx, id)?, parked::discard(tx, id)?, parked::get(tx, id)?))
        })
        .await;
    assert_eq!(gone.unwrap(), (false, false, None));
}
