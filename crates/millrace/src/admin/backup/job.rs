//! The backup that a running server makes: one at a time, in the background, watched by the command that
//! asked for it. It goes on when that command ends, and is given up when the server stops.

use std::sync::Arc;

use millrace_log::backup::{LastItem, PartitionMark};
use millrace_log::{Log, LogError, Topic};
use millrace_runtime::supervise::Supervisor;
use millrace_store::backup::Control;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::Place;
use super::make::{self, MakeBackup};
use super::manifest::Manifest;
use crate::failure::ProgramError;

/// Bytes asked for when one item is wanted.
const ONE_ITEM_BYTES: usize = 1;

/// How a backup goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub state: State,
    pub done_bytes: u64,
    /// As estimated before.
    pub total_bytes: u64,
    /// When it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Manifest>,
    /// When it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// None was asked for since the server started.
    Idle,
    Running,
    Done,
    Failed,
}

/// A server's backups.
pub struct Backups {
    place: Place,
    log: Log,
    supervisor: Supervisor,
    last: Arc<Mutex<Progress>>,
    control: Mutex<Arc<Control>>,
}

impl Backups {
    /// Of this place; none is made yet.
    pub fn new(place: Place, log: Log, supervisor: Supervisor) -> Self {
        let last = Progress {
            state: State::Idle,
            done_bytes: 0,
            total_bytes: 0,
            manifest: None,
            error: None,
        };
        Self { place, log, supervisor, last: Arc::new(Mutex::new(last)), control: Mutex::default() }
    }

    /// How the last one goes, or went.
    pub fn progress(&self) -> Progress {
        let progress = self.last.lock().clone();
        Progress { done_bytes: self.control.lock().done_bytes(), ..progress }
    }

    /// Begins one.
    ///
    /// # Errors
    /// It cannot be made, or another is being made.
    pub async fn start(&self, wanted: MakeBackup) -> Result<Progress, ProgramError> {
        let total_bytes = make::estimate_bytes(&self.place, wanted.content).await?;
        make::check_target(&wanted.path, total_bytes)?;
        let control = Arc::new(Control::default());
        {
            let mut last = self.last.lock();
            if last.state == State::Running {
                return Err(super::failed(&wanted.path, "the server is making another backup"));
            }
            *last = Progress {
                state: State::Running,
                done_bytes: 0,
                total_bytes,
                manifest: None,
                error: None,
            };
            *self.control.lock() = Arc::clone(&control);
        }
        let (place, log, last) = (self.place.clone(), self.log.clone(), Arc::clone(&self.last));
        self.supervisor.spawn_once("backup", move |shutdown| async move {
            let making = make(&place, &log, &wanted, Arc::clone(&control));
            tokio::pin!(making);
            let made = tokio::select! {
                made = &mut making => made,
                () = shutdown.cancelled() => {
                    control.stop();
                    making.await
                }
            };
            tell(&wanted, &made);
            let mut last = last.lock();
            match made {
                Ok(manifest) => {
                    last.state = State::Done;
                    last.manifest = Some(manifest);
                }
                Err(error) => {
                    last.state = State::Failed;
                    last.error = Some(error.reason());
                }
            }
            Ok(())
        });
        Ok(self.progress())
    }
}

fn tell(wanted: &MakeBackup, made: &Result<Manifest, ProgramError>) {
    match made {
        Ok(manifest) => {
            tracing::info!(path = %wanted.path.display(), bytes = manifest.bytes(), "backup made");
        }
        Err(error) => {
            tracing::warn!(path = %wanted.path.display(), %error, "backup failed");
        }
    }
}

async fn make(
    place: &Place,
    log: &Log,
    wanted: &MakeBackup,
    control: Arc<Control>,
) -> Result<Manifest, ProgramError> {
    let marks = marks(log).await.map_err(|error| super::failed(&wanted.path, error))?;
    make::make(place, wanted, marks, control).await
}

/// Where a log's partitions begin and end now.
///
/// # Errors
/// The log cannot be read.
pub async fn marks(log: &Log) -> Result<Vec<PartitionMark>, LogError> {
    let mut marks = Vec::new();
    for topic in Topic::ALL {
        for partition in 0..log.partitions(topic) {
            let tail = log.tail(topic, partition).await?;
            let oldest = log.oldest(topic, partition).await?;
            marks.push(PartitionMark {
                topic: topic.name().to_owned(),
                partition,
                oldest,
                tail,
                last: item_at(log, topic, partition, tail - 1).await?,
            });
        }
    }
    Ok(marks)
}

/// The item at an offset, if it is still there.
///
/// # Errors
/// The log cannot be read.
pub async fn item_at(
    log: &Log,
    topic: Topic,
    partition: u32,
    offset: i64,
) -> Result<Option<LastItem>, LogError> {
    if offset < log.oldest(topic, partition).await? {
        return Ok(None);
    }
    let items = log.read(topic, partition, offset, ONE_ITEM_BYTES).await?;
    let item = items.first().filter(|item| item.offset == offset);
    Ok(item.map(|item| LastItem { offset: item.offset, appended_us: item.appended_us }))
}
