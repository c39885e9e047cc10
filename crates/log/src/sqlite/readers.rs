//! The threads that read: each has a connection of its own and answers one read at a time from one snapshot.
//!
//! A read either begins exactly at its offset or says why not; items follow each other without gaps, or the
//! file is damaged and that is said instead.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use bytes::Bytes;
use millrace_runtime::supervise::spawn_thread;
use parking_lot::Mutex;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{Semaphore, oneshot};

use super::fault::fault;
use super::layout::{self, ItemTable};
use crate::{Headers, ITEM_FRAME_BYTES, Item, LogError, READ_BYTES_MAX, READS_WAITING_MAX};

/// What one read asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) table: ItemTable,
    pub(super) from: i64,
    pub(super) bytes_max: usize,
}

type Answer = Result<Vec<Item>, LogError>;

enum Job {
    Read {
        question: Question,
        reply: oneshot::Sender<Answer>,
        _place: tokio::sync::OwnedSemaphorePermit,
    },
    /// Ends the thread that takes it.
    Close,
}

pub(super) struct Readers {
    jobs: Sender<Job>,
    places: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    count: usize,
}

impl Readers {
    /// Opens `count` connections and starts their threads.
    pub(super) fn start(path: &Path, count: usize) -> Result<Self, LogError> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut readers = Self {
            jobs,
            places: Arc::new(Semaphore::new(READS_WAITING_MAX)),
            threads: Mutex::default(),
            count: 0,
        };
        for number in 0..count {
            let reader = Reader { connection: layout::open_reader(path)?, path: path.to_owned() };
            let queue = Arc::clone(&queue);
            let thread =
                spawn_thread(format!("log-read-{number}"), move || reader.run(&queue)).map_err(
                    |error| LogError::Io { path: path.to_owned(), detail: error.to_string() },
                )?;
            readers.threads.get_mut().push(thread);
            readers.count += 1;
        }
        Ok(readers)
    }

    pub(super) async fn read(&self, question: Question) -> Answer {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| LogError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job = Job::Read { question, reply, _place: place };
        self.jobs.send(job).map_err(|_| LogError::Closed)?;
        answer.await.map_err(|_| LogError::Closed)?
    }

    /// Lets the reads already admitted finish, then ends the threads; [`Readers::join`] waits for them.
    pub(super) fn close(&self) {
        self.places.close();
        for _ in 0..self.count {
            // Fails only when the threads are gone already.
            let _ = self.jobs.send(Job::Close);
        }
    }

    /// Blocks until the threads have ended.
    pub(super) fn join(&self) {
        for thread in self.threads.lock().drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.close();
        self.join();
    }
}

struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    fn run(mut self, queue: &Mutex<Receiver<Job>>) {
        loop {
            let job = queue.lock().recv();
            match job {
                Ok(Job::Read { question, reply, .. }) if !reply.is_closed() => {
                    let _ = reply.send(self.answer(&question));
                }
                // The reader went away while it waited.
                Ok(Job::Read { .. }) => {}
                Ok(Job::Close) | Err(_) => return,
            }
        }
    }

    fn answer(&mut self, question: &Question) -> Answer {
        let sql = |error: rusqlite::Error| fault(&self.path, &error);
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(sql)?;
        let items = items_from(&tx, question).map_err(sql)?;
        let bounds = match items.first() {
            Some(first) if first.offset == question.from => None,
            _ => Some(stored_bounds(&tx, question.table).map_err(sql)?),
        };
        tx.finish().map_err(sql)?;
        match bounds {
            Some((oldest, _)) if question.from < oldest => Err(LogError::Truncated { oldest }),
            Some((_, next)) if question.from >= next => Ok(Vec::new()),
            Some(_) => Err(self.gap(question.table, question.from)),
            None => self.without_gaps(question.table, items),
        }
    }

    fn without_gaps(&self, table: ItemTable, items: Vec<Item>) -> Answer {
        let mut pairs = items.iter().zip(items.iter().skip(1));
        match pairs.find(|(item, next)| next.offset != item.offset + 1) {
            Some((item, _)) => Err(self.gap(table, item.offset + 1)),
            None => Ok(items),
        }
    }

    fn gap(&self, table: ItemTable, offset: i64) -> LogError {
        LogError::Corrupt {
            path: self.path.clone(),
            detail: format!("{table} has no offset {offset}"),
        }
    }
}

/// The items from the question's offset on that fit, at least one if there is one.
fn items_from(tx: &Transaction<'_>, question: &Question) -> rusqlite::Result<Vec<Item>> {
    let room = question.bytes_max.min(READ_BYTES_MAX);
    let mut statement = tx.prepare_cached(&format!(
        "SELECT offset, appended_us, payload, headers FROM {} WHERE offset >= ?1 ORDER BY offset",
        question.table
    ))?;
    let mut rows = statement.query([question.from])?;
    let mut items = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let payload = row.get_ref(2)?.as_blob()?;
        let headers = row.get_ref(3)?.as_blob_or_null()?;
        bytes += payload.len() + headers.map_or(0, <[u8]>::len) + ITEM_FRAME_BYTES;
        if bytes > room && !items.is_empty() {
            break;
        }
        items.push(Item {
            offset: row.get(0)?,
            appended_us: row.get(1)?,
            payload: Bytes::copy_from_slice(payload),
            headers: headers.map_or(Ok(Headers::NONE), decoded)?,
        });
    }
    Ok(items)
}

fn decoded(headers: &[u8]) -> rusqlite::Result<Headers> {
    let unreadable =
        || rusqlite::Error::InvalidColumnType(3, "headers".to_owned(), rusqlite::types::Type::Blob);
    Headers::decode(headers).ok_or_else(unreadable)
}

/// Oldest and next offset, in the same snapshot as the items.
fn stored_bounds(tx: &Transaction<'_>, table: ItemTable) -> rusqlite::Result<(i64, i64)> {
    tx.prepare_cached(
        "SELECT oldest_offset, next_offset FROM partition WHERE topic = ?1 AND partition = ?2",
    )?
    .query_row((table.topic_id, table.partition), |row| Ok((row.get(0)?, row.get(1)?)))
}
