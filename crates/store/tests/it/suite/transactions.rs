//! What a transaction is, and what a store does under load.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use millrace_runtime::supervise::spawn_detached_named;
use millrace_store::{Domain, Fault, Store, StoreConfig, StoreError, Tx};

use crate::toy;
use crate::world::{START_US, World, eventually};

/// A read that does not end by itself.
const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n)
     SELECT count(*) FROM n";

fn put(tx: &mut Tx, id: i64, n: i64) -> Result<u64, StoreError> {
    tx.execute(
        "INSERT INTO tally (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = excluded.n",
        &[id.into(), n.into()],
    )
}

fn get(tx: &mut Tx, id: i64) -> Result<Option<i64>, StoreError> {
    tx.query_opt("SELECT n FROM tally WHERE id = $1", &[id.into()], |row| row.get(0))
}

async fn value(store: &Store, id: i64) -> Option<i64> {
    let read: Result<_, StoreError> = store.read(move |tx| get(tx, id)).await;
    read.unwrap()
}

/// Occupies every reader until the sender is dropped or sends.
async fn occupy_readers(world: &World, store: &Store) -> Vec<mpsc::Sender<()>> {
    let mut gates = Vec::new();
    for _ in 0..world.config.readers {
        let (gate, opened) = mpsc::channel::<()>();
        let (entered, mut inside) = tokio::sync::mpsc::channel::<()>(1);
        let store = store.clone();
        spawn_detached_named("gate", async move {
            let _: Result<(), StoreError> = store
                .read(move |_| {
                    entered.blocking_send(()).unwrap();
                    let _ = opened.recv();
                    Ok(())
                })
                .await;
        });
        inside.recv().await.unwrap();
        gates.push(gate);
    }
    gates
}

pub async fn a_read_sees_one_snapshot(world: &World) {
    let store = world.store().await;
    store.write(|tx| put(tx, 1, 1)).await.unwrap();
    let (changed, wait) = mpsc::channel::<()>();
    let (looked, seen) = tokio::sync::oneshot::channel::<()>();
    let reader = store.clone();
    let read = spawn_detached_named("reader", async move {
        reader
            .read(move |tx| {
                let before = get(tx, 1)?;
                looked.send(()).unwrap();
                wait.recv().unwrap();
                Ok::<_, StoreError>((before, get(tx, 1)?, get(tx, 2)?))
            })
            .await
    });
    seen.await.unwrap();
    store.write(|tx| put(tx, 1, 99).and_then(|_| put(tx, 2, 2))).await.unwrap();
    changed.send(()).unwrap();
    assert_eq!(read.await.unwrap().unwrap(), (Some(1), Some(1), None));
    assert_eq!(value(&store, 1).await, Some(99));
}

pub async fn a_read_cannot_write(world: &World) {
    let store = world.store().await;
    let refused = store.read(|tx| put(tx, 1, 1)).await;
    assert!(matches!(refused, Err(StoreError::Sql { .. })), "{refused:?}");
    assert_eq!(value(&store, 1).await, None);
}

pub async fn an_error_undoes_everything(world: &World) {
    let store = world.store().await;
    let failed: Result<(), StoreError> = store
        .write(|tx| {
            put(tx, 1, 1)?;
            put(tx, 2, 2)?;
            Err(StoreError::Fenced { what: "test".into() })
        })
        .await;
    assert!(matches!(failed, Err(StoreError::Fenced { .. })));
    assert_eq!((value(&store, 1).await, value(&store, 2).await), (None, None));
}

pub async fn a_panic_undoes_everything_and_the_thread_lives(world: &World) {
    let store = world.store().await;
    for _ in 0..8 {
        let failed: Result<(), StoreError> = store
            .write(|tx| {
                put(tx, 1, 1)?;
                panic!("on purpose");
            })
            .await;
        let Err(error) = failed else { panic!("a panic is an error") };
        assert!(matches!(&error, StoreError::Panicked { message } if message == "on purpose"));
        assert_eq!(error.fault(), Fault::Park);
        let failed: Result<(), StoreError> = store.read(|_| panic!("in a read")).await;
        assert!(matches!(failed, Err(StoreError::Panicked { .. })));
    }
    assert_eq!(value(&store, 1).await, None);
    store.write(|tx| put(tx, 1, 5)).await.unwrap();
    assert_eq!(value(&store, 1).await, Some(5));
}

pub async fn a_swallowed_failure_does_not_commit(world: &World) {
    let store = world.store().await;
    let result: Result<(), StoreError> = store
        .write(|tx| {
            put(tx, 1, 1)?;
            let failed = tx.execute("INSERT INTO tally (id, n) VALUES (1, 2)", &[]);
            assert!(failed.is_err());
            Ok(())
        })
        .await;
    assert!(matches!(result, Err(StoreError::Aborted { .. })), "{result:?}");
    assert_eq!(value(&store, 1).await, None);
}

pub async fn a_savepoint_undoes_its_part_alone(world: &World) {
    let store = world.store().await;
    store
        .write(|tx| {
            put(tx, 1, 1)?;
            let inner: Result<(), StoreError> = tx.savepoint(|tx| {
                put(tx, 2, 2)?;
                let deeper: Result<(), StoreError> = tx.savepoint(|tx| {
                    put(tx, 3, 3)?;
                    tx.execute("INSERT INTO tally (id, n) VALUES (1, 2)", &[])?;
                    Ok(())
                });
                assert!(matches!(deeper, Err(StoreError::Constraint { .. })));
                put(tx, 4, 4).map(drop)
            });
            inner?;
            put(tx, 5, 5)
        })
        .await
        .unwrap();
    let mut found = Vec::new();
    for id in 1..=5 {
        found.push(value(&store, id).await);
    }
    assert_eq!(found, [Some(1), Some(2), None, Some(4), Some(5)]);
}

pub async fn a_swallowed_failure_in_a_savepoint_is_undone(world: &World) {
    let store = world.store().await;
    store
        .write(|tx| {
            put(tx, 1, 1)?;
            let inner: Result<(), StoreError> = tx.savepoint(|tx| {
                put(tx, 2, 2)?;
                let _ = tx.execute("INSERT INTO tally (id, n) VALUES (1, 2)", &[]);
                Ok(())
            });
            assert!(matches!(inner, Err(StoreError::Aborted { .. })), "{inner:?}");
            put(tx, 3, 3)
        })
        .await
        .unwrap();
    let found = (value(&store, 1).await, value(&store, 2).await, value(&store, 3).await);
    assert_eq!(found, (Some(1), None, Some(3)));
}

pub async fn readers_go_on_while_a_write_is_open(world: &World) {
    let store = world.store().await;
    store.write(|tx| put(tx, 1, 1)).await.unwrap();
    let (go_on, wait) = mpsc::channel::<()>();
    let (written, seen) = tokio::sync::oneshot::channel::<()>();
    let writer = store.clone();
    let write = spawn_detached_named("writer", async move {
        writer
            .write(move |tx| {
                put(tx, 1, 2)?;
                written.send(()).unwrap();
                wait.recv().unwrap();
                Ok::<_, StoreError>(())
            })
            .await
    });
    seen.await.unwrap();
    for _ in 0..10 {
        assert_eq!(value(&store, 1).await, Some(1));
    }
    go_on.send(()).unwrap();
    write.await.unwrap().unwrap();
    assert_eq!(value(&store, 1).await, Some(2));
}

pub async fn concurrent_increments_are_all_counted(world: &World) {
    let store = world.store().await;
    let tasks: Vec<_> = (0..60)
        .map(|_| {
            let store = store.clone();
            spawn_detached_named("increment", async move {
                let sql = "INSERT INTO tally (id, n) VALUES (1, 1)
                     ON CONFLICT (id) DO UPDATE SET n = tally.n + 1";
                store.write(|tx| tx.execute(sql, &[])).await
            })
        })
        .collect();
    for task in tasks {
        let done: Result<u64, StoreError> = task.await.unwrap();
        done.unwrap();
    }
    assert_eq!(value(&store, 1).await, Some(60));
}

pub async fn a_full_queue_refuses_at_once(world: &World) {
    let config = StoreConfig { queue_jobs: 3, ..world.config.clone() };
    let store = open(world, &config).await;
    let gates = occupy_readers(world, &store).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let (store, asked) = (store.clone(), Arc::clone(&asked));
            spawn_detached_named("waiting", async move {
                let answer = store.read(|tx| get(tx, 1));
                asked.fetch_add(1, Ordering::SeqCst);
                answer.await
            })
        })
        .collect();
    eventually("three questions wait", || async {
        let waiting = world.metric("millrace_store_waiting_jobs", &["dataplane", "read"]);
        (waiting == Some(3.0)).then_some(())
    })
    .await;
    let refused = store.read(|tx| get(tx, 1)).await;
    assert!(matches!(refused, Err(StoreError::QueueFull { waiting: 3, .. })), "{refused:?}");
    assert_eq!(refused.unwrap_err().fault(), Fault::Retry);
    drop(gates);
    for task in waiting {
        assert_eq!(task.await.unwrap().unwrap(), None);
    }
}

pub async fn a_question_nobody_waits_for_is_not_asked(world: &World) {
    let store = world.store().await;
    let gates = occupy_readers(world, &store).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    {
        let mut answer = Box::pin(store.read(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok::<(), StoreError>(())
        }));
        let polled = futures_util::poll!(&mut answer);
        assert!(polled.is_pending());
    }
    drop(gates);
    assert_eq!(value(&store, 1).await, None);
    store.close().await;
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

pub async fn a_begun_write_is_finished_though_nobody_waits(world: &World) {
    let store = world.store().await;
    let (go_on, wait) = mpsc::channel::<()>();
    let (begun, seen) = tokio::sync::oneshot::channel::<()>();
    let mut answer = Box::pin(store.write(move |tx| {
        begun.send(()).unwrap();
        wait.recv().unwrap();
        put(tx, 1, 1)
    }));
    assert!(futures_util::poll!(&mut answer).is_pending());
    seen.await.unwrap();
    drop(answer);
    go_on.send(()).unwrap();
    eventually("the write is there", || value(&store, 1)).await;
}

pub async fn a_read_over_its_time_is_stopped(world: &World) {
    let config = StoreConfig { read_timeout_ms: 150, ..world.config.clone() };
    let store = open(world, &config).await;
    let stopped: Result<i64, StoreError> =
        store.read(|tx| tx.query_one(ENDLESS, &[], |row| row.get(0))).await;
    assert!(matches!(stopped, Err(StoreError::Timeout { limit_ms: 150, .. })), "{stopped:?}");
    // Not one long statement, but many short ones.
    let stopped: Result<(), StoreError> = store
        .read(|tx| {
            loop {
                get(tx, 1)?;
            }
        })
        .await;
    assert!(matches!(stopped, Err(StoreError::Timeout { .. })), "{stopped:?}");
    assert_eq!(value(&store, 1).await, None);
}

pub async fn closing_finishes_what_was_begun(world: &World) {
    let store = world.store().await;
    let writes: Vec<_> = (0..20_i64)
        .map(|id| {
            let store = store.clone();
            spawn_detached_named(
                "write",
                async move { store.write(move |tx| put(tx, id, id)).await },
            )
        })
        .collect();
    store.close().await;
    let mut kept = 0;
    for write in writes {
        match write.await.unwrap() {
            Ok(_) => kept += 1,
            Err(StoreError::Closed { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    let refused = store.read(|tx| get(tx, 1)).await;
    assert!(matches!(refused, Err(StoreError::Closed { .. })), "{refused:?}");
    let again = world.store().await;
    let count: Result<i64, StoreError> =
        again.read(|tx| tx.query_one("SELECT count(*) FROM tally", &[], |row| row.get(0))).await;
    assert_eq!(count.unwrap(), kept);
}

pub async fn a_broken_rule_is_a_constraint(world: &World) {
    let store = world.store().await;
    for sql in [
        "INSERT INTO tally (id, n) VALUES (1, 1), (1, 2)",
        "INSERT INTO tally (id, n) VALUES (2, NULL)",
    ] {
        let refused: Result<u64, StoreError> = store.write(move |tx| tx.execute(sql, &[])).await;
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::Constraint { .. }), "{error:?}");
        assert_eq!(error.fault(), Fault::Park);
    }
}

pub async fn an_attached_domain_is_read_by_its_name(world: &World) {
    let own = world.open(Domain::Own, toy::MIGRATIONS, &[]).await.unwrap();
    let store = world.open(Domain::Dataplane, toy::MIGRATIONS, &[Domain::Own]).await.unwrap();
    own.write(|tx| put(tx, 1, 10)).await.unwrap();
    store.write(|tx| put(tx, 1, 20)).await.unwrap();
    let sql = "SELECT tally.n, o.n FROM tally JOIN own.tally AS o ON o.id = tally.id";
    let look = move |tx: &mut Tx| {
        tx.query_one(sql, &[], |row| Ok::<_, StoreError>((row.get::<i64>(0)?, row.get::<i64>(1)?)))
    };
    assert_eq!(store.read(look).await.unwrap(), (20, 10));
    // The writer may read it too, and sees what was committed since.
    own.write(|tx| put(tx, 1, 11)).await.unwrap();
    assert_eq!(store.write(look).await.unwrap(), (20, 11));
}

pub async fn claimed_rows_are_claimed_once(world: &World) {
    let store = world.store().await;
    for id in 0..40 {
        store.write(move |tx| put(tx, id, 0)).await.unwrap();
    }
    let claims: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            spawn_detached_named("claim", async move {
                let sql = "DELETE FROM tally WHERE id IN
                     (SELECT id FROM tally ORDER BY id LIMIT 5 {skip_locked}) RETURNING id";
                store.write(move |tx| tx.query(sql, &[], |row| row.get::<i64>(0))).await
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for claim in claims {
        let ids: Result<Vec<i64>, StoreError> = claim.await.unwrap();
        let ids = ids.unwrap();
        assert_eq!(ids.len(), 5);
        claimed.extend(ids);
    }
    claimed.sort_unstable();
    assert_eq!(claimed, (0..40).collect::<Vec<i64>>());
}

pub async fn statements_see_the_clock_that_was_passed_in(world: &World) {
    let store = world.store().await;
    let now = |tx: &mut Tx| Ok::<_, StoreError>((tx.now_us(), tx.domain()));
    assert_eq!(store.read(now).await.unwrap(), (START_US, Domain::Dataplane));
    world.manual.advance(Duration::from_secs(3));
    assert_eq!(store.write(now).await.unwrap(), (START_US + 3_000_000, Domain::Dataplane));
}

async fn open(world: &World, config: &StoreConfig) -> Store {
    Store::open(config, Domain::Dataplane, toy::MIGRATIONS, &[], &world.clock, &world.registry)
        .await
        .unwrap()
}
