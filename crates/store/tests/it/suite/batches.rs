//! Many rows, one text: what changed comes back, in the order of the batch where it matters.

use std::collections::{BTreeMap, BTreeSet};

use millrace_store::{Param, Store, StoreError};

use crate::world::World;

const LIKE: &str = "INSERT INTO edge (subject, actor) {values:BIGINT,BIGINT}
     ON CONFLICT DO NOTHING RETURNING subject, actor";
const UNLIKE: &str = "DELETE FROM edge WHERE (subject, actor) IN
     (SELECT r.subject, r.actor FROM {rows:subject BIGINT, actor BIGINT} AS r)
     RETURNING subject, actor";
const COUNT: &str = "INSERT INTO tally (id, n) {values:BIGINT KEY,BIGINT}
     ON CONFLICT (id) DO UPDATE SET n = tally.n + excluded.n";

type Edge = (i64, i64);

/// Runs a statement over edges; what came back, sorted.
async fn edges(store: &Store, sql: &'static str, rows: Vec<Edge>) -> Vec<Edge> {
    let changed: Result<Vec<Edge>, StoreError> = store
        .write(move |tx| {
            let rows = rows.iter().map(|(subject, actor)| [(*subject).into(), (*actor).into()]);
            tx.query_many(sql, rows, |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .await;
    let mut changed = changed.unwrap();
    changed.sort_unstable();
    changed
}

async fn tally(store: &Store) -> Vec<(i64, i64)> {
    let read: Result<_, StoreError> = store
        .read(|tx| {
            tx.query("SELECT id, n FROM tally ORDER BY id", &[], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })
        .await;
    read.unwrap()
}

async fn count(store: &Store, rows: Vec<(i64, i64)>) -> Result<u64, StoreError> {
    store
        .write(move |tx| {
            tx.execute_many(COUNT, rows.iter().map(|(id, n)| [Param::Int(*id), Param::Int(*n)]))
        })
        .await
}

pub async fn only_new_rows_come_back(world: &World) {
    let store = world.store().await;
    assert_eq!(edges(&store, LIKE, vec![(1, 10), (1, 11)]).await, [(1, 10), (1, 11)]);
    assert_eq!(edges(&store, LIKE, vec![(1, 11), (1, 12), (1, 12)]).await, [(1, 12)]);
}

pub async fn a_replay_changes_nothing(world: &World) {
    let store = world.store().await;
    let batch = vec![(1, 10), (2, 10), (1, 11)];
    for expected in [3, 0, 0] {
        let new = edges(&store, LIKE, batch.clone()).await;
        assert_eq!(new.len(), expected);
        count(&store, new.iter().map(|(subject, _)| (*subject, 1)).collect()).await.unwrap();
    }
    assert_eq!(tally(&store).await, [(1, 2), (2, 1)]);
}

pub async fn equal_keys_are_applied_one_after_the_other(world: &World) {
    let store = world.store().await;
    let changed = count(&store, vec![(1, 1), (2, 5), (1, 10), (1, 100), (2, 50)]).await.unwrap();
    assert_eq!(changed, 5);
    assert_eq!(tally(&store).await, [(1, 111), (2, 55)]);
}

pub async fn an_update_adds_every_row_of_a_batch(world: &World) {
    let store = world.store().await;
    count(&store, vec![(1, 0), (2, 0)]).await.unwrap();
    let updated: Result<Vec<(i64, i64)>, StoreError> = store
        .write(|tx| {
            let rows = [(1_i64, 1_i64), (2, 2), (1, 3), (9, 9)];
            tx.query_many(
                "UPDATE tally SET n = tally.n + r.n FROM {rows:id BIGINT KEY, n BIGINT} AS r
                 WHERE tally.id = r.id RETURNING tally.id, tally.n",
                rows.map(|(id, n)| [Param::Int(id), Param::Int(n)]),
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await;
    let mut updated = updated.unwrap();
    updated.sort_unstable();
    assert_eq!(updated, [(1, 1), (1, 4), (2, 2)]);
    assert_eq!(tally(&store).await, [(1, 4), (2, 2)]);
}

pub async fn deleted_rows_come_back(world: &World) {
    let store = world.store().await;
    edges(&store, LIKE, vec![(1, 10), (1, 11)]).await;
    assert_eq!(edges(&store, UNLIKE, vec![(1, 11), (1, 99)]).await, [(1, 11)]);
    assert_eq!(edges(&store, UNLIKE, vec![(1, 11)]).await, []);
}

pub async fn a_batch_may_be_larger_than_a_statement(world: &World) {
    let store = world.store().await;
    let batch: Vec<Edge> = (0..12_345).map(|actor| (7, actor)).collect();
    assert_eq!(edges(&store, LIKE, batch.clone()).await, batch);
    assert_eq!(edges(&store, UNLIKE, batch.clone()).await, batch);
}

type Everything = (i64, Option<String>, Option<f64>, bool, Option<Vec<u8>>);

pub async fn every_type_and_null_fit_a_batch(world: &World) {
    let store = world.store().await;
    let found: Result<Vec<Everything>, StoreError> = store
        .write(|tx| {
            let rows = [
                [1_i64.into(), "a".into(), 0.5_f64.into(), true.into(), Param::Blob(&[0, 1])],
                [2_i64.into(), Param::Null, Param::Null, false.into(), Param::Null],
            ];
            tx.execute_many(
                "INSERT INTO item (id, name, size, flag, body) {values:BIGINT,TEXT,DOUBLE,BIGINT,BLOB}",
                rows,
            )?;
            tx.query("SELECT id, name, size, flag, body FROM item ORDER BY id", &[], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
        })
        .await;
    let expected = [
        (1, Some("a".to_owned()), Some(0.5), true, Some(vec![0, 1])),
        (2, None, None, false, None),
    ];
    assert_eq!(found.unwrap(), expected);
}

pub async fn a_batch_without_token_is_a_loop(world: &World) {
    let store = world.store().await;
    let inserted: Result<Vec<i64>, StoreError> = store
        .write(|tx| {
            let rows = [[Param::Int(5)], [Param::Int(6)], [Param::Int(5)]];
            tx.query_many(
                "INSERT INTO tally (id, n) VALUES ($1, $1 + 1)
                 ON CONFLICT (id) DO UPDATE SET n = tally.n * 10 RETURNING n",
                rows,
                |row| row.get(0),
            )
        })
        .await;
    assert_eq!(inserted.unwrap(), [6, 7, 60]);
}

pub async fn an_empty_batch_does_nothing(world: &World) {
    let store = world.store().await;
    assert_eq!(count(&store, Vec::new()).await.unwrap(), 0);
    assert_eq!(edges(&store, LIKE, Vec::new()).await, []);
}

pub async fn a_row_of_another_shape_is_refused(world: &World) {
    let store = world.store().await;
    let short: Result<u64, StoreError> =
        store.write(|tx| tx.execute_many(COUNT, [[Param::Int(1)]])).await;
    assert!(matches!(short, Err(StoreError::Sql { .. })), "{short:?}");
    assert_eq!(tally(&store).await, []);
}

pub async fn like_unlike_like_ends_liked(world: &World) {
    let store = world.store().await;
    let storm: Result<i64, StoreError> = store
        .write(|tx| {
            let row = [[Param::Int(1), Param::Int(10)]];
            let mut n = 0_i64;
            for _ in 0..3 {
                n += tx.query_many(LIKE, row, |row| row.get::<i64>(0))?.len() as i64;
                n -= tx.query_many(UNLIKE, row, |row| row.get::<i64>(0))?.len() as i64;
                n += tx.query_many(LIKE, row, |row| row.get::<i64>(0))?.len() as i64;
            }
            Ok(n)
        })
        .await;
    assert_eq!(storm.unwrap(), 1);
    assert_eq!(edges(&store, UNLIKE, vec![(1, 10)]).await, [(1, 10)]);
}

pub async fn a_random_storm_ends_as_its_model(world: &World) {
    let store = world.store().await;
    let (mut model_edges, mut model_tally) = (BTreeSet::new(), BTreeMap::new());
    for round in 0..60 {
        let below = |n: u64| i64::try_from(world.rng.below(n)).unwrap();
        let batch: Vec<Edge> =
            (0..world.rng.below(30)).map(|_| (below(4) + 1, below(6) + 1)).collect();
        let like = world.rng.below(2) == 0;
        let mut expected: Vec<Edge> = batch
            .iter()
            .copied()
            .filter(|edge| if like { model_edges.insert(*edge) } else { model_edges.remove(edge) })
            .collect();
        let changed = edges(&store, if like { LIKE } else { UNLIKE }, batch).await;
        expected.sort_unstable();
        assert_eq!(changed, expected, "round {round}");
        let step = if like { 1 } else { -1 };
        for (subject, _) in &changed {
            *model_tally.entry(*subject).or_insert(0) += step;
        }
        // One row for each change, equal keys and all: the batch adds them up in order.
        count(&store, changed.iter().map(|(subject, _)| (*subject, step)).collect()).await.unwrap();
    }
    assert_eq!(tally(&store).await, model_tally.into_iter().collect::<Vec<_>>());
}
