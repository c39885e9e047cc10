//! The cursors: as many as `log.readers`, each lent to one read at a time, and if possible to the consumer that
//! had it before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millrace_runtime::clock::Stopwatch;
use millrace_runtime::supervise::spawn_thread;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::client::Cluster;
use super::cursor::{Cursor, Found, Question};
use crate::LogError;

/// How long a cursor is kept that nobody asks for.
const IDLE_MAX: Duration = Duration::from_secs(60);

pub(super) struct Readers {
    cluster: Arc<Cluster>,
    shelf: Mutex<Shelf>,
    places: Arc<Semaphore>,
    count: usize,
    closed: AtomicBool,
}

struct Shelf {
    /// Those not lent, with the time since; the one lent longest ago first.
    idle: Vec<(Cursor, Stopwatch)>,
    /// How many there are, lent ones included.
    all: usize,
}

impl Readers {
    /// `count` cursors at most; `first` is one of them.
    pub(super) fn new(cluster: &Arc<Cluster>, count: usize, first: Cursor) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            shelf: Mutex::new(Shelf { idle: vec![(first, Stopwatch::start())], all: 1 }),
            places: Arc::new(Semaphore::new(count)),
            count,
            closed: AtomicBool::new(false),
        }
    }

    /// Reads on a thread of the blocking pool; waits while every cursor is lent.
    pub(super) async fn read(self: &Arc<Self>, question: Question) -> Result<Found, LogError> {
        self.lend(Some(question), move |cursor, closed| cursor.read(&question, closed)).await
    }

    /// Lends a cursor to `work`, preferring one that covers the question.
    pub(super) async fn lend<T: Send + 'static>(
        self: &Arc<Self>,
        question: Option<Question>,
        work: impl FnOnce(&mut Cursor, &dyn Fn() -> bool) -> Result<T, LogError> + Send + 'static,
    ) -> Result<T, LogError> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| LogError::Closed)?;
        let readers = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            let mut cursor = readers.take(question.as_ref())?;
            let answer = work(&mut cursor, &|| readers.closed.load(Ordering::Acquire));
            readers.put_back(cursor);
            answer
        });
        // The runtime ends, and with it whoever asked.
        done.await.map_err(|_| LogError::Closed)?
    }

    fn take(&self, question: Option<&Question>) -> Result<Cursor, LogError> {
        let mut shelf = self.shelf.lock();
        let covers = |cursor: &Cursor| question.is_some_and(|asked| cursor.covers(asked));
        let covering = shelf.idle.iter().position(|(cursor, _)| covers(cursor));
        let eldest = (shelf.all >= self.count && !shelf.idle.is_empty()).then_some(0);
        if let Some(at) = covering.or(eldest) {
            return Ok(shelf.idle.remove(at).0);
        }
        let cursor = Cursor::new(&self.cluster)?;
        shelf.all += 1;
        Ok(cursor)
    }

    fn put_back(&self, cursor: Cursor) {
        let mut shelf = self.shelf.lock();
        if self.closed.load(Ordering::Acquire) {
            drop(shelf);
            drop(cursor);
        } else {
            shelf.idle.push((cursor, Stopwatch::start()));
        }
    }

    /// Ends the cursors that nobody has asked for lately, and with them what they fetched ahead.
    pub(super) fn forget_idle(&self) {
        let mut shelf = self.shelf.lock();
        let kept = shelf.idle.iter().position(|(_, since)| since.elapsed() < IDLE_MAX);
        let count = kept.unwrap_or(shelf.idle.len());
        let idle: Vec<_> = shelf.idle.drain(..count).collect();
        shelf.all -= idle.len();
        drop(shelf);
        drop(idle);
    }

    /// Answers who waits, and ends the cursors; those that are lent end with their read.
    pub(super) fn close(&self) {
        self.places.close();
        let idle = {
            let mut shelf = self.shelf.lock();
            self.closed.store(true, Ordering::Release);
            std::mem::take(&mut shelf.idle)
        };
        // A client takes a tenth of a second to end.
        let ends = idle.into_iter().map(|cursor| spawn_thread("log-close", move || drop(cursor)));
        for end in ends.collect::<Vec<_>>().into_iter().flatten() {
            let _ = end.join();
        }
    }
}
