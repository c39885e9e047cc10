//! What is best known here: people by their followers, feeds by their likes, starter packs by who came by
//! them, what the newest posts are about, and which of them people care for.
//!
//! No table is in such an order, and one that was would cost every like and every follow. So the tables are
//! read through now and then, in bounded slices, by whoever has them, and the best are remembered. Must stay
//! true: what is remembered is bounded, and reading takes a hundredth of the time. After a start nothing is
//! known until the first way through is done; nobody waits for it.

mod best;
mod newest;
mod places;
mod popular;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use millrace_runtime::clock::Stopwatch;
use millrace_runtime::supervise::Shutdown;
use millrace_store::{Store, StoreError};
use parking_lot::RwLock;

pub(crate) use places::{Named, Place, presentable};
pub(crate) use popular::PopularPost;
pub(crate) use topics::Topic;

/// Pause between two slices.
const SLICE_PAUSE: Duration = Duration::from_millis(5);
/// From one way through to the next: so many times as long as it took, within bounds.
const REST_TIMES: u32 = 100;
const REST_MIN: Duration = Duration::from_secs(2);
const REST_MAX: Duration = Duration::from_secs(3_600);

/// What was found best, as of the last look; shared by all questions.
#[derive(Debug, Clone, Default)]
pub struct Rankings(Arc<RwLock<Arc<Ranked>>>);

/// Each the best first.
#[derive(Debug, Default)]
pub(crate) struct Ranked {
    pub(crate) people: Vec<Place>,
    pub(crate) generators: Vec<Named>,
    pub(crate) starter_packs: Vec<Named>,
    pub(crate) topics: Vec<Topic>,
    pub(crate) posts: Vec<PopularPost>,
}

impl Rankings {
    pub(crate) fn now(&self) -> Arc<Ranked> {
        Arc::clone(&self.0.read())
    }

    /// Looks once.
    ///
    /// # Errors
    /// The tables cannot be read; what was found before stays.
    pub async fn refresh(&self, store: &Store) -> Result<(), StoreError> {
        let places::Found { people, generators, starter_packs } = places::look(store).await?;
        let newest::Found { topics, posts } = newest::look(store).await?;
        *self.0.write() = Arc::new(Ranked { people, generators, starter_packs, topics, posts });
        Ok(())
    }

    /// Looks again and again until asked to stop.
    pub async fn run(&self, store: &Store, shutdown: &Shutdown) {
        while !shutdown.is_cancelled() {
            let watch = Stopwatch::start();
            if let Some(Err(error)) = shutdown.or(self.refresh(store)).await {
                tracing::warn!(%error, "what is best known here could not be looked up; it is tried again");
            }
            let rest = watch.elapsed().saturating_mul(REST_TIMES).clamp(REST_MIN, REST_MAX);
            let _ = shutdown.or(tokio::time::sleep(rest)).await;
        }
    }
}

async fn pause() {
    tokio::time::sleep(SLICE_PAUSE).await;
}
