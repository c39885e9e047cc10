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

/// Stops the thread of [`run`].
#[derive(Default)]
pub(crate) struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub(crate) fn stop(&self) {
        *self.stopped.lock() = true;
        self.changed.notify_all();
    }

    /// Waits; whether the thread should end.
    fn wait(&self, interval: Duration) -> bool {
        let mut stopped = self.stopped.lock();
        if !*stopped {
            self.changed.wait_for(&mut stopped, interval);
        }
        *stopped
    }
}

/// The thread's body.
pub(crate) fn run(connector: &Connector, interval: Duration, stop: &Stop) {
    let mut connection = None;
    while !stop.wait(interval) {
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
