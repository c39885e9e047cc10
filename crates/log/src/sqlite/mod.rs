//! The log in one SQLite file: admission of appends and reads; no server.
//!
//! Everything that touches the file does so on the writer's thread or a reader's; this side only counts
//! bytes, sends commands and waits. The file itself is described in `layout.rs`.

pub(crate) mod backup;
mod fault;
mod layout;
mod readers;
mod retain;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::supervise::spawn_thread;
use parking_lot::Mutex;
use tokio::sync::oneshot;

pub(crate) use self::layout::FILE_NAME;
use self::layout::{ItemTable, Rows};
use self::readers::{Question, Readers};
use self::retain::Step;
use self::writer::{Addressed, Admitted, Command, Writer};
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::retention::{self, Rule};
use crate::tails::Tails;
use crate::{Append, Appended, Item, LogConfig, LogError, Removed, Retention, Topic, partition};

pub(crate) struct SqliteLog {
    tails: Arc<Tails>,
    metrics: Arc<Metrics>,
    clock: SharedClock,
    tables: [Vec<ItemTable>; Topic::ALL.len()],
    queue: Queue,
    /// Before `writer`: the writer closes the file last, which empties the WAL.
    readers: Readers,
    writer: Sender<Command>,
    writer_thread: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteLog {
    pub(crate) fn open(
        config: &LogConfig,
        clock: SharedClock,
        registry: &Registry,
    ) -> Result<Self, LogError> {
        let path = layout::path(config);
        let (connection, rows) = layout::open(&path, config)?;
        let metrics = Arc::new(Metrics::new(registry));
        let tails = Arc::new(Tails::new(bounds_of(&rows), &metrics));
        let tables = rows.each_ref().map(|rows| rows.iter().map(|row| row.table).collect());
        let readers = Readers::start(&path, config.readers)?;
        let writer = Writer {
            connection,
            path: path.clone(),
            rows,
            tails: Arc::clone(&tails),
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
            group_bytes_max: config.group_bytes_max,
        };
        let (commands, thread) = start_writer(writer, &path)?;
        Ok(Self {
            tails,
            metrics,
            clock,
            tables,
            queue: Queue::new(config.queue_bytes_max),
            readers,
            writer: commands,
            writer_thread: Mutex::new(Some(thread)),
        })
    }

    pub(crate) fn tails(&self) -> &Tails {
        &self.tails
    }

    pub(crate) async fn append(
        &self,
        topic: Topic,
        items: Vec<Append>,
    ) -> Result<Appended, LogError> {
        let result = self.try_append(topic, items).await;
        if let Err(error) = &result {
            self.metrics.append_failed(error.code().id);
        }
        result
    }

    async fn try_append(&self, topic: Topic, items: Vec<Append>) -> Result<Appended, LogError> {
        self.tails.check_open()?;
        let bytes = self.queue.measure(&items)?;
        if items.is_empty() {
            return Ok(Appended::default());
        }
        let room = self.queue.admit(bytes).await?;
        let partitions = self.tails.partitions(topic);
        let (reply, answer) = oneshot::channel();
        let admitted = Admitted {
            topic,
            items: items
                .into_iter()
                .map(|item| Addressed {
                    partition: partition::of_key(&item.key, partitions),
                    payload: item.payload,
                    headers: item.headers,
                })
                .collect(),
            bytes,
            reply,
            _room: room,
        };
        self.metrics.admitted(bytes);
        self.send(Command::Append(admitted))?;
        answer.await.map_err(|_| LogError::Closed)?
    }

    pub(crate) async fn read(
        &self,
        topic: Topic,
        partition: u32,
        from: i64,
        bytes_max: usize,
    ) -> Result<Vec<Item>, LogError> {
        // Also the answer to most reads of a consumer that keeps up, without a thread.
        if from >= self.tails.tail(topic, partition)? {
            return Ok(Vec::new());
        }
        let table = self.tables[topic.index()][partition as usize];
        let items = self.readers.read(Question { table, from, bytes_max }).await?;
        let bytes = items.iter().map(|item| item.payload.len()).sum();
        self.metrics.read(topic, items.len(), bytes);
        Ok(items)
    }

    pub(crate) async fn retain(
        &self,
        topic: Topic,
        retention: &Retention,
    ) -> Result<Removed, LogError> {
        self.tails.check_open()?;
        let partitions = self.tails.partitions(topic);
        let rules = retention::rules(topic, retention, partitions, self.clock.now_us())?;
        let mut removed = Removed::default();
        for rule in rules {
            loop {
                let step = self.retain_step(rule).await?;
                removed += step.removed;
                if !step.more {
                    break;
                }
            }
        }
        Ok(removed)
    }

    async fn retain_step(&self, rule: Rule) -> Result<Step, LogError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Retain { rule, reply })?;
        answer.await.map_err(|_| LogError::Closed)?
    }

    fn send(&self, command: Command) -> Result<(), LogError> {
        self.writer.send(command).map_err(|_| LogError::Closed)
    }

    pub(crate) async fn close(self: &Arc<Self>) {
        let log = Arc::clone(self);
        // Waiting for threads blocks, at most for the group being written.
        let ended = tokio::task::spawn_blocking(move || log.end()).await;
        if let Err(error) = ended {
            tracing::warn!(%error, "the log's threads did not end in order");
        }
    }

    /// Refuses newcomers, lets the writer finish what was admitted, and waits for the threads.
    fn end(&self) {
        self.tails.close();
        self.queue.close();
        self.readers.close();
        self.readers.join();
        // Fails only when the writer has ended already.
        let _ = self.send(Command::Close);
        let mut thread = self.writer_thread.lock();
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the log's writer panicked");
        }
    }
}

impl Drop for SqliteLog {
    fn drop(&mut self) {
        self.end();
    }
}

fn bounds_of(rows: &Rows) -> [Vec<crate::tails::Bounds>; Topic::ALL.len()] {
    rows.each_ref().map(|rows| rows.iter().map(layout::PartitionRow::bounds).collect())
}

fn start_writer(
    writer: Writer,
    path: &Path,
) -> Result<(Sender<Command>, JoinHandle<()>), LogError> {
    let (commands, queue) = mpsc::channel();
    let thread = spawn_thread("log-write", move || writer.run(&queue))
        .map_err(|error| LogError::Io { path: path.to_owned(), detail: error.to_string() })?;
    Ok((commands, thread))
}
