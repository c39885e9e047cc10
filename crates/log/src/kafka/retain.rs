//! Removing the oldest items of one partition, a bounded number at a time.
//!
//! The items that may go are read from the front, so that exactly these go and are counted; then Kafka is asked to
//! delete what stands before the first that stays.

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::counter;
use super::cursor::{Found, Question};
use super::ledger::Count;
use super::{KafkaLog, fault};
use crate::retention::Rule;
use crate::{Item, LogError, READ_BYTES_MAX, RETAIN_ITEMS_STEP, Removed};

/// Bytes of items looked at by one step.
const STEP_BYTES: usize = 4 << 20;

/// What may go of some items: up to which offset, and what that is.
struct Front {
    oldest: i64,
    removed: Removed,
    /// All that was looked at may go, so that there may be more.
    more: bool,
}

impl KafkaLog {
    /// Removes what the rule lets go.
    pub(super) async fn retain_partition(&self, rule: &Rule) -> Result<Removed, LogError> {
        let mut all = Removed::default();
        loop {
            let bounds = self.refresh(rule.topic, rule.partition).await?;
            self.ledger.count(rule.topic, rule.partition).lock().align(bounds.oldest);
            if rule.bytes_max.is_some() {
                self.count_up(rule, bounds.next).await?;
            }
            if bounds.oldest >= bounds.next.min(rule.floor) || self.eldest_stays(rule) {
                break;
            }
            let question = self.question(rule, bounds.oldest, STEP_BYTES, bounds.next);
            let Found::Items(items) = self.readers.read(question).await? else { continue };
            let front = self.front(rule, bounds.oldest, &items);
            if front.oldest > bounds.oldest {
                millrace_runtime::crash::point("log.retain.before_commit");
                self.delete_before(rule, front.oldest).await?;
                millrace_runtime::crash::point("log.retain.after_commit");
                self.note_removed(rule, &front);
            }
            let eldest = items.iter().find(|item| item.offset >= front.oldest);
            self.ledger.count(rule.topic, rule.partition).lock().eldest =
                eldest.map(|item| (item.offset, item.appended_us));
            all += front.removed;
            if !front.more {
                break;
            }
        }
        if rule.bytes_max.is_some() {
            self.keep_count(rule).await;
        }
        Ok(all)
    }

    /// Counts the partition's bytes up to its tail.
    async fn count_up(&self, rule: &Rule, tail: i64) -> Result<(), LogError> {
        let count = self.ledger.count(rule.topic, rule.partition);
        loop {
            let Count { front, next, .. } = *count.lock();
            if next >= tail {
                return Ok(());
            }
            let question = self.question(rule, next, READ_BYTES_MAX, tail);
            match self.readers.read(question).await? {
                Found::Items(items) => counter::saw(&mut count.lock(), &question, &items),
                // Somebody else removed it, or took it back.
                Found::OutOfRange => {
                    let bounds = self.refresh(rule.topic, rule.partition).await?;
                    if bounds.oldest <= front && bounds.next >= tail {
                        let detail = format!("{} has no offset {next}", question.topic);
                        return Err(fault::unavailable(&self.cluster, detail));
                    }
                    count.lock().align(bounds.oldest);
                }
            }
        }
    }

    /// Whether the first item is known and stays, so that nothing need be read: most times nothing may go.
    fn eldest_stays(&self, rule: &Rule) -> bool {
        let count = *self.ledger.count(rule.topic, rule.partition).lock();
        count.eldest.is_some_and(|(offset, us)| !rule.lets_go(offset, us, count.bytes))
    }

    fn front(&self, rule: &Rule, oldest: i64, items: &[Item]) -> Front {
        let mut held = self.ledger.count(rule.topic, rule.partition).lock().bytes;
        let mut front = Front { oldest, removed: Removed::default(), more: false };
        for item in items.iter().take(RETAIN_ITEMS_STEP) {
            if !rule.lets_go(item.offset, item.appended_us, held) {
                return front;
            }
            held -= item.cost() as i64;
            front.oldest = item.offset + 1;
            front.removed += Removed { items: 1, bytes: item.cost() as u64 };
        }
        Front { more: !items.is_empty(), ..front }
    }

    fn question(&self, rule: &Rule, from: i64, bytes_max: usize, tail: i64) -> Question {
        Question { topic: rule.topic, partition: rule.partition, from, bytes_max, tail }
    }

    async fn delete_before(&self, rule: &Rule, offset: i64) -> Result<(), LogError> {
        let name = self.cluster.topic(rule.topic);
        let fault = |error: KafkaError| {
            let doing = format!("deleting from {name} partition {}", rule.partition);
            fault::of(&self.cluster, &doing, &error, None)
        };
        let mut place = TopicPartitionList::new();
        place
            .add_partition_offset(name, rule.partition.cast_signed(), Offset::Offset(offset))
            .map_err(fault)?;
        let done = self.admin.delete_records(&place, &self.cluster.admin_options());
        for partition in done.await.map_err(fault)?.elements() {
            partition.error().map_err(fault)?;
        }
        Ok(())
    }

    fn note_removed(&self, rule: &Rule, front: &Front) {
        let bytes = i64::try_from(front.removed.bytes).unwrap_or(i64::MAX);
        self.ledger.count(rule.topic, rule.partition).lock().removed(front.oldest, bytes);
        self.tails.truncate(rule.topic, rule.partition, front.oldest);
        self.metrics.removed(rule.topic, front.removed.items, front.removed.bytes);
    }

    /// Keeps the count with the cluster. Without it the next start counts again.
    async fn keep_count(&self, rule: &Rule) {
        let count = *self.ledger.count(rule.topic, rule.partition).lock();
        let name = self.cluster.topic(rule.topic).to_owned();
        let partition = rule.partition.cast_signed();
        let kept = self.readers.lend(None, move |cursor, _| {
            let mut place = TopicPartitionList::new();
            let mut mark = place.add_partition(&name, partition);
            let metadata = count.to_metadata();
            mark.set_metadata(metadata);
            let done = mark.set_offset(Offset::Offset(count.next));
            Ok(done.and_then(|()| cursor.consumer().commit(&place, CommitMode::Sync)))
        });
        if let Ok(Err(error)) = kept.await {
            tracing::debug!(%error, "the count of bytes is not kept; the next start counts again");
        }
    }
}
