//! A domain small enough to read: items, edges with a tally, and a note of each effect.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use millrace_log::{Append, Item, Log, Topic};
use millrace_store::worker::{ApplyError, Projection, Worker, WorkerConfig, WorkerDeps};
use millrace_store::{Migration, Store, StoreError, Tx, outbox};
use parking_lot::Mutex;

use crate::world::World;

pub const MIGRATIONS: &[Migration] = &[Migration {
    number: 1,
    name: "toy",
    sql: "
        CREATE TABLE item (
          id BIGINT NOT NULL PRIMARY KEY,
          name TEXT, size DOUBLE PRECISION, flag BIGINT, body {blob}
        );
        CREATE TABLE edge (
          subject BIGINT NOT NULL, actor BIGINT NOT NULL, PRIMARY KEY (subject, actor)
        ) {without_rowid};
        CREATE TABLE tally (id BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL);
        CREATE TABLE part (id BIGINT NOT NULL PRIMARY KEY, item BIGINT NOT NULL REFERENCES item (id));
        CREATE TABLE effect (id {identity}, key TEXT NOT NULL, word TEXT NOT NULL);
        {full_text:words}
    ",
    compatible_back_to: 1,
}];

pub const TOPIC: Topic = Topic::NetworkEntries;

/// Writes one row for each entry `key word`. The word decides what goes wrong.
#[derive(Default)]
pub struct Toy {
    /// Words that fail now, and how.
    pub faults: Mutex<Vec<(&'static str, Fail)>>,
    /// Calls of `write`.
    pub writes: AtomicI64,
    /// What `committed` was last told.
    pub committed: AtomicI64,
    /// Words that wait for a time.
    pub waits: Mutex<Vec<(&'static str, i64)>>,
    /// Called after the rows of each `write`, before its commit.
    pub before_commit: Option<Box<dyn Fn() + Send + Sync>>,
    /// Called after each commit.
    pub after_commit: Option<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fail {
    /// The entry is at fault, and nobody says which.
    Poison,
    /// The entry is at fault, and named.
    Named,
    PanicInPrepare,
    PanicInWrite,
    Constraint,
    /// Fails after its rows were written.
    Retry,
    Stop,
}

impl Toy {
    pub fn failing(faults: &[(&'static str, Fail)]) -> Arc<Toy> {
        Arc::new(Toy { faults: Mutex::new(faults.to_vec()), ..Toy::default() })
    }

    /// Nothing fails any more.
    pub fn mend(&self) {
        self.faults.lock().clear();
    }

    fn fault(&self, word: &str) -> Option<Fail> {
        self.faults.lock().iter().find(|(bad, _)| *bad == word).map(|(_, fail)| *fail)
    }

    fn effect(&self, tx: &mut Tx, offset: i64, key: &str, word: &str) -> Result<(), ApplyError> {
        tx.execute("INSERT INTO effect (key, word) VALUES ($1, $2)", &[key.into(), word.into()])?;
        outbox::push(tx, Topic::DataplaneChanges, key.as_bytes(), word.as_bytes())?;
        match self.fault(word) {
            None | Some(Fail::PanicInPrepare) => Ok(()),
            Some(Fail::Poison) => {
                let message = format!("{word} cannot be applied");
                Err(ApplyError::Entry { code: "toy-poison", message, offset: None })
            }
            Some(Fail::Named) => Err(ApplyError::entry("toy-named", word, offset)),
            Some(Fail::PanicInWrite) => panic!("{word} panics"),
            Some(Fail::Constraint) => {
                let sql = "INSERT INTO part (id, item) VALUES (1, 404)";
                tx.execute(sql, &[])?;
                Ok(())
            }
            Some(Fail::Retry) => {
                Err(ApplyError::Retry { code: "toy-later", message: word.to_owned() })
            }
            Some(Fail::Stop) => {
                Err(ApplyError::Stop { code: "toy-stop", message: word.to_owned() })
            }
        }
    }
}

fn parse(item: &Item) -> Option<(String, String)> {
    let text = std::str::from_utf8(&item.payload).ok()?;
    let (key, word) = text.split_once(' ')?;
    Some((key.to_owned(), word.to_owned()))
}

impl Projection for Toy {
    type Prepared = Vec<(i64, String, String)>;

    fn name(&self) -> &'static str {
        "toy"
    }

    fn key(&self, item: &Item) -> Option<Vec<u8>> {
        parse(item).map(|(key, _)| key.into_bytes())
    }

    fn not_before_us(&self, item: &Item) -> Option<i64> {
        let (_, word) = parse(item)?;
        self.waits.lock().iter().find(|(waits, _)| *waits == word).map(|(_, time_us)| *time_us)
    }

    async fn prepare(&self, items: &[Item]) -> Result<Self::Prepared, ApplyError> {
        let mut prepared = Vec::new();
        for item in items {
            let Some((key, word)) = parse(item) else {
                return Err(ApplyError::entry("toy-decode", "no key and word", item.offset));
            };
            assert!(self.fault(&word) != Some(Fail::PanicInPrepare), "{word} panics");
            prepared.push((item.offset, key, word));
        }
        Ok(prepared)
    }

    fn write(&self, tx: &mut Tx, prepared: Self::Prepared) -> Result<(), ApplyError> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        for (offset, key, word) in prepared {
            self.effect(tx, offset, &key, &word)?;
        }
        self.before_commit.iter().for_each(|act| act());
        Ok(())
    }

    fn overflow(&self, tx: &mut Tx, key: &[u8]) -> Result<(), ApplyError> {
        let key = String::from_utf8_lossy(key);
        tx.execute(
            "INSERT INTO effect (key, word) VALUES ($1, 'overflow')",
            &[key.as_ref().into()],
        )?;
        Ok(())
    }

    fn committed(&self, _: u32, next_offset: i64) {
        self.committed.store(next_offset, Ordering::SeqCst);
        self.after_commit.iter().for_each(|act| act());
    }
}

/// A worker that is quick to try again.
pub fn worker(world: &World, toy: &Arc<Toy>, store: &Store, log: &Log) -> Worker<Toy> {
    worker_with(world, toy, store, log, WorkerConfig::default())
}

pub fn worker_with(
    world: &World,
    toy: &Arc<Toy>,
    store: &Store,
    log: &Log,
    config: WorkerConfig,
) -> Worker<Toy> {
    let deps = WorkerDeps {
        store: store.clone(),
        log: log.clone(),
        clock: world.clock.clone(),
        rng: world.rng.clone(),
        registry: world.registry.clone(),
    };
    let config = WorkerConfig { tick_ms: 10, retry_base_ms: 1, retry_max_ms: 20, ..config };
    Worker::new(Arc::clone(toy), deps, TOPIC, 0, config)
}

/// Appends entries `key word`.
pub async fn append(log: &Log, entries: &[&str]) {
    let items = entries.iter().map(|entry| Append::new(*b"one", entry.as_bytes().to_vec()));
    log.append(TOPIC, items.collect()).await.unwrap();
}

/// Every effect as `key word`, in the order they happened.
pub async fn effects(store: &Store) -> Vec<String> {
    store
        .read(|tx| {
            tx.query("SELECT key, word FROM effect ORDER BY id", &[], |row| {
                Ok(format!("{} {}", row.text(0)?, row.text(1)?))
            })
        })
        .await
        .map_err(|error: StoreError| error)
        .unwrap()
}
