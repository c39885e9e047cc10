//! The frames that are sent: made once from a seed, kept in a file, read into memory before anything is timed.
//! Each is one `#commit` with one operation, of a repository with 2,000 records and more.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use millrace_atproto::car::{CarLimits, CarSlice};
use millrace_atproto::crypto::PublicKey;
use millrace_atproto::frame::Frame;
use millrace_sim::Mix;
use millrace_sim::frame_file::{self, FrameFile, Header, Recipe, Recorded};

use crate::plan::Sizes;

/// When the first frame was made: March 2026, after everything in the large store.
const START_US: i64 = 1_772_323_200_000_000;
const SEED: u64 = 5;
/// Frames that are taken apart to learn of how many blocks they are.
const LOOKED_AT: usize = 2_000;

/// All of them.
pub struct Frames {
    pub header: Header,
    pub frames: Vec<Recorded>,
    /// How many come before the measured ones: each account with its profile.
    pub before: usize,
}

/// What they are like.
#[derive(Clone, Copy, Debug)]
pub struct Likeness {
    pub mean_bytes: f64,
    pub mean_blocks: f64,
}

impl Frames {
    /// Reads the file of these sizes, made first if it is not there.
    pub fn prepare(dir: &Path, sizes: &Sizes, rounds: usize) -> Result<Self> {
        let measured = sizes.verified_frames.max(sizes.unverified_frames * rounds);
        let recipe = Recipe {
            seed: SEED,
            accounts: sizes.frame_accounts,
            repo_records: sizes.repo_records,
            mix: Mix::Simple,
            commits: u64::from(sizes.frame_accounts) + measured as u64,
            start_us: START_US,
        };
        let path = dir.join(format!("frames-{}-{}", recipe.accounts, recipe.commits));
        let same = FrameFile::open(&path).is_ok_and(|file| file.header().recipe == recipe);
        if let Some(frames) = same.then(|| Self::read(&path)).and_then(Result::ok) {
            return Ok(frames);
        }
        frame_file::write(&path, &recipe).context("making the frames")?;
        Self::read(&path)
    }

    fn read(path: &Path) -> Result<Self> {
        let mut file = FrameFile::open(path)?;
        let header = file.header().clone();
        let mut frames = Vec::new();
        while let Some(frame) = file.next_frame()? {
            frames.push(frame);
        }
        let accounts = header.accounts.len();
        let commits = frames.iter().enumerate().filter(|(_, frame)| is_commit(frame));
        let before = commits.map(|(at, _)| at).nth(accounts).context("too few frames")?;
        Ok(Self { header, frames, before })
    }

    /// The sequence number of the frame before this place.
    pub fn seq_before(&self, at: usize) -> i64 {
        self.frames[..at].last().map_or(0, |frame| frame.seq)
    }

    pub fn keys(&self) -> Result<HashMap<String, PublicKey>> {
        let accounts = self.header.accounts.iter();
        accounts.map(|it| Ok((it.did.clone(), PublicKey::from_multibase(&it.key)?))).collect()
    }

    /// Checks that they are as large as those outside.
    pub fn likeness(&self) -> Result<Likeness> {
        let measured = &self.frames[self.before..];
        let bytes: usize = measured.iter().map(|frame| frame.frame.len()).sum();
        let mut blocks = 0;
        let looked_at = &measured[..measured.len().min(LOOKED_AT)];
        for recorded in looked_at {
            let Frame::Commit(commit) = Frame::parse(&recorded.frame)? else { continue };
            blocks += CarSlice::parse(commit.blocks, &CarLimits::COMMIT)?.blocks().len();
        }
        let likeness = Likeness {
            mean_bytes: bytes as f64 / measured.len() as f64,
            mean_blocks: blocks as f64 / looked_at.len() as f64,
        };
        ensure!(likeness.mean_bytes >= 4_000.0, "frames are too small: {likeness:?}");
        ensure!(likeness.mean_blocks >= 5.0, "frames have too few blocks: {likeness:?}");
        Ok(likeness)
    }
}

fn is_commit(recorded: &Recorded) -> bool {
    matches!(Frame::parse(&recorded.frame), Ok(Frame::Commit(_)))
}
