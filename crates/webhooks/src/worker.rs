//! The projection: what the store's worker loop calls with batches of the topics that tell of posts, one for each webhook,
//! topic and partition.
//!
//! `prepare` sends, outside of any transaction: one author's events one after the other, several authors at once. `write`
//! notes what came of it, in the transaction that moves the offset. Whoever is killed between has them sent again, under
//! the same id; whoever is asked to stop finishes what is on its way and notes that first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foldhash::{HashMap, HashSet};
use futures_util::stream::{self, StreamExt as _};
use millrace_log::{Item, Log, Topic};
use millrace_net::http::HttpClient;
use millrace_runtime::clock::{SharedClock, Stopwatch};
use millrace_runtime::metrics::Registry;
use millrace_runtime::supervise::Shutdown;
use millrace_store::outbox::{self, Failure, Passed};
use millrace_store::worker::{ApplyError, Projection, WorkerConfig};
use millrace_store::{Param, Store, StoreError, Tx, offsets};
use tokio::sync::Semaphore;

use crate::config::{WebhookConfig, WebhooksConfig};
use crate::message::{Message, NoEvent};
use crate::metrics::Metrics;
use crate::rows::{self, Dead, Known};
use crate::send::{Outcome, Reason, Sender};

/// Before the name of a webhook, in `projection_offset`, on retry topics and on the command line.
const PREFIX: &str = "webhook:";
/// Where what failed is tried again.
const RETRIES: [Topic; 3] =
    [Topic::PostCreatedRetry1m, Topic::PostCreatedRetry10m, Topic::PostCreatedRetry1h];
/// Events of one transaction. Few: none of them is noted before all of them are answered.
const BATCH_MAX: usize = 16;
/// Bytes of them.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Events in a row without any answer behind which the rest of a batch is not tried: it waits like what was.
const SILENT_MAX: usize = 2;
/// How much longer than the slowest batch a worker that fell silent keeps its partition.
const LEASE_MORE_MS: u64 = 15_000;
/// Why an item is given up that is no event, and one that was refused.
const NO_EVENT: &str = "no-event";
const REFUSED: &str = "refused";
/// The partition key of an event, which is the key of its item.
const KEY: &str = "ce_partitionkey";

/// What a webhook needs.
#[derive(Clone)]
pub struct HookDeps {
    /// Where it notes what was delivered.
    pub own: Store,
    pub http: HttpClient,
    pub clock: SharedClock,
    pub registry: Registry,
    /// Cancelled when the process is to end.
    pub shutdown: Shutdown,
    /// How long the log keeps an event, in microseconds: what is older than twice that does not come again.
    pub log_kept_us: i64,
}

/// One webhook.
pub struct Hook {
    name: String,
    consumer: &'static str,
    topics: Vec<Topic>,
    sender: Sender,
    /// Deliveries at the same time, of all its workers.
    turns: Semaphore,
    concurrency: usize,
    deps: HookDeps,
    metrics: Metrics,
}

/// A webhook, as the worker of one partition of a topic calls it.
pub struct Webhook {
    hook: Arc<Hook>,
    topic: Topic,
    partition: u32,
}

impl Hook {
    /// # Errors
    /// The setting that cannot be, and why.
    pub fn new(
        receiver: &WebhookConfig,
        config: &WebhooksConfig,
        deps: HookDeps,
    ) -> Result<Arc<Self>, (&'static str, String)> {
        let concurrency_max = config.concurrency_max.max(1);
        // Who waits for a turn waits here, where it does not count as the receiver's time.
        let http = deps.http.with_rates(concurrency_max, 0.0);
        let timeout = Duration::from_millis(config.timeout_ms.max(1));
        let sender =
            Sender { http, url: receiver.url.clone(), signer: receiver.signer()?, timeout };
        let mut topics: Vec<Topic> = receiver.topics.iter().map(|topic| topic.topic()).collect();
        topics.sort_unstable();
        topics.dedup();
        // A projection's name lives as long as the process; there are a few webhooks, made once.
        let consumer: &'static str = String::leak(format!("{PREFIX}{}", receiver.name));
        let concurrency = concurrency_max as usize;
        Ok(Arc::new(Self {
            name: receiver.name.clone(),
            consumer,
            topics: topics.into_iter().chain(RETRIES).collect(),
            sender,
            turns: Semaphore::new(concurrency),
            concurrency,
            metrics: Metrics::new(&deps.registry),
            deps,
        }))
    }

    /// Its name as a projection.
    pub fn consumer(&self) -> &'static str {
        self.consumer
    }

    /// What it reads.
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// How its workers read.
    pub fn worker_config(&self) -> WorkerConfig {
        let timeout_ms = u64::try_from(self.sender.timeout.as_millis()).unwrap_or(u64::MAX);
        let longest_ms = timeout_ms.saturating_mul(BATCH_MAX as u64);
        WorkerConfig {
            batch_entries_max: BATCH_MAX,
            batch_bytes_max: BATCH_BYTES_MAX,
            lease_ttl_ms: longest_ms.saturating_add(LEASE_MORE_MS),
            ..WorkerConfig::default()
        }
    }

    /// Counts what waits for a person.
    ///
    /// # Errors
    /// The tables cannot be read.
    pub async fn look(&self) -> Result<(), StoreError> {
        let consumer = self.consumer;
        let events = self.deps.own.read(move |tx| rows::given_up(tx, consumer)).await?;
        self.metrics.given_up(&self.name, events);
        Ok(())
    }

    /// For the worker of one partition.
    pub fn of(self: &Arc<Self>, topic: Topic, partition: u32) -> Webhook {
        Webhook { hook: Arc::clone(self), topic, partition }
    }

    /// Before its workers start: one that is new begins with what happens from now on, and one that was away for longer
    /// than the log goes back begins with what is left.
    ///
    /// # Errors
    /// The log or the tables cannot be read.
    pub async fn make_ready(&self, log: &Log) -> Result<(), ApplyError> {
        let consumer = self.consumer;
        for topic in self.topics.iter().copied() {
            for partition in 0..log.partitions(topic) {
                let load = move |tx: &mut Tx| offsets::load(tx, consumer, topic, partition);
                let next: Result<Option<i64>, StoreError> = self.deps.own.read(load).await;
                let next = next?;
                let (oldest, tail) =
                    (log.oldest(topic, partition).await?, log.tail(topic, partition).await?);
                let (from, to) = match next {
                    None => (tail, tail),
                    Some(next) if next > tail => (next, tail),
                    Some(next) if next < oldest => (next, oldest),
                    Some(_) => continue,
                };
                if next.is_some() {
                    tracing::warn!(webhook = self.name, %topic, partition, from, to, "the log does not have what a webhook was told last: it goes on with what is there");
                }
                let moved =
                    move |tx: &mut Tx| offsets::advance(tx, consumer, topic, partition, from, to);
                match self.deps.own.write(moved).await {
                    // Another process has begun it at the same time.
                    Err(StoreError::Fenced { .. }) => {}
                    moved => moved?,
                }
            }
        }
        Ok(())
    }
}

/// Forgets how far webhooks were told that are not there any more, or not told of a topic any more: nobody keeps the log
/// for them, and one of that name that comes later is a new one.
///
/// # Errors
/// The tables cannot be written.
pub async fn forget_others(own: &Store, hooks: &[Arc<Hook>]) -> Result<(), StoreError> {
    let there = hooks.iter().flat_map(|hook| {
        let place = |topic: &Topic| format!("{} {topic}", hook.consumer);
        hook.topics.iter().map(place).collect::<Vec<String>>()
    });
    let there: Vec<String> = there.collect();
    let forget = move |tx: &mut Tx| {
        tx.execute(
            "DELETE FROM projection_offset WHERE projection LIKE 'webhook:%'
             AND projection || ' ' || topic NOT IN (SELECT t.value FROM {text_list:$1} AS t)",
            &[Param::Texts(&there)],
        )
    };
    own.write(forget).await.map(drop)
}

/// An item that is for this webhook.
struct Arrived {
    item: Item,
    /// What it is remembered by.
    event_id: String,
    key: Vec<u8>,
    message: Result<Message, NoEvent>,
    /// What its headers say of earlier failures.
    before: Option<Failure>,
}

/// What came of it.
enum Came {
    Delivered,
    /// It was delivered before, or a person has settled it.
    Known,
    Failed(&'static str, String),
    GivenUp(&'static str, String),
    /// The process ends first.
    Untouched,
}

/// A batch of which all was tried.
#[derive(Default)]
pub struct Prepared(Vec<(Arrived, Came)>);

impl Projection for Webhook {
    type Prepared = Prepared;

    fn name(&self) -> &'static str {
        self.hook.consumer
    }

    /// What fails goes to another topic, and holds up nobody.
    fn key(&self, _: &Item) -> Option<Vec<u8>> {
        None
    }

    fn not_before_us(&self, item: &Item) -> Option<i64> {
        self.is_ours(item).then(|| Failure::due_us(self.topic, item)).flatten()
    }

    async fn prepare(&self, items: &[Item]) -> Result<Prepared, ApplyError> {
        let ours = items.iter().filter(|item| self.is_ours(item));
        let arrived: Vec<Arrived> = ours.map(|item| self.arrived(item)).collect();
        if arrived.is_empty() {
            return Ok(Prepared::default());
        }
        let ids: Vec<String> = arrived.iter().map(|one| one.event_id.clone()).collect();
        let consumer = self.hook.consumer;
        let known: Result<_, StoreError> =
            self.hook.deps.own.read(move |tx| rows::known(tx, consumer, &ids)).await;
        let known: HashMap<String, Known> = known?;
        let mut lanes: BTreeMap<Vec<u8>, Vec<Arrived>> = BTreeMap::new();
        for one in arrived {
            lanes.entry(one.key.clone()).or_default().push(one);
        }
        let (known, silent) = (&known, &AtomicUsize::new(0));
        let lanes = stream::iter(lanes.into_values())
            .map(|lane| async move { self.told(lane, known, silent).await })
            .buffer_unordered(self.hook.concurrency);
        let came: Vec<Vec<(Arrived, Came)>> = lanes.collect().await;
        let came = Prepared(came.into_iter().flatten().collect());
        match came.0.iter().any(|(_, came)| matches!(came, Came::Untouched)) {
            false => Ok(came),
            true => Err(self.note(came).await),
        }
    }

    fn write(&self, tx: &mut Tx, prepared: Prepared) -> Result<(), ApplyError> {
        self.delivered(tx, &prepared)?;
        for (one, came) in &prepared.0 {
            let outcome = match came {
                Came::Delivered => "delivered",
                Came::Known | Came::Untouched => "known",
                Came::Failed(reason, error) => {
                    let next = self.topic.after_failure();
                    let next = next.filter(|next| *next != Topic::PostCreatedDlq);
                    self.failed(tx, one, (reason, error), next)?
                }
                Came::GivenUp(reason, error) => self.failed(tx, one, (reason, error), None)?,
            };
            self.hook.metrics.came_of_it(&self.hook.name, outcome);
        }
        Ok(())
    }

    fn overflow(&self, _: &mut Tx, _: &[u8]) -> Result<(), ApplyError> {
        Ok(())
    }
}

impl Webhook {
    /// On a retry topic, which others share, only what names this webhook.
    fn is_ours(&self, item: &Item) -> bool {
        self.topic.wait_us().is_none()
            || Failure::consumer_of(&item.headers) == Some(self.hook.consumer)
    }

    fn arrived(&self, item: &Item) -> Arrived {
        let before = self.topic.wait_us().and_then(|_| Failure::read(&item.headers));
        let message = Message::of(item);
        let event_id = match &message {
            Ok(message) => message.id.clone(),
            // Whatever it says it is, it is not: it is known by its place.
            Err(_) => {
                let (topic, partition, offset) = match &before {
                    Some(before) => (before.topic, before.partition, before.offset),
                    None => (self.topic, self.partition, item.offset),
                };
                format!("{topic}/{partition}@{offset}")
            }
        };
        let key = item.headers.get(KEY).map(|key| key.to_vec()).unwrap_or_default();
        Arrived { item: item.clone(), event_id, key, message, before }
    }

    /// Sends the events of one key, one after the other.
    async fn told(
        &self,
        lane: Vec<Arrived>,
        known: &HashMap<String, Known>,
        silent: &AtomicUsize,
    ) -> Vec<(Arrived, Came)> {
        let mut seen: HashSet<String> = HashSet::default();
        let mut told = Vec::with_capacity(lane.len());
        for one in lane {
            // What stands in one batch twice is one event.
            let is_known = known.get(&one.event_id) == Some(&Known::Done)
                || !seen.insert(one.event_id.clone());
            let came = match &one.message {
                _ if is_known => Came::Known,
                Err(error) => Came::GivenUp(NO_EVENT, error.to_string()),
                Ok(message) => self.send(message, silent).await,
            };
            told.push((one, came));
        }
        told
    }

    async fn send(&self, message: &Message, silent: &AtomicUsize) -> Came {
        let hook = &*self.hook;
        // Closed by nobody.
        let _turn = hook.turns.acquire().await;
        if hook.deps.shutdown.is_cancelled() {
            return Came::Untouched;
        }
        if silent.load(Ordering::Relaxed) >= SILENT_MAX {
            let error = "not tried: the receiver had just not answered, again and again".to_owned();
            return Came::Failed(Reason::Unreachable.code(), error);
        }
        let watch = Stopwatch::start();
        let outcome = hook.sender.send(message, hook.deps.clock.now_us()).await;
        hook.metrics.took(&hook.name, watch.elapsed());
        match &outcome {
            Outcome::Failed(Reason::Unreachable, _) => {
                silent.fetch_add(1, Ordering::Relaxed);
            }
            _ => silent.store(0, Ordering::Relaxed),
        }
        let (webhook, event) = (&hook.name, &message.id);
        match outcome {
            Outcome::Delivered => Came::Delivered,
            Outcome::Failed(reason, error) => {
                tracing::debug!(webhook, event, error, "an event is not taken now");
                Came::Failed(reason.code(), error)
            }
            Outcome::Refused(error) => {
                tracing::debug!(webhook, event, error, "an event is refused");
                Came::GivenUp(REFUSED, error)
            }
        }
    }

    /// Notes what was delivered of a batch that does not end: it is not sent again.
    async fn note(&self, came: Prepared) -> ApplyError {
        let this = self.hook.of(self.topic, self.partition);
        let noted = self.hook.deps.own.write(move |tx| this.delivered(tx, &came)).await;
        match noted {
            Err(error) => error.into(),
            Ok(()) => {
                let message = "the process ends before the batch".to_owned();
                ApplyError::Retry { code: "webhook-stopping", message }
            }
        }
    }

    fn delivered(&self, tx: &mut Tx, prepared: &Prepared) -> Result<(), StoreError> {
        let delivered = prepared.0.iter().filter(|(_, came)| matches!(came, Came::Delivered));
        let ids: Vec<&str> = delivered.map(|(one, _)| one.event_id.as_str()).collect();
        let kept_us = self.hook.deps.log_kept_us.saturating_mul(2);
        rows::delivered(tx, self.hook.consumer, &ids, kept_us)
    }

    /// An event that was not taken: it goes on to `next`, or is given up where there is none. What that is in metrics.
    fn failed(
        &self,
        tx: &mut Tx,
        one: &Arrived,
        (reason, error): (&str, &str),
        next: Option<Topic>,
    ) -> Result<&'static str, StoreError> {
        let consumer = self.hook.consumer;
        if rows::failed_again(tx, consumer, &one.event_id, (reason, error))? {
            return Ok("given_up");
        }
        let now_us = tx.now_us();
        let before = one.before.as_ref();
        let failure = Failure {
            consumer: consumer.to_owned(),
            attempts: before.map_or_else(|| tries_before(self.topic), |before| before.attempts) + 1,
            topic: before.map_or(self.topic, |before| before.topic),
            partition: before.map_or(self.partition, |before| before.partition),
            offset: before.map_or(one.item.offset, |before| before.offset),
            reason: reason.to_owned(),
            error: error.to_owned(),
            first_us: before.map_or(now_us, |before| before.first_us),
            retry_us: next.and_then(Topic::wait_us).map(|wait_us| now_us.saturating_add(wait_us)),
        };
        let (key, payload, headers) = (&one.key, &one.item.payload, &one.item.headers);
        if let Some(topic) = next {
            let headers = failure.headers(headers);
            outbox::pass_on(tx, [Passed { topic, key, payload, headers: &headers }])?;
            return Ok("failed");
        }
        let (event_id, topic, failure) = (one.event_id.as_str(), self.topic, &failure);
        let dead = Dead { event_id, key, topic, payload, headers, failure };
        let webhook = &self.hook.name;
        match rows::give_up(tx, &dead)? {
            true => tracing::warn!(webhook, event_id, reason, error, "a delivery is given up"),
            false => tracing::error!(
                webhook,
                event_id,
                reason,
                error,
                "a delivery is given up, and there is no room for its row: only the log has it"
            ),
        }
        Ok("given_up")
    }
}

/// How often an item was tried that stands on a topic and does not say it itself.
fn tries_before(topic: Topic) -> i64 {
    RETRIES.iter().position(|retry| *retry == topic).map_or(0, |at| at as i64 + 1)
}
