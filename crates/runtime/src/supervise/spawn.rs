//! Tasks and threads inside a library: named, and joined by whoever started them. The only file
//! that calls `tokio::spawn` and starts threads.

use std::any::Any;
use std::collections::HashMap;
use std::io;
use std::thread;

use tokio::task::{AbortHandle, Id, JoinHandle, JoinSet};
use tracing::Instrument as _;

/// Starts a task under a name; the caller keeps the handle and joins or aborts it. Use
/// [`super::Supervisor::spawn`] where the task belongs to the process, [`TaskSet`] for several.
pub fn spawn_detached_named<T: Send + 'static>(
    name: &str,
    task: impl Future<Output = T> + Send + 'static,
) -> JoinHandle<T> {
    let span = tracing::info_span!("task", task.name = name);
    #[expect(clippy::disallowed_methods, reason = "the one place that starts tasks")]
    tokio::spawn(task.instrument(span))
}

/// Starts an operating-system thread under a name (at most 15 bytes of it are shown by `top`).
///
/// # Errors
/// The operating system refused another thread.
pub fn spawn_thread<T: Send + 'static>(
    name: impl Into<String>,
    body: impl FnOnce() -> T + Send + 'static,
) -> io::Result<thread::JoinHandle<T>> {
    thread::Builder::new().name(name.into()).spawn(body)
}

/// Tasks of one owner, joined together. Dropping the set aborts them.
#[derive(Debug)]
pub struct TaskSet<T> {
    tasks: JoinSet<T>,
    names: HashMap<Id, String>,
}

/// A task of a set that gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskFault {
    /// It panicked.
    #[error("task {name} panicked: {message}")]
    Panicked {
        /// The task's name.
        name: String,
        /// The panic's message.
        message: String,
    },
    /// It was aborted.
    #[error("task {name} was aborted")]
    Aborted {
        /// The task's name.
        name: String,
    },
}

impl<T: Send + 'static> TaskSet<T> {
    /// A set without tasks.
    pub fn new() -> Self {
        Self { tasks: JoinSet::new(), names: HashMap::new() }
    }

    /// Starts a task.
    pub fn spawn(
        &mut self,
        name: impl Into<String>,
        task: impl Future<Output = T> + Send + 'static,
    ) -> AbortHandle {
        let name = name.into();
        let span = tracing::info_span!("task", task.name = name);
        let handle = self.tasks.spawn(task.instrument(span));
        self.names.insert(handle.id(), name);
        handle
    }

    /// The next task to end, with its name; `None` when there are none.
    pub async fn join_next(&mut self) -> Option<Result<(String, T), TaskFault>> {
        let joined = self.tasks.join_next_with_id().await?;
        Some(match joined {
            Ok((id, value)) => Ok((self.name_of(id), value)),
            Err(error) => {
                let name = self.name_of(error.id());
                Err(match error.try_into_panic() {
                    Ok(panic) => TaskFault::Panicked { name, message: panic_message(&*panic) },
                    Err(_) => TaskFault::Aborted { name },
                })
            }
        })
    }

    fn name_of(&mut self, id: Id) -> String {
        self.names.remove(&id).unwrap_or_default()
    }

    /// Tasks not yet joined.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether every task was joined.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Aborts every task and waits until all are gone.
    pub async fn abort_and_join(&mut self) {
        self.tasks.shutdown().await;
        self.names.clear();
    }
}

impl<T: Send + 'static> Default for TaskSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// What a panic said.
pub(super) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&'static str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
