//! The one thread that appends: takes what waits, hands it to the cluster as a group, answers.
//!
//! What must stay true: one group is under way at a time, so that what is appended later stands later; nobody is
//! answered, and no tail moves, before every in-sync copy has the records; a call is never spread over two groups.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use bytes::Bytes;
use millrace_runtime::clock::{SharedClock, Stopwatch};
use rdkafka::error::RDKafkaErrorCode as Code;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::client::Cluster;
use super::counter::Counter;
use super::fault;
use super::headers::wire_bytes;
use super::producer::{Outcome, Producer, RECORD_FRAME_BYTES, Record};
use crate::metrics::Metrics;
use crate::tails::Tails;
use crate::{Appended, Headers, LogError, Position, Topic};

/// What the writer is asked to do, in the order asked.
pub(super) enum Command {
    Append(Admitted),
    /// Ends the writer.
    Close,
}

/// An append that was let into the queue.
pub(super) struct Admitted {
    pub(super) topic: Topic,
    pub(super) items: Vec<Addressed>,
    /// Payloads and frames.
    pub(super) bytes: usize,
    pub(super) reply: oneshot::Sender<Result<Appended, LogError>>,
    /// The bytes' place in the queue, given back once answered.
    pub(super) _room: OwnedSemaphorePermit,
}

/// An item and where it goes.
pub(super) struct Addressed {
    pub(super) partition: u32,
    pub(super) key: Vec<u8>,
    pub(super) payload: Bytes,
    pub(super) headers: Headers,
}

impl Addressed {
    /// What the item counts for in every bound.
    fn cost(&self) -> usize {
        crate::cost(&self.payload, &self.headers)
    }
}

impl Admitted {
    /// Bytes on the wire at most.
    fn wire_bytes(&self) -> usize {
        let of_item = |item: &Addressed| {
            item.key.len() + item.payload.len() + wire_bytes(&item.headers) + RECORD_FRAME_BYTES
        };
        self.items.iter().map(of_item).sum()
    }
}

pub(super) struct Writer {
    pub(super) cluster: Arc<Cluster>,
    pub(super) producer: Option<Producer>,
    pub(super) tails: Arc<Tails>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: SharedClock,
    pub(super) counter: Counter,
    /// When the last item of each partition was appended.
    pub(super) appended_ms: [Vec<i64>; Topic::ALL.len()],
    pub(super) group_bytes_max: usize,
    pub(super) disk_bytes_max: Option<u64>,
    /// The last group's time ran out.
    pub(super) away: bool,
}

/// Appends that share a group, and the command that came after them.
type Group = (Vec<Admitted>, Option<Command>);

impl Writer {
    /// Runs until told to close, or until nobody can ask any more.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        while let Ok(command) = commands.recv() {
            let mut next = Some(command);
            while let Some(command) = next.take() {
                match command {
                    Command::Append(first) => {
                        let (group, after) = self.gather(first, commands);
                        self.append_and_answer(group);
                        next = after;
                    }
                    Command::Close => return,
                }
            }
        }
    }

    /// Takes the appends that wait, up to the group's bound and to what fits one batch.
    fn gather(&self, first: Admitted, commands: &Receiver<Command>) -> Group {
        let batch_bytes_max = self.cluster.config().batch_bytes_max;
        let (mut bytes, mut wire_bytes) = (first.bytes, first.wire_bytes());
        let mut group = vec![first];
        while bytes < self.group_bytes_max {
            match commands.try_recv() {
                Ok(Command::Append(append)) => {
                    bytes += append.bytes;
                    wire_bytes += append.wire_bytes();
                    if wire_bytes > batch_bytes_max {
                        return (group, Some(Command::Append(append)));
                    }
                    group.push(append);
                }
                Ok(Command::Close) => return (group, Some(Command::Close)),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        (group, None)
    }

    fn append_and_answer(&mut self, group: Vec<Admitted>) {
        let group = match self.refuse_what_has_no_room(group) {
            group if group.is_empty() => return,
            group => group,
        };
        let stopwatch = Stopwatch::start();
        let outcomes = match self.deliver(&group) {
            Ok(outcomes) => {
                self.judge(&outcomes);
                outcomes
            }
            Err(error) => {
                return group
                    .into_iter()
                    .for_each(|append| self.answer(append, Err(error.clone())));
            }
        };
        let durable = outcomes.iter().flatten().filter(|outcome| outcome.is_ok()).count();
        self.metrics.commit_seconds.observe_duration(stopwatch.elapsed());
        self.metrics.commit_items.observe(durable as f64);
        let alone = group.len() == 1;
        for (append, outcomes) in group.into_iter().zip(outcomes) {
            self.note(&append, &outcomes);
            match first_failure(&outcomes) {
                // The batch was refused for something in it: whoever is not too large passes alone.
                Some(code) if fault::is_too_large(code) && !alone => {
                    self.append_and_answer(vec![append]);
                }
                Some(code) => {
                    let error = self.failure(&append, code);
                    self.answer(append, Err(error));
                }
                None => {
                    let appended = place(&append, &outcomes);
                    self.answer(append, Ok(appended));
                }
            }
        }
    }

    /// Hands a group to the cluster; the outcomes of each append's items.
    fn deliver(&mut self, group: &[Admitted]) -> Result<Vec<Vec<Outcome>>, LogError> {
        if self.away && self.tails.check_open().is_err() {
            let detail = "the log is closed, and the cluster was away before".to_owned();
            return Err(fault::unavailable(&self.cluster, detail));
        }
        if self.producer.is_none() {
            self.producer = Some(Producer::new(&self.cluster)?);
        }
        let Some(producer) = &self.producer else { return Err(LogError::Closed) };
        let now_ms = self.clock.now_us().div_euclid(1_000).max(1);
        let mut records = Vec::with_capacity(group.iter().map(|append| append.items.len()).sum());
        for append in group {
            for item in &append.items {
                let last_ms = &mut self.appended_ms[append.topic.index()][item.partition as usize];
                *last_ms = now_ms.max(*last_ms);
                records.push(Record {
                    topic: append.topic,
                    partition: item.partition,
                    key: &item.key,
                    payload: &item.payload,
                    headers: &item.headers,
                    appended_ms: *last_ms,
                });
            }
        }
        millrace_runtime::crash::point("log.append.before_write");
        let (outcomes, usable) = producer.deliver(&self.cluster, &records);
        millrace_runtime::crash::point("log.append.after_commit");
        drop(records);
        let mut outcomes = outcomes.into_iter();
        let outcomes = group
            .iter()
            .map(|append| outcomes.by_ref().take(append.items.len()).collect())
            .collect();
        if !usable {
            self.producer = None;
        }
        Ok(outcomes)
    }

    /// Whether the cluster is away, and whether the producer is of use after what it was told.
    fn judge(&mut self, outcomes: &[Vec<Outcome>]) {
        let codes = || outcomes.iter().flatten().filter_map(|outcome| outcome.err());
        self.away = codes().any(|code| code == Code::MessageTimedOut);
        if codes().any(fault::is_refusal) {
            // It would remember the refusal, and not ask again for minutes.
            self.producer = None;
        }
    }

    /// Answers appends for which `log.disk_bytes_max` leaves no room; the others.
    fn refuse_what_has_no_room(&mut self, group: Vec<Admitted>) -> Vec<Admitted> {
        let Some(bytes_max) = self.disk_bytes_max else { return group };
        let wanted: usize = group.iter().map(|append| append.bytes).sum();
        let mut held = match self.counter.held(wanted, bytes_max) {
            Ok(held) => held,
            Err(error) => {
                for append in group {
                    self.answer(append, Err(error.clone()));
                }
                return Vec::new();
            }
        };
        let mut fitting = Vec::with_capacity(group.len());
        for append in group {
            if held + append.bytes as u64 <= bytes_max {
                held += append.bytes as u64;
                fitting.push(append);
            } else {
                let place = format!("Kafka at {}", self.cluster.brokers());
                self.answer(append, Err(LogError::DiskFull { place }));
            }
        }
        fitting
    }

    /// Takes note of what is durable, whatever became of the rest of its call.
    fn note(&self, append: &Admitted, outcomes: &[Outcome]) {
        for (item, outcome) in append.items.iter().zip(outcomes) {
            let Ok(offset) = *outcome else { continue };
            self.counter.saw(append.topic, item.partition, offset, item.cost());
        }
        for (partition, next) in tails_after(append, outcomes) {
            self.tails.advance(append.topic, partition, next);
        }
    }

    fn failure(&self, append: &Admitted, code: Code) -> LogError {
        let topic = self.cluster.topic(append.topic);
        let heard = self.producer.as_ref().and_then(Producer::heard);
        let doing = match heard {
            Some(words) => format!("appending to {topic} ({words})"),
            None => format!("appending to {topic}"),
        };
        if fault::is_too_large(code) {
            let detail = format!("{doing}: {code}");
            return LogError::Refused { brokers: self.cluster.brokers(), detail };
        }
        fault::of_code(&self.cluster, &doing, code, None)
    }

    fn answer(&self, append: Admitted, result: Result<Appended, LogError>) {
        self.metrics.answered(append.bytes);
        if result.is_ok() {
            self.metrics.appended(append.topic, append.items.len(), append.bytes);
        }
        // A caller that went away does not take its append back.
        let _ = append.reply.send(result);
    }
}

fn first_failure(outcomes: &[Outcome]) -> Option<Code> {
    outcomes.iter().find_map(|outcome| outcome.err())
}

/// Where each partition ends after a call: moved there in one step, so that no reader sees half of the call.
fn tails_after(append: &Admitted, outcomes: &[Outcome]) -> BTreeMap<u32, i64> {
    let mut tails = BTreeMap::new();
    for (item, outcome) in append.items.iter().zip(outcomes) {
        let Ok(offset) = *outcome else { continue };
        let next: &mut i64 = tails.entry(item.partition).or_default();
        *next = (*next).max(offset + 1);
    }
    tails
}

fn place(append: &Admitted, outcomes: &[Outcome]) -> Appended {
    let pairs = append.items.iter().zip(outcomes.iter().flatten());
    let offsets =
        pairs.map(|(item, offset)| Position { partition: item.partition, offset: *offset });
    Appended { offsets: offsets.collect() }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[test]
    fn a_partition_s_end_moves_once_for_a_call_and_past_all_of_it() {
        let check = |outcomes: &[(u32, Outcome)], expected: &[(u32, i64)]| {
            let room = Arc::new(Semaphore::new(1)).try_acquire_owned().expect("it is free");
            let address = |(partition, _): &(u32, Outcome)| Addressed {
                partition: *partition,
                key: Vec::new(),
                payload: Bytes::new(),
                headers: Headers::NONE,
            };
            let append = Admitted {
                topic: Topic::NetworkEntries,
                items: outcomes.iter().map(address).collect(),
                bytes: 0,
                reply: tokio::sync::oneshot::channel().0,
                _room: room,
            };
            let outcomes: Vec<Outcome> = outcomes.iter().map(|(_, outcome)| *outcome).collect();
            let found: Vec<(u32, i64)> = tails_after(&append, &outcomes).into_iter().collect();
            assert_eq!(found, expected, "{outcomes:?}");
        };
        check(&[], &[]);
        check(&[(0, Ok(4)), (0, Ok(5)), (0, Ok(6))], &[(0, 7)]);
        check(&[(2, Ok(0)), (0, Ok(9)), (2, Ok(1))], &[(0, 10), (2, 2)]);
        check(&[(1, Err(Code::MessageTimedOut)), (0, Ok(3))], &[(0, 4)]);
    }
}
