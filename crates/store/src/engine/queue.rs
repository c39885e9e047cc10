//! The bounded queue between askers and the threads of one pool. A full queue refuses at once:
//! an overloaded database must say so, not let the line grow.

use std::collections::VecDeque;
use std::time::Duration;

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

/// What a thread that asked for a job gets.
pub(crate) enum Next {
    Job(Job),
    /// None came for as long as it wanted to wait.
    Quiet,
    /// The queue is closed and empty.
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

    /// The next job, waited for as long as `patience` says; without end if it says nothing.
    pub(crate) fn pop(&self, patience: Option<Duration>) -> Next {
        let mut state = self.state.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Next::Job(job);
            }
            if !state.open {
                return Next::Closed;
            }
            match patience {
                None => self.ready.wait(&mut state),
                Some(patience) if self.ready.wait_for(&mut state, patience).timed_out() => {
                    return state.jobs.pop_front().map_or(Next::Quiet, Next::Job);
                }
                Some(_) => {}
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_learns_that_all_is_quiet_and_then_waits() {
        let queue = Queue::new(1);
        assert!(matches!(queue.pop(Some(Duration::from_millis(1))), Next::Quiet));
        assert_eq!(queue.push(Box::new(|_| {})), Ok(()));
        assert!(matches!(queue.pop(Some(Duration::from_millis(1))), Next::Job(_)));
        assert_eq!(queue.push(Box::new(|_| {})), Ok(()));
        queue.close();
        assert!(matches!(queue.pop(None), Next::Job(_)), "what was taken is done");
        assert!(matches!(queue.pop(None), Next::Closed));
    }
}
