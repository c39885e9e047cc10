//! The task that keeps the log within its bounds, and never past its slowest consumer.

use std::time::Duration;

use millrace_log::{Log, LogConfig, LogError, Removed, Retention, Topic};
use millrace_runtime::supervise::{Policy, Supervisor, TaskError};

use super::progress::Consumer;
use crate::failure::Failure;

/// How often the bounds are looked at.
const INTERVAL: Duration = Duration::from_secs(60);
const HOUR_US: i64 = 3_600_000_000;

/// The bounds, and who has yet to read.
#[derive(Clone)]
pub(super) struct Retain {
    log: Log,
    consumers: Vec<Consumer>,
    age_us: i64,
    bytes_max: u64,
}

impl Retain {
    pub(super) fn new(config: &LogConfig, log: Log, consumers: Vec<Consumer>) -> Self {
        let age_us = i64::from(config.retention_hours) * HOUR_US;
        Self { log, consumers, age_us, bytes_max: config.retention_bytes_max }
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
        Ok(())
    }

    async fn topic(&self, topic: Topic) -> Result<Removed, Failure> {
        let partitions = self.log.partitions(topic);
        let mut floors = self.tails(topic, partitions).await?;
        for consumer in self.consumers.iter().filter(|consumer| consumer.topic == topic) {
            let next = consumer.next_offsets(partitions).await?;
            floors = floors.into_iter().zip(next).map(|(floor, next)| floor.min(next)).collect();
        }
        let retention =
            Retention { age_us: Some(self.age_us), bytes_max: Some(self.bytes_max), floors };
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
}
