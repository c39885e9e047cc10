//! How much is measured: the whole, or a small version to try the machinery out.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};

use crate::reads::Kind;

/// The command line.
#[derive(Parser, Clone, Debug)]
#[command(name = "millrace-bench", about = "Measures Millrace; `make bench` starts it")]
pub struct Options {
    /// A small version of everything, to try the machinery out; its figures are not kept
    #[arg(long)]
    pub quick: bool,
    /// Measure only this; may be given several times. Figures are printed and not kept
    #[arg(long, value_enum)]
    pub only: Vec<Part>,
    /// Ask only this kind of question of the large store, warm: to look at it with a profiler
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,
    /// How often each figure is taken
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Keep the figures of a partial run in docs/ as well
    #[arg(long)]
    pub keep: bool,
    /// Leave the large store where it is, and take up one that was left: to try one thing after another.
    /// Nothing is written into it
    #[arg(long)]
    pub keep_store: bool,
    #[command(flatten)]
    pub place: Place,
}

/// What the set-up brings.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// The tree
    #[arg(long, env = "BENCH_ROOT", default_value = ".")]
    pub root: PathBuf,
    /// Where data lies while it is measured
    #[arg(long, env = "BENCH_DIR", default_value = "target/bench")]
    pub dir: PathBuf,
    /// The program that is measured
    #[arg(long, env = "MILLRACE_BIN")]
    pub program: PathBuf,
    /// A PostgreSQL server of this run's own
    #[arg(long, env = "BENCH_POSTGRES_URL")]
    pub postgres_url: Option<String>,
    /// Its process
    #[arg(long, env = "BENCH_POSTGRES_PID")]
    pub postgres_pid: Option<u32>,
    /// Node, for the reference AppView
    #[arg(long, env = "BENCH_NODE", default_value = "node")]
    pub node: PathBuf,
}

/// A part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Events a second, verified and not, and the limit
    Ingest,
    /// The time that answers take
    Reads,
    /// Bytes of a row on disk
    Bytes,
    /// From start to answers, and memory when idle
    Ready,
    /// Repositories of a network fetched whole
    Backfill,
    /// Posts on their way into homes, and homes read
    Homes,
    /// The reference AppView beside Millrace
    Reference,
}

impl Options {
    pub fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Whether anything is asked of the large store.
    pub fn wants_large_store(&self) -> bool {
        let other = [Part::Backfill, Part::Homes, Part::Reference];
        self.only.iter().any(|part| !other.contains(part)) || self.only.is_empty()
    }

    pub fn sizes(&self) -> Sizes {
        if self.quick { QUICK } else { FULL }
    }
}

/// Numbers of things.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Accounts whose frames are sent.
    pub frame_accounts: u32,
    /// Records in each of their repositories before the first frame.
    pub repo_records: u32,
    /// Frames of a verified round, on an empty store.
    pub verified_frames: usize,
    /// Frames of an unverified round, on the large store.
    pub unverified_frames: usize,
    /// Accounts of the large store.
    pub people: u32,
    pub posts: u32,
    pub likes: u32,
    pub follows: u32,
    pub reposts: u32,
    /// Viewers in each class.
    pub viewers: u32,
    /// Requests of a kind, concurrency and round.
    pub reads: usize,
    /// Requests after a start with nothing cached.
    pub cold_reads: usize,
    /// Requests before the memory of an idle process is looked at.
    pub idle_reads: usize,
    pub idle_s: u64,
    /// Repositories that are fetched, of `repo_records` each.
    pub fetched_repos: u32,
    /// Accounts that have a home.
    pub home_readers: u32,
    /// Posts that are written one by one, and at once by one author, and by each of many.
    pub home_posts: [usize; 3],
    /// What readers do, one after the other.
    pub home_turns: usize,
    /// Frames that the reference AppView takes, too.
    pub reference_frames: usize,
    pub reference_reads: usize,
}

const FULL: Sizes = Sizes {
    frame_accounts: 300,
    repo_records: 2_000,
    verified_frames: 30_000,
    unverified_frames: 40_000,
    people: 50_000,
    posts: 1_000_000,
    likes: 1_000_000,
    follows: 400_000,
    reposts: 150_000,
    viewers: 40,
    reads: 600,
    cold_reads: 90,
    idle_reads: 10_000,
    idle_s: 60,
    fetched_repos: 1_000,
    home_readers: 10_000,
    home_posts: [20, 200, 20],
    home_turns: 30_000,
    reference_frames: 12_000,
    reference_reads: 300,
};

const QUICK: Sizes = Sizes {
    frame_accounts: 100,
    repo_records: 2_000,
    verified_frames: 10_000,
    unverified_frames: 10_000,
    people: 5_000,
    posts: 60_000,
    likes: 60_000,
    follows: 40_000,
    reposts: 10_000,
    viewers: 8,
    reads: 120,
    cold_reads: 30,
    idle_reads: 500,
    idle_s: 5,
    fetched_repos: 100,
    home_readers: 1_000,
    home_posts: [5, 200, 10],
    home_turns: 2_000,
    reference_frames: 2_000,
    reference_reads: 60,
};
