//! The bounded queue between askers and the threads of one pool. A full queue refuses at once:
//! an overloaded database must say so, not let the line grow.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

use super::link::Link;

/// What a database thread does next.
pub(crate) type Job = Box<dyn FnOnce(&mut Link) + Send>;

pub(crate) struct Queue {
    jobs_max: usize,
    state: Mutex<State>,
    ready: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    open: bool,
}

/// Why a job was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Full { waiting: usize },
    Closed,
}

impl Queue {
    pub(crate) fn new(jobs_max: usize) -> Queue {
        let state = State { jobs: VecDeque::new(), open: true };
        Queue { jobs_max: jobs_max.max(1), state: Mutex::new(state), ready: Condvar::new() }
    }

    pub(crate) fn push(&self, job: Job) -> Result<(), Refused> {
        let mut state = self.state.lock();
        if !state.open {
            return Err(Refused::Closed);
        }
        if state.jobs.len() >= self.jobs_max {
            return Err(Refused::Full { waiting: state.jobs.len() });
        }
        state.jobs.push_back(job);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// A job that comes before all that wait, however many: of these there is one for each thread.
    pub(crate) fn push_first(&self, job: Job) -> Result<(), Refused> {
        let mut state = self.state.lock();
        if !state.open {
            return Err(Refused::Closed);
        }
        state.jobs.push_front(job);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// The next job; `None` once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if !state.open {
                return None;
            }
            self.ready.wait(&mut state);
        }
    }

    /// Takes no more jobs; those already taken are still done.
    pub(crate) fn close(&self) {
        self.state.lock().open = false;
        self.ready.notify_all();
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().jobs.len()
    }
}
