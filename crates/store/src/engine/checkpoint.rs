//! Folds SQLite's write-ahead log into the database beside the writer, so that commits do not have to:
//! now and then while much is written, and soon after the writing stops. Readers look into the log before the
//! database, page by page, unless all of it is folded in.
//!
//! A passive checkpoint waits for nobody: it moves what no reader still needs. The log's file is
//! looked at first, so a domain that rests costs one `stat` a second.

use std::time::{Duration, SystemTime};

use parking_lot::{Condvar, Mutex};

use super::sqlite::Connector;
use crate::StoreError;

/// The log's file is looked at so often; unchanged between two looks it rests.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A log that rests is folded in no more often than so: who writes a little now and then pays seldom.
const REST_MIN: Duration = Duration::from_secs(5);

/// Stops the thread of [`run`], or has it close its connection for a while.
#[derive(Default)]
pub(crate) struct Stop {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    paused: bool,
    /// The thread holds no connection and waits for the pause to end.
    away: bool,
}

impl Stop {
    pub(crate) fn stop(&self) {
        self.state.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Returns when the thread has no connection any more, until [`Stop::resume`].
    pub(crate) fn pause(&self) {
        let mut state = self.state.lock();
        state.paused = true;
        self.changed.notify_all();
        while !state.away && !state.stopped {
            self.changed.wait(&mut state);
        }
    }

    pub(crate) fn resume(&self) {
        self.state.lock().paused = false;
        self.changed.notify_all();
    }

    /// Waits; whether the thread should end.
    fn wait(&self, interval: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.stopped && !state.paused {
            self.changed.wait_for(&mut state, interval);
        }
        state.stopped
    }

    /// Where the thread is asked to pause it closes its connection, and comes back when it may work.
    fn stay_away(&self, connection: &mut Option<rusqlite::Connection>) {
        let mut state = self.state.lock();
        while state.paused && !state.stopped {
            *connection = None;
            state.away = true;
            self.changed.notify_all();
            self.changed.wait(&mut state);
        }
        state.away = false;
    }
}

/// The thread's body: folds after `interval` at the latest.
pub(crate) fn run(connector: &Connector, interval: Duration, stop: &Stop) {
    let look_every = LOOK_EVERY.min(interval);
    let mut connection = None;
    let mut wal = Wal::default();
    while !stop.wait(look_every) {
        stop.stay_away(&mut connection);
        let written = std::fs::metadata(connector.wal_path()).and_then(|file| file.modified());
        if !wal.is_due(written.ok(), look_every, interval) {
            continue;
        }
        match checkpoint(connector, &mut connection) {
            Ok(folded) => wal.folded = wal.written.filter(|_| folded),
            Err(error) => {
                tracing::warn!(store.wal = %connector.wal_path().display(), %error, "checkpoint failed, tried again later");
                connection = None;
            }
        }
    }
}

/// What is known of the log's file.
#[derive(Default)]
struct Wal {
    /// When it was written last, by the last look.
    written: Option<SystemTime>,
    /// The same when all of it was folded in.
    folded: Option<SystemTime>,
    /// Since there is something new in it, or since it was last found due.
    waited: Duration,
}

impl Wal {
    /// Takes in a look at the file, `passed` after the one before; whether it is time to fold it in.
    fn is_due(
        &mut self,
        written: Option<SystemTime>,
        passed: Duration,
        interval: Duration,
    ) -> bool {
        let rests = self.written == written;
        self.written = written;
        if written.is_none() || written == self.folded {
            self.waited = Duration::ZERO;
            return false;
        }
        self.waited = self.waited.saturating_add(passed);
        let due = self.waited >= interval || rests && self.waited >= REST_MIN;
        if due {
            self.waited = Duration::ZERO;
        }
        due
    }
}

/// Whether all of the log is in the database now.
fn checkpoint(
    connector: &Connector,
    slot: &mut Option<rusqlite::Connection>,
) -> Result<bool, StoreError> {
    let connection = match slot.take() {
        Some(connection) => connection,
        None => connector.connect_to_checkpoint()?,
    };
    millrace_runtime::crash::point("store.wal.before_checkpoint");
    let folded = connector.checkpoint(&connection)?;
    millrace_runtime::crash::point("store.wal.after_checkpoint");
    *slot = Some(connection);
    Ok(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);

    /// At which looks, one a second, a log is due that was written at these.
    fn due(written: impl Fn(u64) -> bool, looks: u64) -> Vec<u64> {
        let (mut wal, mut last) = (Wal::default(), None);
        let look = |second: &u64| {
            if written(*second) {
                last = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(*second));
            }
            let due = wal.is_due(last, LOOK_EVERY, INTERVAL);
            wal.folded = wal.written.filter(|_| due).or(wal.folded);
            due
        };
        (1..=looks).filter(look).collect()
    }

    #[test]
    fn a_log_is_due_when_it_rests_or_has_grown_for_long() {
        assert_eq!(due(|_| false, 100), [0_u64; 0], "nothing was ever written");
        assert_eq!(due(|_| true, 100), [30, 60, 90], "never at rest");
        assert_eq!(due(|second| second <= 40, 100), [30, 41], "written for a while");
        assert_eq!(due(|second| second % 2 == 1, 20), [6, 12, 18], "a little all the time");
        assert_eq!(due(|second| second == 50, 100), [54], "once: folded once");
    }

    #[test]
    fn what_a_reader_still_needed_is_tried_again() {
        let mut wal = Wal::default();
        let written = Some(SystemTime::UNIX_EPOCH);
        let looks = (1..=12).filter(|_| wal.is_due(written, LOOK_EVERY, INTERVAL)).count();
        assert_eq!(looks, 2);
    }
}
