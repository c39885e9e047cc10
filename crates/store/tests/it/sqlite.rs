//! What only files can do: fill up, be damaged, be missing.

use std::sync::Arc;

use millrace_store::{Domain, EngineKind, Fault, Store, StoreConfig, StoreError};

use crate::toy;
use crate::world::World;

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

fn file(world: &World, name: &str) -> std::path::PathBuf {
    world.config.dir().join(name)
}

async fn insert(store: &Store, id: i64, bytes: usize) -> Result<u64, StoreError> {
    store
        .write(move |tx| {
            let body = vec![7_u8; bytes];
            let sql = "INSERT INTO item (id, body) VALUES ($1, $2)";
            tx.execute(sql, &[id.into(), (&body).into()])
        })
        .await
}

#[test]
fn a_full_disk_is_told_and_the_store_goes_on() {
    block_on(async {
        let world = World::new(EngineKind::Sqlite);
        let store = world.store().await;
        insert(&store, 1, 10).await.unwrap();
        // The nearest thing to a full disk that needs no disk: a file that may not grow.
        let pages: Result<i64, StoreError> = store
            .write(|tx| tx.query_one("PRAGMA max_page_count = 64", &[], |row| row.get(0)))
            .await;
        pages.unwrap();
        let full = insert(&store, 2, 1 << 20).await;
        assert!(matches!(full, Err(StoreError::DiskFull { .. })), "{full:?}");
        assert_eq!(full.unwrap_err().fault(), Fault::Retry);
        insert(&store, 3, 10).await.unwrap();
        let ids: Result<Vec<i64>, StoreError> = store
            .read(|tx| tx.query("SELECT id FROM item ORDER BY id", &[], |row| row.get(0)))
            .await;
        assert_eq!(ids.unwrap(), [1, 3]);
    });
}

#[test]
fn a_damaged_file_is_told() {
    block_on(async {
        let world = World::new(EngineKind::Sqlite);
        std::fs::create_dir_all(world.config.dir()).unwrap();
        std::fs::write(file(&world, "dataplane.db"), vec![0x5a; 8_192]).unwrap();
        let opened = world.open(Domain::Dataplane, toy::MIGRATIONS, &[]).await;
        let Err(error) = opened else { panic!("a damaged file was opened") };
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert_eq!(error.fault(), Fault::Stop);
    });
}

#[test]
fn a_missing_domain_cannot_be_attached() {
    block_on(async {
        let world = World::new(EngineKind::Sqlite);
        let opened = world.open(Domain::Dataplane, toy::MIGRATIONS, &[Domain::Own]).await;
        assert!(
            matches!(opened, Err(StoreError::Unavailable { domain: Domain::Own, .. })),
            "{opened:?}"
        );
    });
}

#[test]
fn an_attached_domain_cannot_be_written() {
    block_on(async {
        let world = World::new(EngineKind::Sqlite);
        let _own = world.open(Domain::Own, toy::MIGRATIONS, &[]).await.unwrap();
        let store = world.open(Domain::Dataplane, toy::MIGRATIONS, &[Domain::Own]).await.unwrap();
        let refused: Result<u64, StoreError> =
            store.write(|tx| tx.execute("INSERT INTO own.tally (id, n) VALUES (1, 1)", &[])).await;
        assert!(matches!(refused, Err(StoreError::Sql { .. })), "{refused:?}");
    });
}

#[test]
fn a_folder_with_odd_characters_is_attached() {
    block_on(async {
        let mut world = World::new(EngineKind::Sqlite);
        world.config.dir = Some(world.dir.path().join("50% off? #1"));
        let _own = world.open(Domain::Own, toy::MIGRATIONS, &[]).await.unwrap();
        world.open(Domain::Dataplane, toy::MIGRATIONS, &[Domain::Own]).await.unwrap();
    });
}

#[test]
fn another_writer_makes_the_store_wait_then_say_so() {
    block_on(async {
        let world = World::new(EngineKind::Sqlite);
        let config = StoreConfig { lock_timeout_ms: 50, ..world.config.clone() };
        let store = Store::open(
            &config,
            Domain::Dataplane,
            toy::MIGRATIONS,
            &[],
            &world.clock,
            &world.registry,
        )
        .await
        .unwrap();
        let other = rusqlite::Connection::open(file(&world, "dataplane.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let busy = insert(&store, 1, 10).await;
        assert!(matches!(busy, Err(StoreError::Busy { .. })), "{busy:?}");
        other.execute_batch("ROLLBACK").unwrap();
        insert(&store, 1, 10).await.unwrap();
    });
}

#[test]
fn the_write_ahead_log_is_folded_in_beside_the_writer() {
    block_on(async {
        let world = World::new(EngineKind::Sqlite);
        let config = StoreConfig { checkpoint_interval_ms: 5, ..world.config.clone() };
        let store = Store::open(
            &config,
            Domain::Dataplane,
            toy::MIGRATIONS,
            &[],
            &world.clock,
            &world.registry,
        )
        .await
        .unwrap();
        let database = file(&world, "dataplane.db");
        insert(&store, 1, 4 << 20).await.unwrap();
        let size = Arc::new(database);
        crate::world::eventually("the database file has grown", || async {
            (std::fs::metadata(&*size).unwrap().len() > 4 << 20).then_some(())
        })
        .await;
    });
}

#[test]
fn a_closed_store_leaves_nothing_but_its_file() {
    block_on(async {
        let world = World::new(EngineKind::Sqlite);
        let own = world.open(Domain::Own, toy::MIGRATIONS, &[]).await.unwrap();
        let store = world.open(Domain::Dataplane, toy::MIGRATIONS, &[Domain::Own]).await.unwrap();
        insert(&store, 1, 100_000).await.unwrap();
        // A reader that only looks: were it the last to close, the log would stay.
        let look =
            |tx: &mut millrace_store::Tx| tx.query("SELECT id FROM item", &[], |row| row.get(0));
        let ids: Result<Vec<i64>, StoreError> = store.read(look).await;
        assert_eq!(ids.unwrap(), [1]);
        let _: Result<Vec<i64>, StoreError> = own.read(look).await;
        assert!(file(&world, "dataplane.db-wal").exists());
        // Two at once: both return when all is done.
        tokio::join!(store.close(), store.close());
        own.close().await;
        let files = std::fs::read_dir(world.config.dir()).unwrap();
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["dataplane.db", "own.db"]);
    });
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let check = |change: fn(&mut StoreConfig), key: &str| {
        let mut config = StoreConfig::default();
        change(&mut config);
        match config.check() {
            Err(StoreError::Config { reason }) => assert!(reason.contains(key), "{reason}"),
            other => panic!("{key}: {other:?}"),
        }
    };
    StoreConfig::default().check().unwrap();
    check(|it| it.engine = EngineKind::Postgres, "postgres_url");
    check(|it| it.readers = 65, "readers");
    check(|it| it.postgres_writers = 65, "postgres_writers");
    check(|it| it.queue_jobs = 0, "queue_jobs");
    check(|it| it.read_timeout_ms = 0, "read_timeout_ms");
    check(|it| it.checkpoint_interval_ms = u64::MAX, "checkpoint_interval_ms");
}
