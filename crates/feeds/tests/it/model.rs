//! Random histories beside a small model: in whichever batches and order facts arrive, homes hold what they are to
//! hold (F2, F3), and nothing is left on its way (F4).

use std::collections::{BTreeMap, BTreeSet};

use millrace_runtime::rng::Rng;
use millrace_sim::entries::{FOLLOW, POST};
use millrace_store::testing::Engine;

use crate::harness::{BLOCK, Harness, REPOST, ref_to};
use millrace_feeds::config::FeedsConfig;

const PEOPLE: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Who reads here; the others only write.
const READERS: [&str; 3] = ["a", "b", "c"];
const STEPS: i64 = 60;

type Pair = (&'static str, &'static str);

/// What people wrote that is still there.
#[derive(Default)]
struct Model {
    follows: BTreeMap<Pair, String>,
    blocks: BTreeMap<Pair, String>,
    posts: BTreeSet<(&'static str, String)>,
    /// Who reposted which post: the repost's key.
    reposts: BTreeMap<(&'static str, &'static str, String), String>,
}

impl Model {
    fn apart(&self, one: &'static str, other: &'static str) -> bool {
        self.blocks.contains_key(&(one, other)) || self.blocks.contains_key(&(other, one))
    }

    fn shows(&self, user: &'static str, author: &'static str) -> bool {
        user == author || (self.follows.contains_key(&(user, author)) && !self.apart(user, author))
    }

    /// Every line there is to be, as the harness tells them.
    fn rows(&self) -> Vec<(String, String, String)> {
        let mut rows = Vec::new();
        for user in READERS {
            for (author, rkey) in &self.posts {
                if self.shows(user, author) {
                    rows.push((user.to_owned(), (*author).to_owned(), rkey.clone()));
                }
            }
            for (by, author, rkey) in self.reposts.keys() {
                let is_there = self.posts.contains(&(*author, rkey.clone()));
                if is_there && self.shows(user, by) && !self.apart(user, author) {
                    rows.push((user.to_owned(), (*author).to_owned(), format!("{rkey} reposted")));
                }
            }
        }
        rows.sort();
        rows
    }
}

async fn history(engine: Engine, seed: u64) {
    let Some(it) = Harness::open(engine, FeedsConfig::default()).await else { return };
    let (rng, mut model) = (Rng::seeded(seed), Model::default());
    for reader in READERS {
        it.reads(reader).await;
    }
    let pick = |of: usize| usize::try_from(rng.next_u64() % of as u64).unwrap();
    let mut told = Vec::new();
    for n in 0..STEPS {
        let (one, other) = (PEOPLE[pick(5)], PEOPLE[pick(5)]);
        match pick(10) {
            0..=2 => {
                let rkey = it.post(one, 10 * n).await;
                model.posts.insert((one, rkey));
            }
            3..=4 if one != other && !model.follows.contains_key(&(one, other)) => {
                let rkey = it.follow(one, other, 10 * n + 1).await;
                model.follows.insert((one, other), rkey);
            }
            5 => {
                let of_pair = model.follows.keys().nth(pick(8)).copied();
                if let Some(pair) = of_pair {
                    let rkey = model.follows.remove(&pair).unwrap();
                    it.gone(pair.0, FOLLOW, &rkey).await;
                }
            }
            6 if one != other && !model.blocks.contains_key(&(one, other)) => {
                let rkey = it.block(one, other, 10 * n + 2).await;
                model.blocks.insert((one, other), rkey);
            }
            7 => {
                if let Some((pair, rkey)) = model.blocks.pop_first() {
                    it.gone(pair.0, BLOCK, &rkey).await;
                }
            }
            8 => {
                let of = model.posts.iter().nth(pick(6)).cloned();
                if let Some((author, rkey)) = of
                    && !model.reposts.contains_key(&(one, author, rkey.clone()))
                {
                    let repost = it.repost(one, &ref_to(author, &rkey), 10 * n + 3).await;
                    model.reposts.insert((one, author, rkey), repost);
                }
            }
            _ => {
                let of = model.posts.iter().nth(pick(6)).cloned();
                if let Some((author, rkey)) = of {
                    it.gone(author, POST, &rkey).await;
                    model.posts.remove(&(author, rkey.clone()));
                    // Reposts of it stay in their accounts' repositories, and show nothing.
                    let keys: Vec<_> = model
                        .reposts
                        .keys()
                        .filter(|key| key.1 == author && key.2 == rkey)
                        .cloned()
                        .collect();
                    for key in keys {
                        let repost = model.reposts.remove(&key).unwrap();
                        it.gone(key.0, REPOST, &repost).await;
                    }
                }
            }
        }
        // Facts arrive later, several at once, and sometimes twice.
        told.extend(it.untold());
        if pick(3) == 0 {
            let batch = std::mem::take(&mut told);
            it.tell(batch.clone()).await;
            if pick(4) == 0 {
                it.tell(batch).await;
            }
            // … and jobs do their steps in between, in some order.
            match pick(4) {
                0 => drop(it.jobs.fan_out_step().await.unwrap()),
                1 => drop(it.jobs.settle_step().await.unwrap()),
                2 => drop(it.jobs.build_step().await.unwrap()),
                _ => {}
            }
        }
    }
    it.tell(told).await;
    it.settle().await;
    assert_eq!(it.rows().await, model.rows(), "seed {seed}");
    for table in ["fanout_job", "settle_job"] {
        assert_eq!(it.count(table).await, 0, "seed {seed}: {table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn homes_hold_what_they_are_to_hold_on_sqlite() {
    for seed in 0..25 {
        history(Engine::Sqlite, seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn homes_hold_what_they_are_to_hold_on_postgres() {
    for seed in 100..106 {
        history(Engine::Postgres, seed).await;
    }
}
