//! When each listed point is reached.

use millrace_runtime::crash::POINTS;

/// What a process must be doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// Start on nothing.
    Fresh,
    /// Start.
    Start,
    /// Work through what comes.
    Work,
    /// Meet an account nobody has heard of.
    Stranger,
    /// Drain.
    Drain,
    /// Make its tables anew.
    Rebuild,
}

impl Way {
    pub fn of(point: &str) -> Self {
        match point.split_once('.').unwrap_or((point, "")) {
            ("store", step) if step.starts_with("migrate.") => Self::Fresh,
            ("store", step) if step.starts_with("close.") => Self::Drain,
            ("log", step) if step.starts_with("close.") => Self::Drain,
            ("log", step) if step.starts_with("retain.") => Self::Start,
            ("dictionary", _) => Self::Stranger,
            ("rebuild", _) => Self::Rebuild,
            _ => Self::Work,
        }
    }

    /// When its points come.
    pub fn turn(self) -> u8 {
        match self {
            Self::Fresh => 0,
            Self::Rebuild => 1,
            Self::Start | Self::Work | Self::Stranger | Self::Drain => 2,
        }
    }

    /// Whether it is reached while entries are in flight.
    pub fn is_under_load(self) -> bool {
        !matches!(self, Self::Fresh | Self::Start)
    }
}

/// What only a program reaches in which people read and write: `homes.rs` and `posting.rs` kill there.
const OF_PEOPLE: [&str; 2] = ["feeds.", "posts."];

/// All that a program on this store can reach.
pub fn on(store: &str) -> Vec<&'static str> {
    let names = POINTS.iter().map(|(name, _)| *name);
    let names = names.filter(|name| !OF_PEOPLE.iter().any(|kind| name.starts_with(kind)));
    names.filter(|name| store == "sqlite" || !name.starts_with("store.wal.")).collect()
}

/// One of each kind.
pub const FEW: &[&str] = &[
    "store.migrate.before_commit",
    "log.append.before_commit",
    "ingest.append.after_log",
    "ingest.checkpoint.before_cursor",
    "projection.apply.before_commit",
    "outbox.relay.after_append",
    "log.close.before_checkpoint",
];

#[test]
fn the_few_are_among_all() {
    let all = on("sqlite");
    assert!(FEW.iter().all(|point| all.contains(point)), "{FEW:?}");
}
