//! Folds SQLite's write-ahead log into the database beside the writer, so that commits do not have to.
//!
//! A passive checkpoint waits for nobody: it moves what no reader still needs. The log's file is
//! looked at first, so an idle domain costs one `stat` per interval.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::sqlite::Connector;
use crate::StoreError;

/// Below this size of the write-ahead log's file there is nothing worth moving.
const WAL_BYTES_MIN: u64 = 1 << 20;

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

/// The thread's body.
pub(crate) fn run(connector: &Connector, interval: Duration, stop: &Stop) {
    let mut connection = None;
    while !stop.wait(interval) {
        stop.stay_away(&mut connection);
        let wal_bytes = std::fs::metadata(connector.wal_path()).map_or(0, |file| file.len());
        if wal_bytes < WAL_BYTES_MIN {
            continue;
        }
        if let Err(error) = checkpoint(connector, &mut connection) {
            tracing::warn!(store.wal = %connector.wal_path().display(), %error, "checkpoint failed, tried again later");
            connection = None;
        }
    }
}

fn checkpoint(
    connector: &Connector,
    slot: &mut Option<rusqlite::Connection>,
) -> Result<(), StoreError> {
    let connection = match slot.take() {
        Some(connection) => connection,
        None => connector.connect_to_checkpoint()?,
    };
    millrace_runtime::crash::point("store.wal.before_checkpoint");
    connector.checkpoint(&connection)?;
    millrace_runtime::crash::point("store.wal.after_checkpoint");
    *slot = Some(connection);
    Ok(())
}
