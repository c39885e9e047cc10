//! The one thread that writes: takes what waits, commits it as a group with one fsync, answers.
//!
//! What must stay true: nobody is answered, and no tail moves, before the commit returned; `rows` is what
//! the last commit stored. A group that fails as a whole is tried append by append, so that one that does
//! not fit fails alone.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use bytes::Bytes;
use millrace_runtime::clock::{SharedClock, Stopwatch};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::fault::fault;
use super::layout::Rows;
use super::retain::{self, Step};
use crate::metrics::Metrics;
use crate::retention::Rule;
use crate::tails::Tails;
use crate::{Appended, Headers, ITEM_FRAME_BYTES, LogError, Position, Topic};

/// What the writer is asked to do, in the order asked.
pub(super) enum Command {
    Append(Admitted),
    Retain {
        rule: Rule,
        reply: oneshot::Sender<Result<Step, LogError>>,
    },
    /// Ends the writer; the reply comes when the file is closed.
    Close,
}

/// An append that was let into the queue.
pub(super) struct Admitted {
    pub(super) topic: Topic,
    pub(super) items: Vec<Addressed>,
    /// Payloads and frames.
    pub(super) bytes: usize,
    pub(super) reply: oneshot::Sender<Result<Appended, LogError>>,
    /// The bytes' place in the queue, given back once answered.
    pub(super) _room: OwnedSemaphorePermit,
}

/// An item and where it goes.
pub(super) struct Addressed {
    pub(super) partition: u32,
    pub(super) payload: Bytes,
    pub(super) headers: Headers,
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) rows: Rows,
    pub(super) tails: Arc<Tails>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: SharedClock,
    pub(super) group_bytes_max: usize,
}

impl Writer {
    /// Runs until told to close, or until nobody can ask any more.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        while let Ok(command) = commands.recv() {
            let mut next = Some(command);
            while let Some(command) = next.take() {
                match command {
                    Command::Append(first) => {
                        let (group, after) = self.gather(first, commands);
                        self.commit_and_answer(group);
                        next = after;
                    }
                    Command::Retain { rule, reply } => {
                        // A caller that went away is no reason to stop.
                        let _ = reply.send(self.retain(&rule));
                    }
                    Command::Close => return self.close(),
                }
            }
        }
        self.close();
    }

    /// Takes the appends that wait, up to the group's bound; also the command that ended the group.
    fn gather(
        &self,
        first: Admitted,
        commands: &Receiver<Command>,
    ) -> (Vec<Admitted>, Option<Command>) {
        let mut bytes = first.bytes;
        let mut group = vec![first];
        while bytes < self.group_bytes_max {
            match commands.try_recv() {
                Ok(Command::Append(append)) => {
                    bytes += append.bytes;
                    group.push(append);
                }
                Ok(other) => return (group, Some(other)),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        (group, None)
    }

    fn commit_and_answer(&mut self, mut group: Vec<Admitted>) {
        match self.commit(&group) {
            Ok(answers) => {
                for (append, appended) in group.into_iter().zip(answers) {
                    self.answer(append, Ok(appended));
                }
            }
            Err(error) if group.len() == 1 => {
                if let Some(append) = group.pop() {
                    self.answer(append, Err(error));
                }
            }
            Err(_) => {
                for append in group {
                    self.commit_and_answer(vec![append]);
                }
            }
        }
    }

    fn answer(&self, append: Admitted, result: Result<Appended, LogError>) {
        self.metrics.answered(append.bytes);
        if result.is_ok() {
            self.metrics.appended(append.topic, append.items.len(), append.bytes);
        }
        // A caller that went away does not take its append back.
        let _ = append.reply.send(result);
    }

    /// Writes a group and makes it durable.
    fn commit(&mut self, group: &[Admitted]) -> Result<Vec<Appended>, LogError> {
        let stopwatch = Stopwatch::start();
        let mut rows = self.rows.clone();
        let answers = self.write(group, &mut rows).map_err(|error| fault(&self.path, &error))?;
        let before = std::mem::replace(&mut self.rows, rows);
        for (row, before) in self.rows.iter().flatten().zip(before.iter().flatten()) {
            if row.next != before.next {
                self.tails.advance(row.topic, row.table.partition, row.next);
            }
        }
        let items: usize = group.iter().map(|append| append.items.len()).sum();
        self.metrics.commit_seconds.observe_duration(stopwatch.elapsed());
        self.metrics.commit_items.observe(items as f64);
        Ok(answers)
    }

    fn write(&mut self, group: &[Admitted], rows: &mut Rows) -> rusqlite::Result<Vec<Appended>> {
        millrace_runtime::crash::point("log.append.before_write");
        let now_us = self.clock.now_us();
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let answers = group
            .iter()
            .map(|append| insert(&tx, append, rows, now_us))
            .collect::<rusqlite::Result<_>>()?;
        for (row, before) in rows.iter().flatten().zip(self.rows.iter().flatten()) {
            if row != before {
                retain::store_row(&tx, row)?;
            }
        }
        millrace_runtime::crash::point("log.append.before_commit");
        tx.commit()?;
        millrace_runtime::crash::point("log.append.after_commit");
        Ok(answers)
    }

    fn retain(&mut self, rule: &Rule) -> Result<Step, LogError> {
        let row = &mut self.rows[rule.topic.index()][rule.partition as usize];
        let step = retain::step(&mut self.connection, row, rule)
            .map_err(|error| fault(&self.path, &error))?;
        self.tails.truncate(rule.topic, rule.partition, row.oldest);
        self.metrics.removed(rule.topic, step.removed.items, step.removed.bytes);
        Ok(step)
    }

    /// Copies the WAL into the file, so that the next start finds little to do, and closes it.
    fn close(self) {
        self.tails.close();
        millrace_runtime::crash::point("log.close.before_checkpoint");
        let checkpointed =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if let Err(error) = checkpointed {
            tracing::warn!(%error, "the log's WAL stays for the next start to read");
        }
    }
}

/// Inserts one call's items and moves the rows of their partitions.
fn insert(
    tx: &Transaction<'_>,
    append: &Admitted,
    rows: &mut Rows,
    now_us: i64,
) -> rusqlite::Result<Appended> {
    let partitions = &mut rows[append.topic.index()];
    let mut offsets = Vec::with_capacity(append.items.len());
    for Addressed { partition, payload, headers } in &append.items {
        let row = &mut partitions[*partition as usize];
        let offset = row.next;
        row.appended_us = row.appended_us.max(now_us);
        let mut statement = tx.prepare_cached(&format!(
            "INSERT INTO {} (offset, appended_us, payload, headers) VALUES (?1, ?2, ?3, ?4)",
            row.table
        ))?;
        let headers = (!headers.is_empty()).then(|| headers.encode());
        statement.execute((offset, row.appended_us, payload.as_ref(), &headers))?;
        row.next += 1;
        row.bytes += (payload.len() + headers.map_or(0, |it| it.len()) + ITEM_FRAME_BYTES) as i64;
        offsets.push(Position { partition: *partition, offset });
    }
    Ok(Appended { offsets })
}
