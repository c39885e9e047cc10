//! Looks whether other processes have appended, for as long as somebody waits for it.
//!
//! What this process appends wakes its waiters without this thread. Kafka tells nobody by itself, so partitions
//! that are waited for are asked about: often while something comes, less often the longer nothing does.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use millrace_runtime::clock::Stopwatch;
use millrace_runtime::supervise::spawn_thread;
use parking_lot::Mutex;

use super::layout::Questions;
use super::readers::Readers;
use crate::LogError;
use crate::tails::Tails;

/// Shortest and longest pause between two looks.
const PAUSE: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));
/// Pause after a look that failed.
const PAUSE_FAILED: Duration = Duration::from_secs(1);
/// How often clients that nobody uses are looked after.
const TICK: Duration = Duration::from_secs(20);

enum Signal {
    /// Somebody waits.
    Waiting,
    Close,
}

/// The handle of the thread.
pub(super) struct Watch {
    signals: SyncSender<Signal>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Watch {
    pub(super) fn start(
        tails: &Arc<Tails>,
        questions: &Arc<Questions>,
        readers: &Arc<Readers>,
    ) -> std::io::Result<Self> {
        let (signals, inbox) = sync_channel(1);
        let watcher = Watcher {
            tails: Arc::clone(tails),
            questions: Arc::clone(questions),
            readers: Arc::clone(readers),
        };
        let thread = spawn_thread("log-watch", move || watcher.run(&inbox))?;
        Ok(Self { signals, thread: Mutex::new(Some(thread)) })
    }

    /// Somebody waits. If the thread has yet to hear of another, it will see this one too.
    pub(super) fn someone_waits(&self) {
        match self.signals.try_send(Signal::Waiting) {
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    }

    /// Ends the thread.
    pub(super) fn close(&self) {
        // Fails only when the thread has ended already.
        let _ = self.signals.send(Signal::Close);
        if let Some(thread) = self.thread.lock().take()
            && thread.join().is_err()
        {
            tracing::error!("the log's watcher panicked");
        }
    }
}

struct Watcher {
    tails: Arc<Tails>,
    questions: Arc<Questions>,
    readers: Arc<Readers>,
}

impl Watcher {
    fn run(&self, signals: &Receiver<Signal>) {
        let mut pause = PAUSE.0;
        let mut looked_after = Stopwatch::start();
        loop {
            let idle = self.tails.waited_for().is_empty();
            match signals.recv_timeout(if idle { TICK } else { pause }) {
                Ok(Signal::Waiting) => {
                    // It has just looked itself.
                    pause = PAUSE.0;
                    if let Ok(Signal::Close) = signals.recv_timeout(pause) {
                        return;
                    }
                }
                Ok(Signal::Close) | Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if looked_after.elapsed() > TICK {
                self.look_after();
                looked_after = Stopwatch::start();
            }
            pause = match self.look() {
                Ok(true) => PAUSE.0,
                Ok(false) => (pause * 2).min(PAUSE.1),
                Err(LogError::Closed) => return,
                Err(error) => {
                    tracing::debug!(%error, "the log's tail cannot be looked at");
                    PAUSE_FAILED
                }
            };
        }
    }

    /// Asks about every partition that is waited for; whether any has moved.
    fn look(&self) -> Result<bool, LogError> {
        let mut moved = false;
        for (topic, partition) in self.tails.waited_for() {
            let asker = self.questions.asker().ok_or(LogError::Closed)?;
            let before = self.tails.tail(topic, partition)?;
            let bounds = asker.bounds(topic, partition)?;
            self.tails.truncate(topic, partition, bounds.oldest);
            self.tails.advance(topic, partition, bounds.next);
            moved |= bounds.next > before;
        }
        Ok(moved)
    }

    fn look_after(&self) {
        self.readers.forget_idle();
        if let Some(asker) = self.questions.asker() {
            asker.listen();
        }
    }
}
