//! Homes as they are read over HTTP by programs of their readers, each with a token of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use millrace_atproto::crypto::sha256;
use millrace_atproto::syntax::Did;
use millrace_runtime::clock::{Clock, Stopwatch, SystemClock};
use millrace_runtime::rng::Rng;
use millrace_runtime::supervise::TaskSet;
use rusqlite::Connection;
use serde::Deserialize;

use crate::reads::Times;

const SOURCE: &str = "x-feed-source";
const LIMIT: u32 = 50;

/// Gives every reader the token of a program that may read, as they would make it for one in their settings. Their PDS
/// is made up and signs nobody in, so that it is written where the program keeps it; the program must have ended.
pub fn tokens(data: &Path, readers: &[Did]) -> Result<()> {
    let mut file = Connection::open(data.join("session.db"))?;
    let now_us = SystemClock.now_us();
    let tx = file.transaction()?;
    for (at, did) in readers.iter().enumerate() {
        tx.execute(
            "INSERT INTO api_token (token_digest, token_id, did, name, scopes, created_at_us)
             VALUES (?1, ?2, ?3, 'bench', 'read', ?4)",
            (sha256(token(at).as_bytes()), format!("bench-{at}"), did.as_str(), now_us),
        )?;
    }
    Ok(tx.commit()?)
}

fn token(at: usize) -> String {
    format!("millrace_bench-{at}")
}

/// Who reads, by number.
#[derive(Clone)]
pub struct Readers {
    url: String,
    http: reqwest::Client,
}

/// How long pages took, and where they came from.
#[derive(Debug, Default)]
pub struct Asked {
    pub times: Times,
    pub sources: Sources,
    /// The same of first pages alone.
    pub first_sources: Sources,
}

/// How many pages came from where.
type Sources = BTreeMap<String, usize>;

/// Of a hundred pages, those that came from there.
pub fn percent(sources: &Sources, source: &str) -> f64 {
    let all: usize = sources.values().sum();
    let of_it = sources.get(source).copied().unwrap_or(0);
    of_it as f64 * 100.0 / all as f64
}

/// One answer.
struct Page {
    ms: f64,
    source: String,
    is_first: bool,
}

/// What of an answer leads to the next page.
#[derive(Deserialize)]
struct Onward {
    cursor: Option<String>,
}

impl Readers {
    pub fn new(url: &str) -> Result<Self> {
        let http = reqwest::Client::builder().no_proxy().http1_only().build()?;
        Ok(Self { url: url.to_owned(), http })
    }

    /// First pages of these readers' homes, so many at a time.
    pub async fn ask(
        &self,
        readers: impl IntoIterator<Item = usize>,
        at_a_time: usize,
    ) -> Result<Asked> {
        let turns = readers.into_iter().map(Turn::Reads).collect();
        self.take(turns, at_a_time, Arc::new(|_| Ok(()))).await
    }

    /// What readers do, in turn, so many at a time.
    pub async fn take(
        &self,
        turns: Vec<Turn>,
        at_a_time: usize,
        write: Arc<WriteBy>,
    ) -> Result<Asked> {
        let turns = Arc::new(turns);
        let next = Arc::new(AtomicUsize::new(0));
        let mut askers = TaskSet::new();
        for asker in 0..at_a_time {
            let (turns, next, this) = (Arc::clone(&turns), Arc::clone(&next), self.clone());
            let write = Arc::clone(&write);
            askers.spawn(format!("bench.home.{asker}"), async move {
                let mut pages = Vec::new();
                while let Some(turn) = turns.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match turn {
                        Turn::Reads(reader) => pages.push(this.page(*reader, None).await?.0),
                        Turn::ReadsOn(reader) => {
                            let (first, body) = this.page(*reader, None).await?;
                            // Read here alone: who asks takes time from who answers.
                            let Onward { cursor } = serde_json::from_slice(body.as_ref())?;
                            pages.push(first);
                            if let Some(next) = cursor {
                                pages.push(this.page(*reader, Some(&next)).await?.0);
                            }
                        }
                        Turn::Writes(who) => write(*who)?,
                    }
                }
                anyhow::Ok(pages)
            });
        }
        let mut asked = Asked::default();
        let mut times = Vec::new();
        while let Some(pages) = askers.join_next().await {
            for Page { ms, source, is_first, .. } in pages?.1? {
                times.push(ms);
                if is_first {
                    *asked.first_sources.entry(source.clone()).or_default() += 1;
                }
                *asked.sources.entry(source).or_default() += 1;
            }
        }
        asked.times = Times::of(times);
        Ok(asked)
    }

    /// A page, and its body.
    async fn page(
        &self,
        reader: usize,
        cursor: Option<&str>,
    ) -> Result<(Page, impl AsRef<[u8]> + use<>)> {
        let watch = Stopwatch::start();
        let url = format!("{}/api/v1/posts?mode=ranked&limit={LIMIT}", self.url);
        let request = self.http.get(&url).bearer_auth(token(reader));
        let request =
            cursor.iter().fold(request, |request, cursor| request.query(&[("cursor", cursor)]));
        let answer = request.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await?;
        let ms = watch.elapsed().as_secs_f64() * 1e3;
        ensure!(status.is_success(), "{url}: {status} {}", String::from_utf8_lossy(&body));
        let source = headers.get(SOURCE).context("no x-feed-source")?.to_str()?.to_owned();
        Ok((Page { ms, source, is_first: cursor.is_none() }, body))
    }
}

/// What somebody does: reads the first page of their home, or writes a post; without a number an author does.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    Reads(usize),
    /// … and the page after it.
    ReadsOn(usize),
    Writes(Option<usize>),
}

type WriteBy = dyn Fn(Option<usize>) -> Result<()> + Send + Sync;

/// Draws of a crowd by Zipf's law with the exponent 1: the second comes half as often as the first.
pub struct Zipf {
    rng: Rng,
    /// How often any of the first so many comes.
    sums: Vec<f64>,
}

impl Zipf {
    pub fn new(count: usize, seed: u64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=count).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        Self { rng: Rng::seeded(seed), sums: sums.collect() }
    }

    pub fn draw(&self) -> usize {
        let total = self.sums.last().copied().unwrap_or_default();
        let at = self.rng.below(1 << 40) as f64 / (1_u64 << 40) as f64 * total;
        self.sums.partition_point(|sum| *sum < at)
    }
}

#[cfg(test)]
mod tests {
    use super::Zipf;

    #[test]
    fn the_first_comes_twice_as_often_as_the_second() {
        let zipf = Zipf::new(100, 1);
        let mut counts = [0_u32; 100];
        for _ in 0..100_000 {
            counts[zipf.draw()] += 1;
        }
        let ratio = f64::from(counts[0]) / f64::from(counts[1]);
        assert!((1.9..2.1).contains(&ratio), "{ratio}");
        assert!(counts[99] > 100);
    }
}
