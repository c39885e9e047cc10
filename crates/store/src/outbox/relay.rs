//! The task that moves a domain's outbox into the log: oldest first, in bounded batches, deleting
//! only what is durable there. Where several processes share the tables, one of them holds the lease.

use std::collections::BTreeMap;
use std::time::Duration;

use millrace_log::{Append, Headers, Log, LogError, Topic};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::error::{Diagnose, Diagnosis};
use millrace_runtime::metrics::Registry;
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::{Backoff, Shutdown};

use super::event::Attributes;
use crate::lease::Turn;
use crate::metrics::RelayMetrics;
use crate::{Row, Store, StoreError, codes};

/// Rows of one batch.
const BATCH_ROWS_MAX: u32 = 1_000;
/// Bytes of one batch; a single larger row goes alone.
const BATCH_BYTES_MAX: i64 = 2 << 20;
/// How often the outbox is looked at without having been woken.
const POLL: Duration = Duration::from_millis(500);
/// How long a relay that fell silent keeps the lease.
const LEASE_TTL: Duration = Duration::from_secs(15);
const LEASE: &str = "outbox-relay";
const BACKOFF: Backoff = Backoff {
    base: Duration::from_millis(100),
    max: Duration::from_secs(30),
    reset_after: Duration::from_secs(60),
};

/// Why a batch was not relayed. Its rows are still in the outbox.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RelayError {
    #[error("the outbox cannot be read or cleared")]
    Store(#[from] StoreError),
    #[error("the log did not take the outbox's items")]
    Log(#[from] LogError),
    #[error(
        "the outbox of {domain} holds an item for topic {topic}, which this program does not know"
    )]
    UnknownTopic { domain: crate::Domain, topic: String },
}

impl Diagnose for RelayError {
    fn diagnosis(&self) -> Diagnosis {
        match self {
            RelayError::Store(error) => error.diagnosis(),
            RelayError::Log(error) => error.diagnosis(),
            RelayError::UnknownTopic { .. } => codes::OUTBOX_TOPIC.diagnosis(self.to_string()),
        }
    }
}

/// Moves one domain's outbox into the log.
pub struct Relay {
    store: Store,
    log: Log,
    clock: SharedClock,
    rng: Rng,
    metrics: RelayMetrics,
    turn: Turn,
}

struct Pending {
    id: i64,
    topic: String,
    key: Vec<u8>,
    payload: Vec<u8>,
    created_us: i64,
    headers: Vec<u8>,
    event: Option<PendingEvent>,
}

/// What a row has that is an event.
struct PendingEvent {
    id: String,
    aggregate_id: String,
    kind: String,
}

impl Relay {
    pub fn new(store: Store, log: Log, clock: SharedClock, rng: Rng, registry: &Registry) -> Relay {
        let metrics = RelayMetrics::new(registry, store.domain());
        let turn = Turn::new(&store, &rng, LEASE, LEASE_TTL);
        Relay { store, log, clock, rng, metrics, turn }
    }

    /// Relays until asked to stop. Failures are retried for ever, with a growing pause.
    pub async fn run(&self, shutdown: &Shutdown) -> Result<(), RelayError> {
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            let pause = match self.relay_batch().await {
                Ok(rows) if rows > 0 => {
                    failures = 0;
                    continue;
                }
                Ok(_) => {
                    failures = 0;
                    POLL
                }
                Err(error @ RelayError::UnknownTopic { .. }) => return Err(error),
                Err(error) => {
                    self.metrics.failed.inc();
                    tracing::warn!(store.domain = %self.store.domain(), error = ?error, "outbox not relayed, trying again");
                    failures += 1;
                    self.rng.jitter(BACKOFF.delay(failures - 1))
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.store.outbox_ready(), if failures == 0 => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.turn.give_up().await;
        Ok(())
    }

    /// Relays one batch; how many rows. 0 when the outbox is empty or another process relays it.
    pub async fn relay_batch(&self) -> Result<usize, RelayError> {
        let batch = self.store.read(oldest).await?;
        let age_us = batch.first().map_or(0, |row| self.clock.now_us() - row.created_us);
        self.metrics.age_seconds.set(age_us / 1_000_000);
        if batch.is_empty() || !self.turn.take().await? {
            return Ok(0);
        }
        let ids: Vec<i64> = batch.iter().map(|row| row.id).collect();
        millrace_runtime::crash::point("outbox.relay.before_append");
        self.append(batch).await?;
        millrace_runtime::crash::point("outbox.relay.after_append");
        let rows = ids.len();
        self.store
            .write(move |tx| {
                tx.execute("DELETE FROM outbox WHERE id IN {id_list:$1}", &[(&ids).into()])
            })
            .await
            .map_err(|error: StoreError| error)?;
        millrace_runtime::crash::point("outbox.relay.after_delete");
        self.metrics.relayed.add(rows as u64);
        Ok(rows)
    }

    async fn append(&self, batch: Vec<Pending>) -> Result<(), RelayError> {
        let mut by_topic: BTreeMap<Topic, Vec<Append>> = BTreeMap::new();
        for row in batch {
            let Some(topic) = Topic::parse(&row.topic) else {
                let domain = self.store.domain();
                return Err(RelayError::UnknownTopic { domain, topic: row.topic });
            };
            let headers = row.headers(self.store.domain())?;
            let item = Append::new(row.key, row.payload).with_headers(headers);
            by_topic.entry(topic).or_default().push(item);
        }
        for (topic, items) in by_topic {
            self.log.append(topic, items).await?;
        }
        Ok(())
    }
}

impl Pending {
    /// Its own, behind those of an event if it is one.
    fn headers(&self, domain: crate::Domain) -> Result<Headers, LogError> {
        let own = Headers::decode(&self.headers).unwrap_or_default();
        let Some(event) = &self.event else { return Ok(own) };
        let attributes = Attributes {
            id: &event.id,
            kind: &event.kind,
            subject: &event.aggregate_id,
            key: &self.key,
            at_us: self.created_us,
        };
        attributes.headers(domain, own)
    }
}

fn event(row: &Row<'_>) -> Result<Option<PendingEvent>, StoreError> {
    let Some(id) = row.get::<Option<String>>(5)? else { return Ok(None) };
    let text = |column| Ok::<_, StoreError>(row.get::<Option<String>>(column)?.unwrap_or_default());
    Ok(Some(PendingEvent { id, aggregate_id: text(6)?, kind: text(7)? }))
}

/// The oldest rows that fit a batch.
fn oldest(tx: &mut crate::Tx) -> Result<Vec<Pending>, StoreError> {
    let sizes = tx.query(
        "SELECT id, octet_length(payload) + octet_length(key) + coalesce(octet_length(headers), 0)
         FROM outbox ORDER BY id LIMIT $1",
        &[BATCH_ROWS_MAX.into()],
        |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)),
    )?;
    let mut bytes = 0;
    let mut last = None;
    for (id, size) in sizes {
        bytes += size;
        if last.is_some() && bytes > BATCH_BYTES_MAX {
            break;
        }
        last = Some(id);
    }
    let Some(last) = last else {
        return Ok(Vec::new());
    };
    tx.query(
        "SELECT id, topic, key, payload, created_us, event_id, aggregateid, type, headers
         FROM outbox WHERE id <= $1 ORDER BY id",
        &[last.into()],
        |row| {
            Ok(Pending {
                id: row.get(0)?,
                topic: row.get(1)?,
                key: row.get(2)?,
                payload: row.get(3)?,
                created_us: row.get(4)?,
                headers: row.get::<Option<Vec<u8>>>(8)?.unwrap_or_default(),
                event: event(row)?,
            })
        },
    )
}
