//! The log in the topics of a Kafka cluster: admission of appends and reads, and what is known of the cluster.
//!
//! Several processes may have the same log open. What this one appends it knows at once; what others append and
//! remove it asks the cluster about. The topics themselves are described in `layout.rs`.

mod client;
mod counter;
mod cursor;
mod fault;
mod headers;
mod layout;
mod ledger;
mod producer;
mod readers;
mod retain;
mod watch;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;

use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;
use millrace_runtime::supervise::spawn_thread;
use parking_lot::Mutex;
use rdkafka::TopicPartitionList;
use rdkafka::admin::AdminClient;
use rdkafka::consumer::Consumer as _;
use tokio::sync::oneshot;

use self::client::{Cluster, Voice};
use self::counter::Counter;
use self::cursor::{Cursor, Found, Question};
use self::layout::{Asker, Questions};
use self::ledger::{Count, Ledger};
use self::producer::Producer;
use self::readers::Readers;
use self::watch::Watch;
use self::writer::{Addressed, Admitted, Command, Writer};
use crate::metrics::Metrics;
use crate::queue::Queue;
use crate::tails::{Bounds, Tails};
use crate::{
    Append, Appended, Item, LogConfig, LogError, Removed, Retention, Topic, partition, retention,
};

pub(crate) struct KafkaLog {
    cluster: Arc<Cluster>,
    tails: Arc<Tails>,
    ledger: Arc<Ledger>,
    metrics: Arc<Metrics>,
    clock: SharedClock,
    queue: Queue,
    questions: Arc<Questions>,
    readers: Arc<Readers>,
    admin: AdminClient<Voice>,
    watch: Watch,
    writer: Sender<Command>,
    writer_thread: Mutex<Option<JoinHandle<()>>>,
    /// Whether it was said that the cluster lost something.
    loss_told: AtomicBool,
}

/// By topic and partition.
type ByPartition<T> = [Vec<T>; Topic::ALL.len()];

impl KafkaLog {
    pub(crate) fn open(
        config: &LogConfig,
        clock: SharedClock,
        registry: &Registry,
    ) -> Result<Self, LogError> {
        let cluster = Arc::new(Cluster::new(&config.kafka));
        let admin = cluster.admin()?;
        let asker = layout::open(&cluster, &admin, config)?;
        let producer = Producer::new(&cluster)?;
        let bounds = find_bounds(&asker, config)?;
        let mut cursor = Cursor::new(&cluster)?;
        let counts = find_counts(&cluster, &cursor, &bounds);
        let appended_ms = find_times(&mut cursor, &bounds)?;
        let metrics = Arc::new(Metrics::new(registry));
        let tails = Arc::new(Tails::new(bounds, &metrics));
        let ledger = Arc::new(Ledger::new(counts));
        let questions = Arc::new(Questions::new(asker));
        let readers = Arc::new(Readers::new(&cluster, config.readers, cursor));
        let io = |error: std::io::Error| fault::unavailable(&cluster, error.to_string());
        let watch = Watch::start(&tails, &questions, &readers).map_err(io)?;
        let writer = Writer {
            producer: Some(producer),
            tails: Arc::clone(&tails),
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
            counter: Counter::new(&cluster, &ledger, &questions, &tails),
            appended_ms,
            group_bytes_max: config.group_bytes_max,
            disk_bytes_max: config.disk_bytes_max,
            away: false,
            cluster: Arc::clone(&cluster),
        };
        let (commands, inbox) = mpsc::channel();
        let thread = spawn_thread("log-write", move || writer.run(&inbox)).map_err(io)?;
        Ok(Self {
            cluster,
            tails,
            ledger,
            metrics,
            clock,
            queue: Queue::new(config.queue_bytes_max),
            questions,
            readers,
            admin,
            watch,
            writer: commands,
            writer_thread: Mutex::new(Some(thread)),
            loss_told: AtomicBool::new(false),
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
        // Keys are kept until they are sent, so they take room as well.
        let keys: usize = items.iter().map(|item| item.key.len()).sum();
        let room = self.queue.admit(bytes + keys).await?;
        let partitions = self.tails.partitions(topic);
        let (reply, answer) = oneshot::channel();
        let address = |item: Append| Addressed {
            partition: partition::of_key(&item.key, partitions),
            key: item.key,
            payload: item.payload,
            headers: item.headers,
        };
        let items = items.into_iter().map(address).collect();
        let admitted = Admitted { topic, items, bytes, reply, _room: room };
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
        let mut tail = self.tails.tail(topic, partition)?;
        if from >= tail {
            tail = self.refresh(topic, partition).await?.next;
        }
        if from >= tail {
            return Ok(Vec::new());
        }
        self.check_front(topic, partition, from)?;
        let question = Question { topic, partition, from, bytes_max, tail };
        let items = match self.readers.read(question).await? {
            Found::Items(items) if items.first().is_some_and(|item| item.offset == from) => items,
            // A gap, or removed: the cluster knows where the partition begins.
            Found::Items(items) => {
                self.refresh(topic, partition).await?;
                self.check_front(topic, partition, from)?;
                if items.is_empty() {
                    self.tails.void(topic, partition, from, tail);
                }
                items
            }
            Found::OutOfRange => {
                self.refresh(topic, partition).await?;
                self.check_front(topic, partition, from)?;
                return Err(self.lost(topic, partition, from));
            }
        };
        counter::saw(&mut self.ledger.count(topic, partition).lock(), &question, &items);
        let bytes = items.iter().map(|item| item.payload.len()).sum();
        self.metrics.read(topic, items.len(), bytes);
        Ok(items)
    }

    fn check_front(&self, topic: Topic, partition: u32, from: i64) -> Result<(), LogError> {
        let oldest = self.tails.oldest(topic, partition)?;
        if from < oldest { Err(LogError::Truncated { oldest }) } else { Ok(()) }
    }

    pub(crate) async fn wait(
        &self,
        topic: Topic,
        partition: u32,
        from: i64,
    ) -> Result<(), LogError> {
        let waiter = self.tails.waiter(topic, partition)?;
        if !waiter.is_beyond(from) {
            self.watch.someone_waits();
        }
        waiter.beyond(from).await
    }

    pub(crate) async fn tail(&self, topic: Topic, partition: u32) -> Result<i64, LogError> {
        Ok(self.refresh(topic, partition).await?.next)
    }

    pub(crate) async fn oldest(&self, topic: Topic, partition: u32) -> Result<i64, LogError> {
        Ok(self.refresh(topic, partition).await?.oldest)
    }

    /// Asks where a partition begins and ends, and tells everybody.
    async fn refresh(&self, topic: Topic, partition: u32) -> Result<Bounds, LogError> {
        let known = self.tails.tail(topic, partition)?;
        let found = self.questions.bounds(topic, partition).await?;
        if found.next < known && !self.loss_told.swap(true, Ordering::Relaxed) {
            let (topic, tail) = (self.cluster.topic(topic), found.next);
            tracing::error!(
                topic,
                partition,
                known,
                tail,
                "Kafka lost entries it had acknowledged"
            );
        }
        self.tails.truncate(topic, partition, found.oldest);
        self.tails.advance(topic, partition, found.next);
        let oldest = self.tails.oldest(topic, partition)?;
        Ok(Bounds { oldest, next: self.tails.tail(topic, partition)? })
    }

    /// An offset below the tail that the cluster does not have.
    fn lost(&self, topic: Topic, partition: u32, offset: i64) -> LogError {
        let topic = self.cluster.topic(topic);
        let detail = format!("{topic} partition {partition} has no offset {offset}");
        fault::unavailable(&self.cluster, detail)
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
        for rule in &rules {
            removed += self.retain_partition(rule).await?;
        }
        Ok(removed)
    }

    fn send(&self, command: Command) -> Result<(), LogError> {
        self.writer.send(command).map_err(|_| LogError::Closed)
    }

    pub(crate) async fn close(self: &Arc<Self>) {
        let log = Arc::clone(self);
        // Waiting for threads blocks, at most for the group under way.
        let ended = tokio::task::spawn_blocking(move || log.end()).await;
        if let Err(error) = ended {
            tracing::warn!(%error, "the log's threads did not end in order");
        }
    }

    /// Refuses newcomers, lets the writer finish what was admitted, and waits for the threads.
    fn end(&self) {
        self.tails.close();
        self.queue.close();
        // Fails only when the writer has ended already.
        let _ = self.send(Command::Close);
        let mut thread = self.writer_thread.lock();
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the log's writer panicked");
        }
        self.questions.close();
        self.watch.close();
        self.readers.close();
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.end();
    }
}

fn find_bounds(asker: &Asker, config: &LogConfig) -> Result<ByPartition<Bounds>, LogError> {
    let mut found: ByPartition<Bounds> = std::array::from_fn(|_| Vec::new());
    for topic in Topic::ALL {
        found[topic.index()] = (0..config.partitions(topic))
            .map(|partition| asker.bounds(topic, partition))
            .collect::<Result<_, _>>()?;
    }
    Ok(found)
}

/// The counts kept with the cluster, where they fit.
fn find_counts(
    cluster: &Cluster,
    cursor: &Cursor,
    bounds: &ByPartition<Bounds>,
) -> ByPartition<Count> {
    let mut places = TopicPartitionList::new();
    for topic in Topic::ALL {
        for (partition, _) in (0..).zip(&bounds[topic.index()]) {
            places.add_partition(cluster.topic(topic), partition);
        }
    }
    let kept = cursor.consumer().committed_offsets(places, cluster.request_timeout());
    let kept = kept.unwrap_or_else(|error| {
        tracing::debug!(%error, "no count of bytes was kept");
        TopicPartitionList::new()
    });
    Topic::ALL.map(|topic| {
        let count = |(partition, bounds): (i32, &Bounds)| {
            let mark = kept.find_partition(cluster.topic(topic), partition);
            mark.and_then(|mark| {
                let next = mark.offset().to_raw()?;
                Count::from_metadata(next, mark.metadata(), bounds.oldest, bounds.next)
            })
            .unwrap_or(Count::from(bounds.oldest))
        };
        (0..).zip(&bounds[topic.index()]).map(count).collect()
    })
}

/// When the last item of each partition was appended, so that times do not step back.
fn find_times(
    cursor: &mut Cursor,
    bounds: &ByPartition<Bounds>,
) -> Result<ByPartition<i64>, LogError> {
    let mut times: ByPartition<i64> = std::array::from_fn(|_| Vec::new());
    for topic in Topic::ALL {
        for (partition, bounds) in (0..).zip(&bounds[topic.index()]) {
            let from = bounds.next - 1;
            let question = Question { topic, partition, from, bytes_max: 0, tail: bounds.next };
            let found = match from >= bounds.oldest {
                true => cursor.read(&question, || false)?,
                false => Found::OutOfRange,
            };
            times[topic.index()].push(match found {
                Found::Items(items) => items.first().map_or(0, |item| item.appended_us / 1_000),
                Found::OutOfRange => 0,
            });
        }
    }
    Ok(times)
}
