//! Who is there: an author whom some follow, others each followed by as many, and readers.

use anyhow::{Context, Result};
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::{Clock, SystemClock};
use millrace_runtime::rng::Rng;
use millrace_sim::records::{self, Draft};
use millrace_sim::repo::Write;
use millrace_sim::{Mix, Network, SimConfig};

use crate::load::Texts;
use crate::plan::Sizes;

const SEED: u64 = 13;
/// Authors beside the first one, and how many of them a reader follows.
const AUTHORS: usize = 50;
const FOLLOWED: usize = 5;
/// Readers who follow all of them.
const HEAVY: usize = 100;

/// The network, and who is who in it.
pub struct Crowd {
    pub network: Network,
    rng: Rng,
    texts: Texts,
    first: Did,
    authors: Vec<Did>,
    pub readers: Vec<Did>,
    heavy: usize,
}

impl Crowd {
    /// A network in which everybody exists and follows whom they follow, and nobody has written.
    pub async fn start(sizes: &Sizes) -> Result<Self> {
        let readers = sizes.home_readers as usize;
        let config = SimConfig {
            seed: SEED,
            accounts: u32::try_from(readers + AUTHORS + 1)?,
            hosts: 1,
            mix: Mix::Simple,
            history_writes: 0,
            writes_per_s: 0.0,
            account_events_per_mille: 0,
            ..SimConfig::default()
        };
        let network = Network::start(&config, SystemClock::shared()).await?;
        let dids: Result<Vec<Did>, _> =
            network.accounts().iter().map(|it| Did::parse(&it.did)).collect();
        let mut dids = dids?;
        let (authors, first) = (dids.split_off(readers + 1), dids.pop());
        let first = first.context("no accounts")?;
        let heavy = HEAVY.min(readers / 10);
        let crowd = Self {
            network,
            rng: Rng::seeded(SEED),
            texts: Texts,
            first,
            authors,
            readers: dids,
            heavy,
        };
        crowd.follow()?;
        Ok(crowd)
    }

    /// How many follow the first author.
    pub fn followers(&self) -> usize {
        self.readers.len() / 10
    }

    /// Readers who follow everybody.
    pub fn heavy(&self) -> &[Did] {
        &self.readers[..self.heavy]
    }

    fn follow(&self) -> Result<()> {
        self.network.change(|world| {
            let now_us = SystemClock.now_us();
            for (at, reader) in self.readers.iter().enumerate() {
                let all = at < self.heavy;
                let count = if all { AUTHORS } else { FOLLOWED };
                let others =
                    (0..count).map(|number| &self.authors[(at * FOLLOWED + number) % AUTHORS]);
                let followed = others.chain((at < self.followers()).then_some(&self.first));
                let writes = followed.map(|other| Write::Put {
                    path: format!("app.bsky.graph.follow/{}", world.tid(now_us)),
                    record: records::follow(other, now_us),
                });
                let writes: Vec<Write> = writes.collect();
                world.commit(reader, now_us, &writes)?;
            }
            Ok(())
        })
    }

    /// The first author writes so many posts; into how many homes they go.
    pub fn first_posts(&self, posts: usize) -> (usize, impl FnOnce() -> Result<()>) {
        (posts * self.followers(), move || self.say((0..posts).map(|_| &self.first)))
    }

    /// All the others write, in turns, so many posts each; into how many homes they go.
    pub fn others_post(&self, each: usize) -> (usize, impl FnOnce() -> Result<()>) {
        let light = (self.readers.len() - self.heavy) * FOLLOWED;
        let homes = each * (light + self.heavy * AUTHORS);
        (homes, move || self.say((0..each).flat_map(|_| &self.authors)))
    }

    /// Somebody writes a post: the account of this number among the readers, or an author.
    pub fn somebody_posts(&self, reader: Option<usize>) -> Result<()> {
        let author = usize::try_from(self.rng.below(AUTHORS as u64))?;
        self.say(std::iter::once(reader.map_or(&self.authors[author], |at| &self.readers[at])))
    }

    fn say<'d>(&self, authors: impl Iterator<Item = &'d Did>) -> Result<()> {
        let now_us = SystemClock.now_us();
        for (number, author) in (0..).zip(authors) {
            let at_us = now_us + number;
            let mut draft = Draft::new(self.texts.sentence(&self.rng), at_us);
            draft.langs = vec!["en".to_owned()];
            self.network.change(|world| {
                world.create_record(author, "app.bsky.feed.post", at_us, draft.encode())
            })?;
        }
        Ok(())
    }
}
