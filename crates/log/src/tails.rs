//! Where each partition begins and ends, in memory: what `tail`, `oldest` and `wait` answer from.
//!
//! An engine moves these only after its commit, so nobody is woken for an item a crash could take back.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use millrace_runtime::metrics::Gauge;
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::{LogError, Topic};

/// Of each topic, its partitions.
pub(crate) struct Tails {
    topics: [Vec<Span>; Topic::ALL.len()],
    closed: AtomicBool,
}

/// Bounds of one partition's offsets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) oldest: i64,
    pub(crate) next: i64,
}

struct Span {
    oldest: AtomicI64,
    head: watch::Sender<Head>,
    oldest_gauge: Gauge,
    tail_gauge: Gauge,
}

/// What waiters watch.
#[derive(Debug, Clone, Copy)]
struct Head {
    next: i64,
    /// Offsets before the tail that hold no item, and never will: from the first up to the second.
    void: (i64, i64),
    closed: bool,
}

impl Head {
    /// Whether an item may stand at `from` or after it.
    fn is_beyond(&self, from: i64) -> bool {
        let (start, end) = self.void;
        let void = start <= from && from < end;
        self.next > if void { end } else { from }
    }
}

/// Somebody who waits for a partition's tail, or is about to.
pub(crate) struct Waiter {
    head: watch::Receiver<Head>,
}

impl Waiter {
    /// Whether there is nothing to wait for.
    #[cfg(feature = "kafka")]
    pub(crate) fn is_beyond(&self, from: i64) -> bool {
        self.head.borrow().is_beyond(from)
    }

    /// Returns once the tail is beyond `from`.
    pub(crate) async fn beyond(mut self, from: i64) -> Result<(), LogError> {
        let seen = self.head.wait_for(|head| head.closed || head.is_beyond(from)).await;
        match seen {
            Ok(head) if head.is_beyond(from) => Ok(()),
            Ok(_) | Err(_) => Err(LogError::Closed),
        }
    }
}

impl Tails {
    /// As found at open; `bounds` by topic and partition.
    pub(crate) fn new(bounds: [Vec<Bounds>; Topic::ALL.len()], metrics: &Metrics) -> Self {
        let mut topics: [Vec<Span>; Topic::ALL.len()] = std::array::from_fn(|_| Vec::new());
        for ((spans, bounds), topic) in topics.iter_mut().zip(bounds).zip(Topic::ALL) {
            *spans = (0_u32..)
                .zip(bounds)
                .map(|(partition, bounds)| Span::new(bounds, metrics, topic, partition))
                .collect();
        }
        Self { topics, closed: AtomicBool::new(false) }
    }

    pub(crate) fn partitions(&self, topic: Topic) -> u32 {
        // Bounded by PARTITIONS_MAX.
        u32::try_from(self.spans(topic).len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn tail(&self, topic: Topic, partition: u32) -> Result<i64, LogError> {
        Ok(self.open_span(topic, partition)?.head.borrow().next)
    }

    pub(crate) fn oldest(&self, topic: Topic, partition: u32) -> Result<i64, LogError> {
        Ok(self.open_span(topic, partition)?.oldest.load(Ordering::Acquire))
    }

    pub(crate) async fn wait(
        &self,
        topic: Topic,
        partition: u32,
        from: i64,
    ) -> Result<(), LogError> {
        self.waiter(topic, partition)?.beyond(from).await
    }

    /// Whoever holds it is counted as waiting.
    pub(crate) fn waiter(&self, topic: Topic, partition: u32) -> Result<Waiter, LogError> {
        Ok(Waiter { head: self.open_span(topic, partition)?.head.subscribe() })
    }

    /// The partitions that somebody waits for.
    #[cfg(feature = "kafka")]
    pub(crate) fn waited_for(&self) -> Vec<(Topic, u32)> {
        let spans = Topic::ALL.into_iter().zip(&self.topics);
        spans
            .flat_map(|(topic, spans)| spans.iter().zip(0_u32..).map(move |(s, at)| (topic, at, s)))
            .filter(|(.., span)| span.head.receiver_count() > 0)
            .map(|(topic, partition, _)| (topic, partition))
            .collect()
    }

    /// No item stands from `from` on up to `to`, and none will: nobody is woken for these offsets.
    #[cfg(feature = "kafka")]
    pub(crate) fn void(&self, topic: Topic, partition: u32, from: i64, to: i64) {
        if let Ok(span) = self.span(topic, partition) {
            span.head.send_modify(|head| head.void = (from, to));
        }
    }

    /// Moves the tail, never back, and wakes those who wait for it.
    pub(crate) fn advance(&self, topic: Topic, partition: u32, next: i64) {
        if let Ok(span) = self.span(topic, partition) {
            span.head.send_if_modified(|head| {
                let moved = next > head.next;
                head.next = head.next.max(next);
                moved
            });
            span.tail_gauge.set(span.head.borrow().next);
        }
    }

    /// Moves the front, never back.
    pub(crate) fn truncate(&self, topic: Topic, partition: u32, oldest: i64) {
        if let Ok(span) = self.span(topic, partition) {
            let before = span.oldest.fetch_max(oldest, Ordering::AcqRel);
            span.oldest_gauge.set(before.max(oldest));
        }
    }

    /// From now on everything is answered with [`LogError::Closed`].
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for span in self.topics.iter().flatten() {
            span.head.send_modify(|head| head.closed = true);
        }
    }

    pub(crate) fn check_open(&self) -> Result<(), LogError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(LogError::Closed);
        }
        Ok(())
    }

    fn open_span(&self, topic: Topic, partition: u32) -> Result<&Span, LogError> {
        self.check_open()?;
        self.span(topic, partition)
    }

    fn span(&self, topic: Topic, partition: u32) -> Result<&Span, LogError> {
        let spans = self.spans(topic);
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        spans.get(index).ok_or(LogError::NoSuchPartition {
            topic,
            partition,
            partitions: self.partitions(topic),
        })
    }

    fn spans(&self, topic: Topic) -> &[Span] {
        &self.topics[topic.index()]
    }
}

impl Span {
    fn new(bounds: Bounds, metrics: &Metrics, topic: Topic, partition: u32) -> Self {
        let (oldest_gauge, tail_gauge) = metrics.bounds(topic, partition);
        oldest_gauge.set(bounds.oldest);
        tail_gauge.set(bounds.next);
        let head = Head { next: bounds.next, void: (0, 0), closed: false };
        Self {
            oldest: AtomicI64::new(bounds.oldest),
            head: watch::Sender::new(head),
            oldest_gauge,
            tail_gauge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Head;

    #[test]
    fn offsets_without_items_are_no_reason_to_wake() {
        let check = |next, from, expected: bool| {
            let head = Head { next, void: (7, 10), closed: false };
            assert_eq!(head.is_beyond(from), expected, "{head:?} {from}");
        };
        check(10, 6, true);
        check(10, 7, false);
        check(10, 9, false);
        check(10, 10, false);
        check(11, 7, true);
        check(11, 10, true);
    }
}
