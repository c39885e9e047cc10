//! What only a server can do: go away and come back, kill a session, be shared by processes.

use std::sync::Arc;
use std::time::Duration;

use millrace_runtime::supervise::{Shutdown, TaskSet, spawn_detached_named};
use millrace_store::{Domain, EngineKind, Fault, Store, StoreConfig, StoreError};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};

use crate::toy::{self, Toy, append, effects, worker};
use crate::world::{World, available, eventually, on_server};

/// Runs a test that needs the server; says so where there is none.
fn with_server<F: Future<Output = ()>>(test: impl FnOnce(World) -> F) {
    if !available(EngineKind::Postgres) {
        eprintln!("skipped: no PostgreSQL");
        return;
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test(World::new(EngineKind::Postgres)));
}

/// A wire to the server that can be cut.
struct Wire {
    cut: Arc<Mutex<Option<Shutdown>>>,
    url: String,
}

impl Wire {
    async fn to(server: &str) -> Wire {
        let mut url = url::Url::parse(server).unwrap();
        let target = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5_432));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let cut = Arc::new(Mutex::new(Some(Shutdown::new())));
        let state = Arc::clone(&cut);
        spawn_detached_named("wire", async move {
            let mut connections = TaskSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                // While the wire is cut, whoever connects is hung up on.
                let Some(whole) = state.lock().clone() else { continue };
                let target = target.clone();
                connections.spawn("connection", async move {
                    let mut far = TcpStream::connect(&target).await.unwrap();
                    let _ = whole.or(tokio::io::copy_bidirectional(&mut near, &mut far)).await;
                });
            }
        });
        Wire { cut, url: url.into() }
    }

    fn cut(&self) {
        if let Some(connections) = self.cut.lock().take() {
            connections.cancel();
        }
    }

    fn mend(&self) {
        *self.cut.lock() = Some(Shutdown::new());
    }
}

async fn open(world: &World, config: &StoreConfig) -> Store {
    Store::open(config, Domain::Dataplane, toy::MIGRATIONS, &[], &world.clock, &world.registry)
        .await
        .unwrap()
}

async fn count(store: &Store) -> Result<i64, StoreError> {
    store.read(|tx| tx.query_one("SELECT count(*) FROM effect", &[], |row| row.get(0))).await
}

#[test]
fn a_server_that_goes_away_is_told_and_found_again() {
    with_server(|world| async move {
        let wire = Wire::to(world.config.postgres_url.as_ref().unwrap().expose()).await;
        let config =
            StoreConfig { postgres_url: Some(wire.url.as_str().into()), ..world.config.clone() };
        let store = open(&world, &config).await;
        assert_eq!(count(&store).await.unwrap(), 0);
        wire.cut();
        // Each thread notices by itself, and each says so at once instead of hanging.
        for _ in 0..20 {
            let asked = tokio::time::timeout(Duration::from_secs(10), count(&store)).await.unwrap();
            let error = asked.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            assert_eq!(error.fault(), Fault::Retry);
        }
        wire.mend();
        eventually("the store answers again", || async { count(&store).await.ok() }).await;
        store.close().await;
    });
}

#[test]
fn a_worker_survives_a_server_that_goes_away() {
    with_server(|world| async move {
        let wire = Wire::to(world.config.postgres_url.as_ref().unwrap().expose()).await;
        let config =
            StoreConfig { postgres_url: Some(wire.url.as_str().into()), ..world.config.clone() };
        let (store, log) = (open(&world, &config).await, world.log());
        let (toy, shutdown) = (Arc::new(Toy::default()), Shutdown::new());
        let (worker, stop) = (worker(&world, &toy, &store, &log), shutdown.clone());
        let running = spawn_detached_named("worker", async move { worker.run(&stop).await });
        let mut expected = Vec::new();
        for round in 0..6 {
            let entry = format!("a {round}");
            append(&log, &[&entry]).await;
            expected.push(entry);
            wire.cut();
            wire.mend();
        }
        let direct = open(&world, &world.config).await;
        eventually("every entry took effect, once", || async {
            (effects(&direct).await == expected).then_some(())
        })
        .await;
        shutdown.cancel();
        running.await.unwrap().unwrap();
        store.close().await;
        direct.close().await;
    });
}

#[test]
fn a_killed_session_loses_its_transaction_and_nothing_else() {
    with_server(|world| async move {
        let store = world.store().await;
        let url = world.config.postgres_url.as_ref().unwrap().expose().to_owned();
        let killed: Result<u64, StoreError> = store
            .write(move |tx| {
                tx.execute("INSERT INTO effect (key, word) VALUES ('a', 'lost')", &[])?;
                let pid: i64 = tx.query_one("SELECT pg_backend_pid()", &[], |row| row.get(0))?;
                on_server(&url, &format!("SELECT pg_terminate_backend({pid})"));
                tx.execute("INSERT INTO effect (key, word) VALUES ('a', 'never')", &[])
            })
            .await;
        assert!(matches!(killed, Err(StoreError::Unavailable { .. })), "{killed:?}");
        assert_eq!(count(&store).await.unwrap(), 0);
        let again: Result<u64, StoreError> = store
            .write(|tx| tx.execute("INSERT INTO effect (key, word) VALUES ('a', 'kept')", &[]))
            .await;
        assert_eq!(again.unwrap(), 1);
    });
}

#[test]
fn a_lock_held_elsewhere_is_busy() {
    with_server(|world| async move {
        let config = StoreConfig { lock_timeout_ms: 50, ..world.config.clone() };
        let (store, other) = (open(&world, &config).await, open(&world, &config).await);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (locked, seen) = tokio::sync::oneshot::channel::<()>();
        let holding = spawn_detached_named("holder", async move {
            other
                .write(move |tx| {
                    tx.query_one("SELECT count(*) FROM tally", &[], |row| row.get::<i64>(0))?;
                    tx.execute("INSERT INTO tally (id, n) VALUES (1, 1)", &[])?;
                    locked.send(()).unwrap();
                    wait.recv().unwrap();
                    Ok::<_, StoreError>(())
                })
                .await
        });
        seen.await.unwrap();
        let busy: Result<u64, StoreError> =
            store.write(|tx| tx.execute("INSERT INTO tally (id, n) VALUES (1, 2)", &[])).await;
        assert!(matches!(busy, Err(StoreError::Busy { .. })), "{busy:?}");
        release.send(()).unwrap();
        holding.await.unwrap().unwrap();
    });
}

#[test]
fn of_two_processes_one_works_and_the_other_takes_over() {
    with_server(|world| async move {
        let (store, log, toy) = (world.store().await, world.log(), Arc::new(Toy::default()));
        let start = || {
            let (shutdown, worker) = (Shutdown::new(), worker(&world, &toy, &store, &log));
            let stop = shutdown.clone();
            let task = spawn_detached_named("worker", async move { worker.run(&stop).await });
            (shutdown, task)
        };
        let (first, second) = (start(), start());
        append(&log, &["a 1"]).await;
        eventually("one applied it", || async { (effects(&store).await == ["a 1"]).then_some(()) })
            .await;
        // The one that ends releases its lease; whichever is left goes on.
        first.0.cancel();
        first.1.await.unwrap().unwrap();
        append(&log, &["a 2"]).await;
        eventually("the other applied the next", || async {
            (effects(&store).await == ["a 1", "a 2"]).then_some(())
        })
        .await;
        second.0.cancel();
        second.1.await.unwrap().unwrap();
    });
}

#[test]
fn a_wrong_address_is_told_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(EngineKind::Sqlite);
        world.config = StoreConfig::at_postgres("postgres://nobody@127.0.0.1:1/none");
        let refused = world.open(Domain::Dataplane, toy::MIGRATIONS, &[]).await;
        assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
        world.config = StoreConfig::at_postgres("not a url");
        let refused = world.open(Domain::Dataplane, toy::MIGRATIONS, &[]).await;
        assert!(matches!(refused, Err(StoreError::Config { .. })), "{refused:?}");
    });
}
