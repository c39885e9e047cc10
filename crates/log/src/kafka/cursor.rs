//! A place in one partition from which items are read one after the other, with what follows fetched ahead.
//!
//! What was read last is kept, so that a consumer that took only a part of an answer, or failed, asks for the
//! rest without another fetch. A cursor never waits for items to come: it is asked for items known to be there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};

use super::client::{Cluster, Voice};
use super::{fault, headers};
use crate::{Headers, Item, LogError, READ_BYTES_MAX, Topic};

/// How long one look for the next item takes before it is asked whether the log was closed.
const LOOK: Duration = Duration::from_millis(100);

/// What one read asks. Offsets below `tail` exist, or never will.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) topic: Topic,
    pub(super) partition: u32,
    pub(super) from: i64,
    pub(super) bytes_max: usize,
    pub(super) tail: i64,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    /// Items from the question's offset on. The first may stand later, when nothing stands before it.
    Items(Vec<Item>),
    /// The cluster has no such offset.
    OutOfRange,
}

pub(super) struct Cursor {
    cluster: Arc<Cluster>,
    consumer: BaseConsumer<Voice>,
    at: Option<(Topic, u32)>,
    /// What stands from `start` up to `next` is in `window`.
    start: i64,
    next: i64,
    window: VecDeque<Item>,
    window_bytes: usize,
    /// What follows is on its way, or in librdkafka's hands already.
    fetching: bool,
}

/// How the search for more items goes on.
enum Step {
    Item,
    /// The end of the partition, as the cluster saw it at some time.
    End,
    OutOfRange,
    Nothing(Option<KafkaError>),
}

impl Cursor {
    pub(super) fn new(cluster: &Arc<Cluster>) -> Result<Self, LogError> {
        Ok(Self {
            consumer: cluster.consumer()?,
            cluster: Arc::clone(cluster),
            at: None,
            start: 0,
            next: 0,
            window: VecDeque::new(),
            window_bytes: 0,
            fetching: false,
        })
    }

    pub(super) const fn consumer(&self) -> &BaseConsumer<Voice> {
        &self.consumer
    }

    /// Whether the question can be answered from here on without going elsewhere.
    pub(super) fn covers(&self, question: &Question) -> bool {
        self.at == Some((question.topic, question.partition))
            && (self.start..=self.next).contains(&question.from)
    }

    /// Reads what was asked for; gives up when `closed` says so, or the cluster is silent for too long.
    pub(super) fn read(
        &mut self,
        question: &Question,
        closed: impl Fn() -> bool,
    ) -> Result<Found, LogError> {
        if self.covers(question) {
            self.forget_before(question.from);
        } else {
            self.go_to(question);
        }
        // Only a search that began after the question was asked tells of its tail.
        let mut fresh = !self.fetching;
        let room = question.bytes_max.min(READ_BYTES_MAX);
        let mut patience = self.cluster.request_timeout().as_millis().div_ceil(LOOK.as_millis());
        let mut trouble = None;
        while self.next < question.tail && (self.window.is_empty() || self.window_bytes < room) {
            self.fetch(question)?;
            match self.step() {
                Step::Item => {}
                Step::End | Step::OutOfRange if !fresh => {
                    self.stop_fetching()?;
                    fresh = true;
                }
                Step::End => self.next = question.tail,
                Step::OutOfRange => {
                    self.leave()?;
                    return Ok(Found::OutOfRange);
                }
                Step::Nothing(_) if closed() => return Err(LogError::Closed),
                Step::Nothing(error) => {
                    trouble = error.or(trouble);
                    patience -= 1;
                    if patience == 0 {
                        return self.give_up(question, trouble.as_ref());
                    }
                }
            }
        }
        if self.next >= question.tail {
            // There is nothing to fetch ahead; librdkafka would ask for it all the time.
            self.stop_fetching()?;
        }
        Ok(Found::Items(self.fitting(room)))
    }

    /// One more item into the window, or why not.
    fn step(&mut self) -> Step {
        match self.consumer.poll(LOOK) {
            None => Step::Nothing(None),
            Some(Ok(message)) => {
                let item = item(&message);
                // A fetch may begin before the offset it was asked for.
                if item.offset >= self.next {
                    self.next = item.offset + 1;
                    self.window_bytes += item.cost();
                    self.window.push_back(item);
                }
                Step::Item
            }
            Some(Err(KafkaError::PartitionEOF(_))) => Step::End,
            Some(Err(error)) => match error.rdkafka_error_code() {
                Some(code) if fault::is_out_of_range(code) => Step::OutOfRange,
                _ => Step::Nothing(Some(error)),
            },
        }
    }

    /// Goes to the question's offset, without memory of what was before.
    fn go_to(&mut self, question: &Question) {
        self.at = Some((question.topic, question.partition));
        (self.start, self.next) = (question.from, question.from);
        self.window.clear();
        self.window_bytes = 0;
        self.fetching = false;
    }

    /// Has the cluster asked for what follows the window.
    fn fetch(&mut self, question: &Question) -> Result<(), LogError> {
        if self.fetching {
            return Ok(());
        }
        let mut place = TopicPartitionList::new();
        let (topic, offset) = (self.cluster.topic(question.topic), Offset::Offset(self.next));
        place
            .add_partition_offset(topic, question.partition.cast_signed(), offset)
            .and_then(|()| self.consumer.assign(&place))
            .map_err(|error| fault::of(&self.cluster, "going to an offset", &error, None))?;
        self.fetching = true;
        Ok(())
    }

    // Not paused: librdkafka may take a second to notice that it may go on.
    fn stop_fetching(&mut self) -> Result<(), LogError> {
        if !self.fetching {
            return Ok(());
        }
        self.fetching = false;
        self.consumer
            .unassign()
            .map_err(|error| fault::of(&self.cluster, "leaving an offset", &error, None))
    }

    /// Covers nothing any more.
    fn leave(&mut self) -> Result<(), LogError> {
        self.at = None;
        self.stop_fetching()
    }

    /// What was found before patience ended, else the trouble.
    fn give_up(
        &mut self,
        question: &Question,
        trouble: Option<&KafkaError>,
    ) -> Result<Found, LogError> {
        if !self.window.is_empty() {
            return Ok(Found::Items(self.fitting(question.bytes_max.min(READ_BYTES_MAX))));
        }
        self.leave()?;
        let topic = self.cluster.topic(question.topic);
        let doing = format!("reading {topic} partition {} at {}", question.partition, self.next);
        Err(match trouble {
            Some(error) => fault::of(&self.cluster, &doing, error, None),
            None => fault::unavailable(&self.cluster, format!("{doing}: nothing came")),
        })
    }

    fn forget_before(&mut self, from: i64) {
        while let Some(item) = self.window.pop_front_if(|item| item.offset < from) {
            self.window_bytes -= item.cost();
        }
        self.start = from;
    }

    /// The first items of the window that fit, at least one if there is one.
    fn fitting(&self, room: usize) -> Vec<Item> {
        let mut bytes = 0;
        let fits = |(at, item): &(usize, &Item)| {
            bytes += item.cost();
            *at == 0 || bytes <= room
        };
        self.window.iter().enumerate().take_while(fits).map(|(_, item)| item.clone()).collect()
    }
}

/// A record without a payload, which only somebody else can have written, is an item with an empty one.
fn item(message: &BorrowedMessage<'_>) -> Item {
    let appended_ms = message.timestamp().to_millis().unwrap_or(0).max(0);
    Item {
        offset: message.offset(),
        appended_us: appended_ms.saturating_mul(1_000),
        payload: Bytes::copy_from_slice(message.payload().unwrap_or_default()),
        headers: message.headers().map_or(Headers::NONE, headers::found),
    }
}
