//! Named places where a process kills itself as `kill -9` would, so that a run can show that nothing
//! is lost there. Nothing happens unless one is chosen: `MILLRACE_CRASH_AT=<name>:<nth>`, and with
//! `MILLRACE_CRASH_WHEN=<file>` nothing before that file is there.
//!
//! What must stay true: [`POINTS`] is the whole list and each of its names is passed to [`point`]
//! somewhere (`cargo xtask tidy` compares them), and a release build has none of it: there a point is
//! an empty function, unless the feature `crash-points` was asked for.
//!
//! A point that is not chosen costs one atomic load.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether this build has crash points.
pub const ENABLED: bool = cfg!(any(debug_assertions, feature = "crash-points"));

/// Which point, and which time of reaching it: `log.append.before_commit:3`.
pub const VARIABLE: &str = "MILLRACE_CRASH_AT";

/// A file that must be there for the chosen point to count.
pub const WHEN_VARIABLE: &str = "MILLRACE_CRASH_WHEN";

/// Every point: its name, and what is done and not yet done there.
pub const POINTS: &[(&str, &str)] = &[
    ("log.append.before_write", "a group of items was taken, nothing is written"),
    ("log.append.before_commit", "the items are written (Kafka: sent), not yet durable"),
    ("log.append.after_commit", "the items are durable, nobody was told"),
    ("log.retain.before_commit", "old items are removed, not yet durably"),
    ("log.retain.after_commit", "old items are gone, the oldest offset in memory is the old one"),
    ("log.close.before_checkpoint", "the log drains, its write-ahead log is not yet copied"),
    ("ingest.append.before_log", "entries are judged, the log does not have them"),
    ("ingest.append.after_log", "the log has the entries, no chain state and no cursor is saved"),
    ("ingest.checkpoint.before_rows", "a checkpoint begins, after its entries are durable"),
    ("ingest.checkpoint.before_cursor", "chain states are written, cursors are not"),
    ("ingest.checkpoint.before_commit", "chain states and cursors are written, not committed"),
    ("ingest.checkpoint.after_commit", "the checkpoint is committed, the sources do not know"),
    ("ingest.account.judged", "a status of an account is settled, its entry waits for the log"),
    ("ingest.identity.asked", "a handle was looked at, the outcome waits for the log"),
    ("ingest.resync.fetched", "a repository was fetched and verified, no part of it is in the log"),
    ("ingest.resync.between_parts", "one part of a repository is on its way, others follow"),
    ("ingest.resync.after_parts", "all parts are on their way, the account's state is not"),
    ("projection.apply.prepared", "a batch is decoded and has its ids, no transaction is open"),
    ("projection.apply.offset_moved", "the offset is moved in the transaction, no row is written"),
    ("projection.apply.within", "a batch's rows are written, its counters and facts are not"),
    ("projection.apply.before_commit", "offset and rows are written, not committed"),
    ("projection.apply.after_commit", "the batch is committed, the worker does not know"),
    ("dictionary.before_commit", "new ids are written, not committed"),
    ("dictionary.after_commit", "new ids are committed, not in the cache and not yet used"),
    ("outbox.relay.before_append", "facts were read, the log does not have them"),
    ("outbox.relay.after_append", "the log has the facts, the outbox has them still"),
    ("outbox.relay.after_delete", "the facts are deleted, the next batch was not looked at"),
    ("feeds.build.followed", "it is noted whom a new reader follows, their home has no lines"),
    ("feeds.fan_out.before_commit", "lines are written into homes, not committed"),
    ("feeds.fan_out.after_commit", "lines are in homes, nobody was told"),
    ("feeds.settle.stood", "a home knows of a follow, and has nothing of who is followed"),
    ("feeds.rescore.held", "posts are to be scored again and held, no line was looked at"),
    ("posts.intended", "the wish for a post is durable, its author's PDS was not asked"),
    ("posts.written", "the PDS has the post, nobody noted that"),
    ("posts.settled", "it is noted that the PDS has the post, its author does not know"),
    ("store.migrate.before_commit", "a domain's migrations ran, not committed"),
    ("store.migrate.after_commit", "a domain's migrations are committed, the next domain's wait"),
    ("store.wal.before_checkpoint", "SQLite's write-ahead log is about to be copied"),
    ("store.wal.after_checkpoint", "SQLite's write-ahead log is copied, not reset"),
    ("store.close.before_finish", "connections are closed, the write-ahead log is still there"),
    ("rebuild.copy.within", "a part of the base rows is replayed into the new tables"),
    ("rebuild.replay.within", "a part of the log is replayed into the new tables"),
    ("rebuild.swap.before", "the new tables have caught up, the old ones are served"),
    ("rebuild.swap.within", "the old tables are aside, the new ones are not yet in their place"),
    ("rebuild.swap.after", "the new tables are in place, the old ones are not yet removed"),
];

/// The process ends here if this point was chosen and this is the chosen time.
#[inline]
pub fn point(name: &'static str) {
    if ENABLED {
        reached(name);
    }
}

/// Whether an environment variable chooses a point. Where there are none it is an unknown setting.
pub fn reads(variable: &str) -> bool {
    ENABLED && [VARIABLE, WHEN_VARIABLE].contains(&variable)
}

/// What was chosen for this process.
struct Chosen {
    name: &'static str,
    nth: u64,
    when: Option<PathBuf>,
    reached: AtomicU64,
}

fn reached(name: &'static str) {
    static CHOSEN: OnceLock<Option<Chosen>> = OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| {
        let asked = std::env::var(VARIABLE).ok()?;
        // Whoever asks for a crash that cannot come must not take the run for one that survived it.
        Some(parse(&asked).unwrap_or_else(|| end(&format!("{VARIABLE}={asked} names no point"))))
    });
    let Some(chosen) = chosen.as_ref().filter(|chosen| chosen.name == name) else {
        return;
    };
    if chosen.when.as_ref().is_some_and(|file| !file.exists()) {
        return;
    }
    if chosen.reached.fetch_add(1, Ordering::Relaxed) + 1 == chosen.nth {
        end(&format!("crash point {name} reached {} times", chosen.nth));
    }
}

/// `name` or `name:nth`, counted from 1.
fn parse(asked: &str) -> Option<Chosen> {
    let (name, nth) = asked.split_once(':').unwrap_or((asked, "1"));
    let (name, _) = POINTS.iter().find(|(known, _)| *known == name)?;
    let nth = nth.parse().ok().filter(|nth| *nth > 0)?;
    let when = std::env::var_os(WHEN_VARIABLE).map(PathBuf::from);
    Some(Chosen { name, nth, when, reached: AtomicU64::new(0) })
}

/// Ends the process without any of its own code running afterwards: no destructor, no flush.
fn end(why: &str) -> ! {
    use std::io::Write as _;

    // What cannot be written is no reason to live on.
    let _ = writeln!(std::io::stderr(), "{why}");
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        // Should the signal be refused, the line below ends the process.
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_known_name_and_which_time() {
        let check = |asked: &str, expected: Option<(&str, u64)>| {
            let found = parse(asked).map(|chosen| (chosen.name, chosen.nth));
            assert_eq!(found, expected, "{asked}");
        };
        check("log.append.before_write", Some(("log.append.before_write", 1)));
        check("log.append.before_write:7", Some(("log.append.before_write", 7)));
        check("log.append.before_write:0", None);
        check("log.append.before_write:x", None);
        check("log.append", None);
        check("", None);
    }

    #[test]
    fn names_are_unique_and_say_where() {
        for (at, (name, meaning)) in POINTS.iter().enumerate() {
            assert!(POINTS.iter().skip(at + 1).all(|(other, _)| other != name), "{name} twice");
            assert!(name.split('.').count() >= 2 && !meaning.is_empty(), "{name}");
        }
    }

    #[test]
    fn a_point_nobody_chose_is_passed() {
        point("log.append.before_write");
    }

    /// The process that a test starts to see it end: this test binary again.
    #[test]
    #[cfg(unix)]
    fn the_chosen_time_of_the_chosen_point_ends_the_process_like_kill_9() {
        use std::os::unix::process::ExitStatusExt as _;

        const CHILD: &str = "MILLRACE_CRASH_TEST_CHILD";
        if std::env::var_os(CHILD).is_some() {
            point("outbox.relay.after_append");
            for _ in 0..3 {
                eprintln!("alive");
                point("log.append.before_write");
            }
            return;
        }
        let myself =
            "crash::tests::the_chosen_time_of_the_chosen_point_ends_the_process_like_kill_9";
        let run = |chosen: &str| {
            let mut command = std::process::Command::new(std::env::current_exe().expect("a path"));
            command.args(["--exact", myself, "--nocapture"]).env(CHILD, "1");
            let output = command.env(VARIABLE, chosen).output().expect("it starts");
            let lines = String::from_utf8_lossy(&output.stderr).matches("alive").count();
            (output.status.signal(), lines)
        };
        assert_eq!(run("log.append.before_write:2"), (Some(9), 2));
        assert_eq!(run("log.append.before_write:4"), (None, 3));
        assert_eq!(run("no.such.point"), (Some(9), 0), "a crash that cannot come is told at once");
    }
}
