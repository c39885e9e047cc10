//! Putting the tables of [`Domain::DataplaneRebuild`] in the place of the data-plane's.
//!
//! ```text
//!   hold writers ─▶ (the new tables catch up) ─▶ hold readers ─▶ old aside ─▶ new in place ─▶ go on
//!      questions wait in their queues from here on, and are answered by the new tables
//! ```
//!
//! What must stay true: at every moment, also after `kill -9`, a whole set of tables stands under the
//! data-plane's name, the old or the new one; no connection to the old tables outlives the swap, so
//! that no write is lost in them; whoever holds a pool lets go of it by being dropped.

use std::sync::Arc;

use millrace_runtime::crash;
use millrace_runtime::supervise::spawn_thread;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::Store;
use crate::engine::Mode;
use crate::engine::queue::Job;
use crate::engine::swap::{self, Swap};
use crate::offsets::Committed;
use crate::{Domain, StoreConfig, StoreError};

/// A pool of database threads that stands still, without connections. Dropped, it works on.
pub struct Hold {
    released: Arc<Released>,
}

#[derive(Default)]
struct Released {
    released: Mutex<bool>,
    changed: Condvar,
}

impl Released {
    fn wait(&self) {
        let mut released = self.released.lock();
        while !*released {
            self.changed.wait(&mut released);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        *self.released.released.lock() = true;
        self.released.changed.notify_all();
    }
}

impl Store {
    /// Returns when no write runs any more. Later ones wait, as long as their queue has room, until
    /// the hold is dropped.
    pub async fn hold_writers(&self) -> Result<Hold, StoreError> {
        self.hold(Mode::Write).await
    }

    async fn hold(&self, mode: Mode) -> Result<Hold, StoreError> {
        let inner = &self.inner;
        let [readers, writers] = inner.pool_sizes;
        let (queue, threads) = match mode {
            Mode::Read => (&inner.readers, readers),
            Mode::Write => (&inner.writers, writers),
        };
        let hold = Hold { released: Arc::default() };
        let mut arrivals = Vec::with_capacity(threads);
        for _ in 0..threads {
            let (arrived, arrival) = oneshot::channel();
            let released = Arc::clone(&hold.released);
            let job: Job = Box::new(move |link| {
                link.disconnect();
                let _ = arrived.send(());
                released.wait();
            });
            queue.push_first(job).map_err(|refused| self.refusal(refused))?;
            arrivals.push(arrival);
        }
        for arrival in arrivals {
            arrival.await.map_err(|_| StoreError::Closed { domain: inner.domain })?;
        }
        Ok(hold)
    }

    /// Puts the tables of `fresh` in the place of this store's, and removes the old ones. `writers`
    /// is this store's hold; `at` is how far the new tables have come.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when another process has moved the old tables on meanwhile. Whatever
    /// the error, this store goes on, on the tables that stand under its name.
    pub async fn replace(
        &self,
        writers: Hold,
        fresh: Store,
        at: Vec<Committed>,
        config: &StoreConfig,
    ) -> Result<(), StoreError> {
        fresh.close().await;
        let readers = self.hold(Mode::Read).await?;
        let (store, config) = (self.clone(), config.clone());
        let swapped = on_thread({
            let config = config.clone();
            move || store.swap(&config, &at)
        })
        .await;
        drop((readers, writers));
        swapped?;
        crash::point("rebuild.swap.after");
        clear_rebuild(&config).await
    }

    /// With all pools held: nobody but this thread has the tables.
    fn swap(&self, config: &StoreConfig, at: &[Committed]) -> Result<(), StoreError> {
        let connector = &self.inner.connector;
        let upkeep = (!connector.is_shared()).then_some(&self.inner.upkeep);
        if let Some(upkeep) = upkeep {
            upkeep.pause();
        }
        let swapped = Swap::put_aside(connector, config, at).and_then(|swap| {
            crash::point("rebuild.swap.within");
            swap.put_in_place()
        });
        if let Some(upkeep) = upkeep {
            upkeep.resume();
        }
        swapped
    }
}

/// Removes what a rebuild that did not come to its end has left. No rebuild may run.
pub async fn clear_rebuild(config: &StoreConfig) -> Result<(), StoreError> {
    let config = config.clone();
    on_thread(move || swap::clear(&config)).await
}

/// PostgreSQL's client must not run on an async thread, and files are slow.
async fn on_thread(
    work: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
) -> Result<(), StoreError> {
    let domain = Domain::Dataplane;
    let (reply, answer) = oneshot::channel();
    spawn_thread(format!("{domain}-swap"), move || {
        let _ = reply.send(work());
    })
    .map_err(|error| StoreError::Unavailable { domain, reason: error.to_string() })?;
    answer
        .await
        .unwrap_or_else(|_| Err(StoreError::Panicked { message: "swapping panicked".into() }))
}
