//! Makes a network and writes what its relay says into a file.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use millrace_atproto::crypto::SigningKey;
use millrace_atproto::frame::Frame;
use millrace_atproto::syntax::Did;
use serde::{Deserialize, Serialize};

use super::{Digest, FrameFileError, Header, HeaderAccount, MAGIC, Summary, VERSION, frame_length};
use crate::config::{Mix, SimConfig};
use crate::population::Population;
use crate::world::World;

/// What the relay keeps meanwhile; frames are written as they come.
const KEPT_BYTES_MAX: u64 = 16 << 20;
/// Between two writes of the network.
const STEP_US: i64 = 2_000;

/// What a file is made from. The same recipe makes the same file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipe {
    pub seed: u64,
    pub accounts: u32,
    /// Records that each repository has before the first frame. 2,000 make frames of about 4 KB, as those
    /// outside are.
    pub repo_records: u32,
    pub mix: Mix,
    /// Commits to write, with filled repositories a profile of each account first; frames of identities
    /// and accounts come on top.
    pub commits: u64,
    /// When the first commit is made.
    pub start_us: i64,
}

impl Recipe {
    /// The accounts' own keys, for who asks in their name.
    ///
    /// # Errors
    /// As [`write`].
    pub fn signing_keys(&self) -> Result<Vec<(Did, SigningKey)>, FrameFileError> {
        let (world, _) = self.settle()?;
        let identities = world.accounts().map(|account| &account.identity);
        Ok(identities.map(|identity| (identity.did.clone(), identity.key.clone())).collect())
    }

    fn filling_us(&self) -> i64 {
        i64::from(self.repo_records + 1) * STEP_US
    }

    /// The network as it is before its repositories are filled.
    fn settle(&self) -> Result<(World, Population), FrameFileError> {
        let config = SimConfig {
            seed: self.seed,
            accounts: self.accounts,
            mix: self.mix,
            relay_bytes_max: KEPT_BYTES_MAX,
            ..SimConfig::default()
        };
        let settling_us = i64::from(self.accounts + 1) * STEP_US;
        let settled_us = self.start_us - self.filling_us() - settling_us;
        let mut world = World::new(&config, &[]);
        let population = Population::settle(&mut world, &config, settled_us)?;
        Ok((world, population))
    }
}

/// Writes a file.
///
/// # Errors
/// [`FrameFileError::Io`] if it cannot be written.
pub fn write(path: &Path, recipe: &Recipe) -> Result<Summary, FrameFileError> {
    let filling_us = recipe.filling_us();
    let (mut world, mut population) = recipe.settle()?;
    let mut file = Recorder::begin(path, recipe, &world)?;
    let filled = recipe.repo_records > 0;
    file.record(&world, !filled)?;
    population.fill_repos(&mut world, recipe.repo_records, recipe.start_us - filling_us)?;
    file.record(&world, false)?;
    let mut now_us = recipe.start_us;
    if filled {
        // What came before the records of the past has no successor in the file: everybody introduces
        // themselves again, so that each chain begins with a profile and has no gap.
        population.introduce(&mut world, now_us)?;
        file.record(&world, true)?;
        now_us += i64::from(recipe.accounts + 1) * STEP_US;
    }
    while file.commits < recipe.commits {
        population.write(&mut world, now_us)?;
        file.record(&world, true)?;
        now_us += STEP_US;
    }
    file.end()
}

/// A file that is being written.
struct Recorder {
    file: BufWriter<File>,
    digest: Digest,
    next_seq: i64,
    commits: u64,
    commits_max: u64,
    summary: Summary,
}

impl Recorder {
    fn begin(path: &Path, recipe: &Recipe, world: &World) -> Result<Self, FrameFileError> {
        let accounts = world.accounts().map(|account| HeaderAccount {
            did: account.identity.did.to_string(),
            handle: account.identity.handle.to_string(),
            key: account.identity.key.public().to_multibase(),
        });
        let header = Header { recipe: recipe.clone(), accounts: accounts.collect() };
        let header = serde_json::to_vec(&header)?;
        let length = u32::try_from(header.len())
            .map_err(|_| FrameFileError::HeaderTooLarge(header.len()))?;
        let mut head = MAGIC.to_vec();
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&header);
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(&head)?;
        Ok(Self {
            file,
            digest: Digest::of_head(&head),
            next_seq: 1,
            commits: 0,
            commits_max: recipe.commits,
            summary: Summary { frames: 0, bytes: 0, digest: String::new() },
        })
    }

    /// Writes what the relay has said since the last time, `commits` or only what is said of accounts.
    fn record(&mut self, world: &World, commits: bool) -> Result<(), FrameFileError> {
        for event in world.events_from(self.next_seq, usize::MAX) {
            self.next_seq = event.seq + 1;
            let time_us = match Frame::parse(&event.frame) {
                Ok(Frame::Sync(_)) | Err(_) => continue,
                Ok(Frame::Commit(_)) if !commits || self.commits == self.commits_max => continue,
                Ok(Frame::Commit(commit)) => {
                    self.commits += 1;
                    time_us(commit.time)
                }
                Ok(Frame::Identity(frame)) => time_us(frame.time),
                Ok(Frame::Account(frame)) => time_us(frame.time),
                Ok(_) => 0,
            };
            self.frame(event.seq, time_us, &event.frame)?;
        }
        Ok(())
    }

    fn frame(&mut self, seq: i64, time_us: i64, frame: &[u8]) -> Result<(), FrameFileError> {
        let mut part = frame_length(self.summary.frames, frame.len())?.to_le_bytes().to_vec();
        part.extend_from_slice(&seq.to_le_bytes());
        part.extend_from_slice(&time_us.to_le_bytes());
        part.extend_from_slice(frame);
        self.file.write_all(&part)?;
        self.digest.follow(&part);
        self.summary.frames += 1;
        self.summary.bytes += frame.len() as u64;
        Ok(())
    }

    fn end(mut self) -> Result<Summary, FrameFileError> {
        self.file.write_all(&0_u32.to_le_bytes())?;
        self.file.write_all(&self.summary.frames.to_le_bytes())?;
        self.file.write_all(&self.digest.0)?;
        self.file.flush()?;
        Ok(Summary { digest: self.digest.to_hex(), ..self.summary })
    }
}

fn time_us(time: &str) -> i64 {
    millrace_atproto::datetime::epoch_us(time).unwrap_or(0)
}
