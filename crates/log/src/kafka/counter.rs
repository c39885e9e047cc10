//! Keeps the ledger true for the writer: counts what it appends, and reads what others appended.

use std::sync::Arc;
use std::time::Duration;

use millrace_runtime::clock::Stopwatch;

use super::client::Cluster;
use super::cursor::{Cursor, Found, Question};
use super::layout::Questions;
use super::ledger::{Count, Ledger};
use crate::tails::Tails;
use crate::{Item, LogError, READ_BYTES_MAX, Topic};

/// How old the count of what others did may be.
const COUNT_EVERY: Duration = Duration::from_secs(3);

pub(super) struct Counter {
    cluster: Arc<Cluster>,
    ledger: Arc<Ledger>,
    questions: Arc<Questions>,
    tails: Arc<Tails>,
    /// Only once something has to be read.
    cursor: Option<Cursor>,
    /// Since what others appended and removed was counted.
    counted: Option<Stopwatch>,
}

impl Counter {
    pub(super) fn new(
        cluster: &Arc<Cluster>,
        ledger: &Arc<Ledger>,
        questions: &Arc<Questions>,
        tails: &Arc<Tails>,
    ) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            ledger: Arc::clone(ledger),
            questions: Arc::clone(questions),
            tails: Arc::clone(tails),
            cursor: None,
            counted: None,
        }
    }

    /// An item was appended.
    pub(super) fn saw(&self, topic: Topic, partition: u32, offset: i64, cost: usize) {
        let mut count = self.ledger.count(topic, partition).lock();
        count.saw(offset, offset + 1, std::iter::once((offset, cost)));
    }

    /// Bytes that all partitions hold. What others append and remove is counted now and then, and before `wanted`
    /// more are found to be over `bytes_max`.
    pub(super) fn held(&mut self, wanted: usize, bytes_max: u64) -> Result<u64, LogError> {
        let held = |ledger: &Ledger| ledger.bytes().unsigned_abs();
        let recent = self.counted.is_some_and(|counted| counted.elapsed() < COUNT_EVERY);
        if !recent || held(&self.ledger) + wanted as u64 > bytes_max {
            self.count_all()?;
            self.counted = Some(Stopwatch::start());
        }
        Ok(held(&self.ledger))
    }

    fn count_all(&mut self) -> Result<(), LogError> {
        for topic in Topic::ALL {
            for partition in 0..self.tails.partitions(topic) {
                self.count_up(topic, partition)?;
            }
        }
        Ok(())
    }

    fn count_up(&mut self, topic: Topic, partition: u32) -> Result<(), LogError> {
        let asker = self.questions.asker().ok_or(LogError::Closed)?;
        let bounds = asker.bounds(topic, partition)?;
        let count = self.ledger.count(topic, partition);
        count.lock().align(bounds.oldest);
        loop {
            let from = count.lock().next;
            if from >= bounds.next {
                return Ok(());
            }
            let bytes_max = READ_BYTES_MAX;
            let question = Question { topic, partition, from, bytes_max, tail: bounds.next };
            let cursor = match &mut self.cursor {
                Some(cursor) => cursor,
                none => none.insert(Cursor::new(&self.cluster)?),
            };
            match cursor.read(&question, || self.tails.check_open().is_err())? {
                Found::Items(items) => saw(&mut count.lock(), &question, &items),
                // Removed meanwhile: the next look begins at the new front.
                Found::OutOfRange => return Ok(()),
            }
        }
    }
}

/// Counts the answer to a question.
pub(super) fn saw(count: &mut Count, question: &Question, items: &[Item]) {
    // Nothing found means that nothing stands before the tail.
    let to = items.last().map_or(question.tail, |last| last.offset + 1);
    count.saw(question.from, to, items.iter().map(|item| (item.offset, item.cost())));
}
