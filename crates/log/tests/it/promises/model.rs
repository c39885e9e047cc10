//! Random operations on the log and on a vector beside it: both must tell the same.

use std::time::Duration;

use millrace_log::{
    Append, Headers, ITEM_FRAME_BYTES, Item, Log, LogError, READ_BYTES_MAX, Retention, Topic,
};
use proptest::prelude::{Just, Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use proptest::{collection, prop_assert_eq, prop_oneof};
use tokio::runtime::Handle;

use crate::site::Site;

#[derive(Debug, Clone)]
enum Op {
    /// Key and size of each item.
    Append(Topic, Vec<(u8, usize)>),
    /// Partition, distance from the tail, bytes.
    Read(Topic, u32, i64, usize),
    /// Age in seconds, bytes, distance of every floor from its tail.
    Retain(Topic, Option<i64>, Option<u64>, i64),
    Advance(u64),
    SetBack(u64),
    Reopen,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let topic = || prop_oneof![Just(Topic::NetworkEntries), Just(Topic::DataplaneChanges)];
    let size = prop_oneof![4 => 0..200_usize, 2 => 200..10_000_usize, 1 => 10_000..100_000_usize];
    let sizes = collection::vec((any::<u8>(), size), 0..12);
    let op = prop_oneof![
        6 => (topic(), sizes).prop_map(|(topic, sizes)| Op::Append(topic, sizes)),
        6 => (topic(), 0..3_u32, -3..30_i64, prop_oneof![0..20_000_usize, Just(usize::MAX)])
            .prop_map(|(topic, partition, back, bytes)| Op::Read(topic, partition, back, bytes)),
        2 => (topic(), any::<Option<u8>>(), any::<Option<u16>>(), -2..8_i64)
            .prop_map(|(t, age, bytes, back)| Op::Retain(t, age.map(i64::from), bytes.map(|b| u64::from(b) * 8), back)),
        2 => (0..100_u64).prop_map(Op::Advance),
        1 => (0..20_u64).prop_map(Op::SetBack),
        1 => Just(Op::Reopen),
    ];
    collection::vec(op, 1..40)
}

/// A partition as a vector: what was ever appended, and where it begins now.
#[derive(Debug, Clone, Default)]
struct Model {
    items: Vec<Item>,
    oldest: usize,
}

impl Model {
    fn append(&mut self, now_us: i64, item: Append) {
        let last_us = self.items.last().map_or(0, |item| item.appended_us);
        let (offset, appended_us) = (self.items.len() as i64, now_us.max(last_us));
        let Append { payload, headers, .. } = item;
        self.items.push(Item { offset, appended_us, payload, headers });
    }

    fn read(&self, from: i64, bytes_max: usize) -> Result<Vec<Item>, LogError> {
        let tail = self.items.len() as i64;
        if from >= tail {
            return Ok(Vec::new());
        }
        if from < self.oldest as i64 {
            return Err(LogError::Truncated { oldest: self.oldest as i64 });
        }
        let mut room = bytes_max.min(READ_BYTES_MAX) as i64;
        let fits = |item: &&Item| {
            let first = item.offset == from;
            room -= cost(item) as i64;
            first || room >= 0
        };
        Ok(self.items[from as usize..].iter().take_while(fits).cloned().collect())
    }

    fn retain(&mut self, before_us: Option<i64>, bytes_max: Option<u64>, floor: i64) -> u64 {
        let mut removed = 0;
        while let Some(first) = self.items.get(self.oldest) {
            let bytes: u64 = self.items[self.oldest..].iter().map(cost).sum();
            let old = before_us.is_some_and(|before_us| first.appended_us < before_us);
            let much = bytes_max.is_some_and(|bytes_max| bytes > bytes_max);
            if first.offset >= floor || !(old || much) {
                break;
            }
            self.oldest += 1;
            removed += 1;
        }
        removed
    }
}

fn cost(item: &Item) -> u64 {
    (item.payload.len() + item.headers.bytes() + ITEM_FRAME_BYTES) as u64
}

/// Some items have some.
fn headers(key: u8) -> Headers {
    let mut headers = Headers::NONE;
    for n in 0..key % 4 {
        headers.push(format!("n{n}"), vec![key; usize::from(key)]).unwrap();
    }
    headers
}

pub async fn it_does_what_a_vector_does(site: Site) {
    let handle = Handle::current();
    tokio::task::block_in_place(|| {
        let mut runner = TestRunner::new(Config {
            failure_persistence: None,
            ..Config::with_cases(site.cases())
        });
        let outcome = runner.run(&ops(), |ops| handle.block_on(try_ops(&site.another(), ops)));
        outcome.map_err(|failure| failure.to_string()).unwrap();
    });
}

async fn try_ops(site: &Site, ops: Vec<Op>) -> Result<(), proptest::test_runner::TestCaseError> {
    use millrace_runtime::clock::Clock as _;

    let mut log = site.open();
    let mut models = Topic::ALL.map(|topic| vec![Model::default(); log.partitions(topic) as usize]);
    let index = |topic: Topic| Topic::ALL.iter().position(|known| *known == topic).unwrap();
    for op in ops {
        let now_us = site.clock.now_us();
        match op {
            Op::Append(topic, sizes) => {
                append(&log, topic, &sizes, now_us, &mut models[index(topic)]).await?
            }
            Op::Read(topic, partition, back, bytes_max) => {
                let partition = partition % log.partitions(topic);
                let model = &models[index(topic)][partition as usize];
                let from = model.items.len() as i64 - back;
                prop_assert_eq!(
                    log.read(topic, partition, from, bytes_max).await,
                    model.read(from, bytes_max)
                );
            }
            Op::Retain(topic, age_s, bytes_max, back) => {
                let models = &mut models[index(topic)];
                let floors: Vec<_> =
                    models.iter().map(|model| model.items.len() as i64 - back).collect();
                let share = bytes_max.map(|bytes| bytes / models.len() as u64);
                let before_us = age_s.map(|age| now_us - age * 1_000_000);
                let pairs = models.iter_mut().zip(&floors);
                let expected: u64 =
                    pairs.map(|(model, floor)| model.retain(before_us, share, *floor)).sum();
                let age_us = age_s.map(|age| age * 1_000_000);
                let removed = log.retain(topic, &Retention { age_us, bytes_max, floors }).await;
                prop_assert_eq!(removed.map(|removed| removed.items), Ok(expected));
            }
            Op::Advance(seconds) => site.clock.advance(Duration::from_secs(seconds)),
            Op::SetBack(seconds) => site.clock.set_us(now_us - seconds as i64 * 1_000_000),
            Op::Reopen => log = site.reopen(log).await,
        }
        // Nothing is written to the others.
        for (topic, models) in Topic::ALL.into_iter().zip(&models).take(2) {
            for (partition, model) in (0..).zip(models) {
                prop_assert_eq!(log.tail(topic, partition).await, Ok(model.items.len() as i64));
                prop_assert_eq!(log.oldest(topic, partition).await, Ok(model.oldest as i64));
            }
        }
    }
    Ok(())
}

async fn append(
    log: &Log,
    topic: Topic,
    sizes: &[(u8, usize)],
    now_us: i64,
    models: &mut [Model],
) -> Result<(), proptest::test_runner::TestCaseError> {
    let item = |(key, bytes): &(u8, usize)| {
        Append::new(vec![*key], vec![*key; *bytes]).with_headers(headers(*key))
    };
    let items: Vec<_> = sizes.iter().map(item).collect();
    let appended = log.append(topic, items.clone()).await.unwrap();
    prop_assert_eq!(appended.offsets.len(), items.len());
    for (item, at) in items.into_iter().zip(appended.offsets) {
        let model = &mut models[at.partition as usize];
        prop_assert_eq!(at.partition, log.partition_of(topic, &item.key));
        prop_assert_eq!(at.offset, model.items.len() as i64);
        model.append(now_us, item);
    }
    Ok(())
}
