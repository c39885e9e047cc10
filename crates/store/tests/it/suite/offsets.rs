//! Offsets: moved with the rows they cover, by one worker only.

use millrace_store::{StoreError, offsets};

use crate::toy::TOPIC;
use crate::world::{START_US, World};

pub async fn an_offset_moves_only_from_where_it_is(world: &World) {
    let store = world.store().await;
    let result: Result<(), StoreError> = store
        .write(|tx| {
            assert_eq!(offsets::load(tx, "p", TOPIC, 0)?, None);
            offsets::advance(tx, "p", TOPIC, 0, 0, 5)?;
            offsets::advance(tx, "p", TOPIC, 0, 5, 9)?;
            assert_eq!(offsets::load(tx, "p", TOPIC, 0)?, Some(9));
            assert_eq!(offsets::load(tx, "p", TOPIC, 1)?, None, "partitions are apart");
            assert_eq!(offsets::load(tx, "q", TOPIC, 0)?, None, "projections are apart");
            Ok(())
        })
        .await;
    result.unwrap();
    for from in [0, 5, 10] {
        let fenced: Result<(), StoreError> =
            store.write(move |tx| offsets::advance(tx, "p", TOPIC, 0, from, 99)).await;
        assert!(matches!(fenced, Err(StoreError::Fenced { .. })), "from {from}: {fenced:?}");
    }
}

pub async fn offsets_are_listed(world: &World) {
    let store = world.store().await;
    let list: Result<_, StoreError> = store
        .write(|tx| {
            offsets::advance(tx, "p", TOPIC, 1, 0, 5)?;
            offsets::advance(tx, "p", TOPIC, 0, 0, 7)?;
            offsets::list(tx)
        })
        .await;
    let list = list.unwrap();
    let found: Vec<_> =
        list.iter().map(|it| (it.partition, it.next_offset, it.updated_us)).collect();
    assert_eq!(found, [(0, 7, START_US), (1, 5, START_US)]);
    assert!(list.iter().all(|it| it.projection == "p" && it.topic == TOPIC.name()));
}

pub async fn an_offset_is_undone_with_its_rows(world: &World) {
    let store = world.store().await;
    let failed: Result<(), StoreError> = store
        .write(|tx| {
            offsets::advance(tx, "p", TOPIC, 0, 0, 5)?;
            tx.execute("INSERT INTO tally (id, n) VALUES (1, NULL)", &[]).map(drop)
        })
        .await;
    assert!(failed.is_err());
    let offset: Result<_, StoreError> = store.read(|tx| offsets::load(tx, "p", TOPIC, 0)).await;
    assert_eq!(offset.unwrap(), None);
}
