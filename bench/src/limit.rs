//! The limit that verification alone sets: the same frames, from memory, on as many threads as there are
//! cores, each account's frames on one of them; nothing is written anywhere.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use millrace_atproto::crypto::PublicKey;
use millrace_atproto::frame::Frame;
use millrace_atproto::sync::{ChainState, Limits, verify_commit};
use millrace_runtime::clock::{Clock, Stopwatch, SystemClock};
use millrace_runtime::supervise::spawn_thread;
use millrace_sim::frame_file::Recorded;

/// Frames a second that can be verified.
pub fn measure(frames: &[Recorded], keys: &Arc<HashMap<String, PublicKey>>) -> Result<f64> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut shards: Vec<Vec<Recorded>> = vec![Vec::new(); threads];
    let mut places = HashMap::new();
    for frame in frames {
        let Frame::Commit(commit) = Frame::parse(&frame.frame)? else { continue };
        let next = places.len() % threads;
        let at = *places.entry(commit.repo.to_owned()).or_insert(next);
        shards[at].push(frame.clone());
    }
    let count: usize = shards.iter().map(Vec::len).sum();
    let watch = Stopwatch::start();
    let threads = shards.into_iter().enumerate().map(|(at, shard)| {
        let keys = Arc::clone(keys);
        Ok(spawn_thread(format!("verify-{at}"), move || verify(&shard, &keys))?)
    });
    for thread in threads.collect::<Result<Vec<_>>>()? {
        match thread.join() {
            Ok(verified) => verified?,
            Err(_) => bail!("a thread that verifies panicked"),
        }
    }
    Ok(count as f64 / watch.elapsed().as_secs_f64())
}

fn verify(frames: &[Recorded], keys: &HashMap<String, PublicKey>) -> Result<()> {
    let now_us = SystemClock.now_us();
    let limits = Limits::default();
    let mut chains: HashMap<String, ChainState> = HashMap::new();
    for recorded in frames {
        let Frame::Commit(frame) = Frame::parse(&recorded.frame)? else { continue };
        let key = keys.get(frame.repo).context("an account without a key")?;
        let prior = chains.get(frame.repo);
        let verified = verify_commit(&frame, key, prior, now_us, &limits)
            .map_err(|reject| anyhow::anyhow!("frame {} is rejected: {reject}", recorded.seq))?;
        match chains.get_mut(frame.repo) {
            Some(chain) => *chain = verified.chain,
            None => drop(chains.insert(frame.repo.to_owned(), verified.chain)),
        }
    }
    Ok(())
}
