//! The task that keeps the log within its bounds, and never past its slowest enabled consumer.
//!
//! Who is not enabled is not waited for. A projection that stands before the first entry still there
//! cannot go on from the log: it needs to be rebuilt. That follows from its offset and the log alone, so
//! it is looked at, never stored, and is true of every restart and every restored backup.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use millrace_log::{Log, LogConfig, LogError, Removed, Retention, Topic};
use millrace_runtime::metrics::{GaugeVec, Registry};
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};
use millrace_store::offsets::Committed;
use millrace_store::{Store, StoreError, offsets};
use parking_lot::Mutex;

use super::progress::Consumer;
use crate::codes;
use crate::failure::Failure;

/// How often the bounds are looked at.
const INTERVAL: Duration = Duration::from_secs(60);
const HOUR_US: i64 = 3_600_000_000;
/// What each topic may hold of a log with a hard bound, in percent: together they stay below it, or
/// nothing could be appended before what is there grows old.
const fn of_hard_bound_percent(topic: Topic) -> u64 {
    match topic {
        Topic::NetworkEntries | Topic::DataplaneChanges => 30,
        Topic::OwnChanges | Topic::PostCreated => 10,
        Topic::PostUpdated => 5,
        Topic::PostCreatedRetry1m
        | Topic::PostCreatedRetry10m
        | Topic::PostCreatedRetry1h
        | Topic::PostCreatedDlq => 2,
    }
}

/// The bounds, and who has yet to read.
#[derive(Clone)]
pub(super) struct Retain {
    log: Log,
    /// Enabled: they are waited for.
    consumers: Vec<Consumer>,
    /// Where offsets of projections are, enabled or not.
    stores: Vec<Store>,
    age_us: i64,
    /// By the topic's place in [`Topic::ALL`].
    bytes_max: [u64; Topic::ALL.len()],
    left_behind: GaugeVec,
    /// Said once for each.
    told: Arc<Mutex<HashSet<String>>>,
}

impl Retain {
    pub(super) fn new(
        config: &LogConfig,
        log: Log,
        consumers: Vec<Consumer>,
        stores: Vec<Store>,
        registry: &Registry,
    ) -> Self {
        let age_us = i64::from(config.retention_hours) * HOUR_US;
        let left_behind = registry.gauge_with(
            "millrace_projection_needs_rebuild",
            "1 where entries that a projection has not read are gone from the log",
            &["projection"],
        );
        for consumer in &consumers {
            left_behind.with(&[consumer.projection]).set(0);
        }
        let bytes_max = Topic::ALL.map(|topic| topic_bytes_max(config, topic));
        Self { log, consumers, stores, age_us, bytes_max, left_behind, told: Arc::default() }
    }

    /// Starts the task.
    pub(super) fn start(self, supervisor: &Supervisor) {
        supervisor.spawn("log.retention", Policy::restart(), move |shutdown| {
            let retain = self.clone();
            async move {
                let mut ticks = tokio::time::interval(INTERVAL);
                while shutdown.or(ticks.tick()).await.is_some() {
                    retain.all().await.map_err(|failure| TaskError::from(failure.render()))?;
                }
                Ok(())
            }
        });
    }

    async fn all(&self) -> Result<(), Failure> {
        for topic in Topic::ALL {
            let removed = self.topic(topic).await?;
            if removed.items > 0 {
                tracing::info!(%topic, items = removed.items, bytes = removed.bytes, "old entries removed");
            }
        }
        let behind = self.left_behind().await?;
        self.told.lock().retain(|projection| {
            let still = behind.iter().any(|place| place.projection == *projection);
            if !still {
                self.left_behind.with(&[projection]).set(0);
            }
            still
        });
        behind.iter().for_each(|place| self.tell(place));
        Ok(())
    }

    async fn topic(&self, topic: Topic) -> Result<Removed, Failure> {
        let partitions = self.log.partitions(topic);
        let mut floors = self.tails(topic, partitions).await?;
        for consumer in self.consumers.iter().filter(|consumer| consumer.topic == topic) {
            let next = consumer.next_offsets(partitions).await?;
            floors = floors.into_iter().zip(next).map(|(floor, next)| floor.min(next)).collect();
        }
        let bytes_max =
            Topic::ALL.into_iter().zip(self.bytes_max).find(|one| one.0 == topic).map(|one| one.1);
        let retention = Retention { age_us: Some(self.age_us), bytes_max, floors };
        Ok(self.log.retain(topic, &retention).await?)
    }

    /// Where nobody reads, everything has been read.
    async fn tails(&self, topic: Topic, partitions: u32) -> Result<Vec<i64>, LogError> {
        let mut tails = Vec::new();
        for partition in 0..partitions {
            tails.push(self.log.tail(topic, partition).await?);
        }
        Ok(tails)
    }

    /// Projections before whose offset the log has nothing any more.
    async fn left_behind(&self) -> Result<Vec<Committed>, Failure> {
        let mut behind = Vec::new();
        for store in &self.stores {
            let places: Result<Vec<Committed>, StoreError> = store.read(offsets::list).await;
            for place in places? {
                let topic = Topic::ALL.into_iter().find(|topic| topic.name() == place.topic);
                let known = topic.filter(|topic| place.partition < self.log.partitions(*topic));
                let Some(topic) = known else { continue };
                if place.next_offset < self.log.oldest(topic, place.partition).await? {
                    behind.push(place);
                }
            }
        }
        Ok(behind)
    }

    fn tell(&self, place: &Committed) {
        let Committed { projection, topic, partition, next_offset, .. } = place;
        self.left_behind.with(&[projection]).set(1);
        if self.told.lock().insert(projection.clone()) {
            let code = codes::CONSUMER_LEFT_BEHIND;
            tracing::warn!(
                code = code.id,
                projection,
                topic,
                partition,
                next_offset,
                hint = code.remedy,
                "{}",
                code.title
            );
        }
    }
}

/// Bytes a topic may hold. Below a hard bound of the whole log there is room for all of them.
fn topic_bytes_max(config: &LogConfig, topic: Topic) -> u64 {
    let of_bound = |bound: u64| bound / 100 * of_hard_bound_percent(topic);
    config
        .disk_bytes_max
        .map_or(config.retention_bytes_max, |bound| config.retention_bytes_max.min(of_bound(bound)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use millrace_log::Append;
    use millrace_runtime::clock::ManualClock;
    use millrace_store::{Domain, StoreConfig};

    use super::*;

    #[test]
    fn a_hard_bound_leaves_room_for_every_topic() {
        let check = |disk_bytes_max, expected: u64| {
            let config = LogConfig { disk_bytes_max, ..LogConfig::default() };
            let found = topic_bytes_max(&config, Topic::NetworkEntries);
            assert_eq!(found, expected, "{disk_bytes_max:?}");
        };
        check(None, 20 << 30);
        check(Some(1_000_000), 300_000);
        check(Some(u64::MAX), 20 << 30);
        let percent: u64 = Topic::ALL.map(of_hard_bound_percent).iter().sum();
        assert!(percent < 100, "{percent}");
    }

    struct Bed {
        _folder: tempfile::TempDir,
        log: Log,
        store: Store,
        clock: ManualClock,
        registry: Registry,
    }

    impl Bed {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let clock = ManualClock::at(1_700_000_000_000_000);
            let registry = Registry::new();
            let config = LogConfig::in_dir(folder.path());
            let log = Log::open(&config, clock.shared(), &registry).unwrap();
            let config =
                StoreConfig { dir: Some(folder.path().to_owned()), ..StoreConfig::default() };
            let shared = clock.shared();
            let store =
                Store::open(&config, Domain::Own, &[], &[], &shared, &registry).await.unwrap();
            Self { _folder: folder, log, store, clock, registry }
        }

        async fn append(&self, items: usize) {
            let items = (0..items).map(|_| Append::new("key", vec![0_u8; 100])).collect();
            self.log.append(Topic::NetworkEntries, items).await.unwrap();
        }

        /// The projection has applied everything up to `to`.
        async fn read_to(&self, projection: &'static str, from: i64, to: i64) {
            let moved: Result<(), StoreError> = self
                .store
                .write(move |tx| {
                    offsets::advance(tx, projection, Topic::NetworkEntries, 0, from, to)
                })
                .await;
            moved.unwrap();
        }

        fn retain(&self, enabled: &[&'static str]) -> Retain {
            let consumer = |projection: &&'static str| Consumer {
                store: self.store.clone(),
                projection,
                topic: Topic::NetworkEntries,
            };
            let consumers = enabled.iter().map(consumer).collect();
            let config = LogConfig::default();
            let stores = vec![self.store.clone()];
            Retain::new(&config, self.log.clone(), consumers, stores, &self.registry)
        }

        async fn oldest(&self) -> i64 {
            self.log.oldest(Topic::NetworkEntries, 0).await.unwrap()
        }
    }

    #[tokio::test]
    async fn the_slowest_enabled_is_waited_for_and_the_others_are_left_behind() {
        let bed = Bed::new().await;
        bed.append(10).await;
        bed.read_to("fast", 0, 10).await;
        bed.read_to("slow", 0, 4).await;
        bed.read_to("off", 0, 2).await;
        let retain = bed.retain(&["fast", "slow"]);
        retain.all().await.unwrap();
        assert_eq!(bed.oldest().await, 0, "nothing is old");
        bed.clock.advance(Duration::from_secs(73 * 3_600));
        bed.append(1).await;
        retain.all().await.unwrap();
        assert_eq!(bed.oldest().await, 4, "never past the slowest enabled one");
        let behind = retain.left_behind().await.unwrap();
        let behind: Vec<&str> = behind.iter().map(|place| place.projection.as_str()).collect();
        assert_eq!(behind, ["off"]);
        let told = "millrace_projection_needs_rebuild{projection=\"off\"} 1";
        assert!(bed.registry.encode().contains(told), "{}", bed.registry.encode());
        bed.read_to("slow", 4, 11).await;
        bed.read_to("fast", 10, 11).await;
        retain.all().await.unwrap();
        assert_eq!(bed.oldest().await, 10, "what is young stays");
        // Rebuilt: it stands where the log still has everything.
        bed.read_to("off", 2, 10).await;
        retain.all().await.unwrap();
        assert!(bed.registry.encode().contains("{projection=\"off\"} 0"));
    }
}
