//! A database thread's hold on its engine: opens the connection when it is needed, runs one
//! transaction at a time, and survives whatever a question does.
//!
//! What must stay true: after [`Link::run`] no transaction is open; a transaction in which a
//! statement failed or the closure panicked is never committed; a broken connection is dropped and
//! opened again for a later question, after a pause that grows from question to question.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use millrace_runtime::clock::SharedClock;
use tokio::time::Instant;

use super::deadline::Deadline;
use super::{Connector, Mode};
use crate::{Domain, StoreError, Tx};

/// Pause after the first failed attempt to connect; doubled with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(50);
/// Longest pause between attempts to connect.
const PAUSE_MAX: Duration = Duration::from_secs(5);

pub(crate) struct Link {
    connector: Connector,
    domain: Domain,
    mode: Mode,
    limit: Duration,
    clock: SharedClock,
    deadline: Deadline,
    tx: Option<Tx>,
    refused: Option<Refusal>,
}

/// The last failed attempt to connect: until the pause is over, questions are answered with it.
struct Refusal {
    error: StoreError,
    pause: Duration,
    until: Instant,
}

impl Link {
    pub(crate) fn new(
        connector: Connector,
        domain: Domain,
        mode: Mode,
        limit: Duration,
        clock: SharedClock,
    ) -> Link {
        let deadline = Deadline::new();
        Link { connector, domain, mode, limit, clock, deadline, tx: None, refused: None }
    }

    /// One transaction. Returns the closure's answer and whether it wrote to the outbox.
    pub(crate) fn run<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<(T, bool), E> {
        self.deadline.start(self.limit);
        let mut tx = self.connection()?;
        let result = transaction(&mut tx, self.mode, work);
        self.deadline.clear();
        if !tx.connection.is_broken() {
            self.tx = Some(tx);
        }
        result
    }

    /// Gives memory back while nothing is asked; the next question takes it again.
    pub(crate) fn rest(&mut self) {
        if let Some(tx) = &mut self.tx {
            tx.rest();
        }
    }

    /// Closes the connection; the next question opens another.
    pub(crate) fn disconnect(&mut self) {
        self.tx = None;
        self.refused = None;
    }

    fn connection(&mut self) -> Result<Tx, StoreError> {
        if let Some(tx) = self.tx.take() {
            return Ok(tx);
        }
        if let Some(refused) = self.refused.as_ref().filter(|it| Instant::now() < it.until) {
            return Err(refused.error.clone());
        }
        let opened = self.connector.connect(self.mode, &self.deadline);
        match opened {
            Ok(connection) => {
                self.refused = None;
                let (clock, deadline) = (self.clock.clone(), self.deadline.clone());
                Ok(Tx::new(connection, self.domain, clock, deadline))
            }
            Err(error) => {
                let last = self.refused.take().map_or(PAUSE_MIN / 2, |it| it.pause);
                let pause = (last * 2).min(PAUSE_MAX);
                let until = Instant::now() + pause;
                tracing::warn!(store.domain = %self.domain, %error, "cannot connect");
                self.refused = Some(Refusal { error: error.clone(), pause, until });
                Err(error)
            }
        }
    }
}

/// BEGIN, the closure, COMMIT; or ROLLBACK after an error, a panic or a swallowed failure.
fn transaction<T, E: From<StoreError>>(
    tx: &mut Tx,
    mode: Mode,
    work: impl FnOnce(&mut Tx) -> Result<T, E>,
) -> Result<(T, bool), E> {
    tx.start(mode)?;
    let answer = catch_unwind(AssertUnwindSafe(|| work(tx)))
        .unwrap_or_else(|panic| Err(E::from(StoreError::Panicked { message: message(&*panic) })));
    let outcome = match answer {
        Ok(value) => match tx.commit() {
            Ok(pushed) => return Ok((value, pushed)),
            Err(error) => Err(E::from(error)),
        },
        Err(error) => Err(error),
    };
    tx.rollback();
    outcome
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned())
}
