//! Every cache of a process under its name, so that an operator can look at it and empty it.
//!
//! A crate that keeps answers in memory adds its cache once, where it makes it; the [`Caches`] of a
//! process hang on its metrics registry, which every part is given anyway. Emptying a cache must never
//! lose anything: what is kept can be asked for again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

/// What keeps answers.
pub trait Cached: Send + Sync {
    /// How much is kept now.
    fn usage(&self) -> BoxFuture<'_, Usage>;
    /// Forgets everything.
    fn clear(&self);
    /// Forgets one key, written as people write it; whether there was anything to forget. A key that can
    /// be none of this cache's is not in it.
    fn forget<'a>(&'a self, key: &'a str) -> BoxFuture<'a, bool>;
}

/// How much a cache keeps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub entries: u64,
    /// As the cache weighs its entries, which is what its bound counts.
    pub bytes: u64,
}

/// How often a cache was asked. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    inner: Arc<HitCounts>,
}

#[derive(Debug, Default)]
struct HitCounts {
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Hits {
    /// So many questions were answered from memory.
    pub fn hit(&self, questions: usize) {
        self.inner.hits.fetch_add(questions as u64, Ordering::Relaxed);
    }

    /// So many were not.
    pub fn miss(&self, questions: usize) {
        self.inner.misses.fetch_add(questions as u64, Ordering::Relaxed);
    }
}

/// A cache as an operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStats {
    pub name: String,
    pub entries: u64,
    pub bytes: u64,
    /// Bytes it may keep.
    pub bytes_max: u64,
    /// Questions answered from it since the process started.
    pub hits: u64,
    /// Questions it could not answer.
    pub misses: u64,
}

/// The caches of a process. Clones are the same.
#[derive(Clone, Default)]
pub struct Caches {
    inner: Arc<Mutex<Vec<Known>>>,
}

#[derive(Clone)]
struct Known {
    name: &'static str,
    bytes_max: u64,
    hits: Hits,
    cache: Arc<dyn Cached>,
}

impl Caches {
    /// Adds a cache. One that is made anew takes the place of its namesake.
    pub fn add(&self, name: &'static str, bytes_max: u64, hits: Hits, cache: Arc<dyn Cached>) {
        let mut known = self.inner.lock();
        known.retain(|other| other.name != name);
        known.push(Known { name, bytes_max, hits, cache });
    }

    /// Every cache as it stands now, by name.
    pub async fn stats(&self) -> Vec<CacheStats> {
        let mut stats = Vec::new();
        for known in self.known(None) {
            stats.push(known.stats().await);
        }
        stats.sort_by(|one, other| one.name.cmp(&other.name));
        stats
    }

    /// Empties the cache of that name, or all of them; the names of those emptied.
    pub fn clear(&self, name: Option<&str>) -> Vec<String> {
        let cleared = self.known(name);
        for known in &cleared {
            known.cache.clear();
        }
        cleared.into_iter().map(|known| known.name.to_owned()).collect()
    }

    /// Forgets one key in the cache of that name, or in all of them; the names of those that had it.
    pub async fn forget(&self, name: Option<&str>, key: &str) -> Vec<String> {
        let mut had = Vec::new();
        for known in self.known(name) {
            if known.cache.forget(key).await {
                had.push(known.name.to_owned());
            }
        }
        had
    }

    /// Cloned, so that no lock is held while a cache works.
    fn known(&self, name: Option<&str>) -> Vec<Known> {
        let known = self.inner.lock();
        known.iter().filter(|known| name.is_none_or(|name| name == known.name)).cloned().collect()
    }
}

impl Known {
    async fn stats(&self) -> CacheStats {
        let Usage { entries, bytes } = self.cache.usage().await;
        CacheStats {
            name: self.name.to_owned(),
            entries,
            bytes,
            bytes_max: self.bytes_max,
            hits: self.hits.inner.hits.load(Ordering::Relaxed),
            misses: self.hits.inner.misses.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Keeps words, a byte each.
    #[derive(Default)]
    struct Words(Mutex<BTreeSet<String>>);

    impl Cached for Words {
        fn usage(&self) -> BoxFuture<'_, Usage> {
            let entries = self.0.lock().len() as u64;
            Box::pin(std::future::ready(Usage { entries, bytes: entries }))
        }

        fn clear(&self) {
            self.0.lock().clear();
        }

        fn forget<'a>(&'a self, key: &'a str) -> BoxFuture<'a, bool> {
            Box::pin(std::future::ready(self.0.lock().remove(key)))
        }
    }

    fn words(words: &[&str]) -> Arc<Words> {
        Arc::new(Words(Mutex::new(words.iter().map(|word| (*word).to_owned()).collect())))
    }

    #[tokio::test]
    async fn a_key_is_forgotten_where_it_is_and_a_name_cleared_alone() {
        let caches = Caches::default();
        let hits = Hits::default();
        caches.add("one", 10, hits.clone(), words(&["a", "b"]));
        caches.add("two", 10, Hits::default(), words(&["b", "c"]));
        hits.hit(3);
        hits.miss(1);
        let entries =
            async || caches.stats().await.iter().map(|stats| stats.entries).collect::<Vec<_>>();
        assert_eq!(entries().await, [2, 2]);
        let one = &caches.stats().await[0];
        assert_eq!((one.hits, one.misses), (3, 1));
        assert_eq!(caches.forget(None, "b").await, ["one", "two"]);
        assert_eq!(caches.forget(Some("one"), "c").await, Vec::<String>::new());
        assert_eq!(entries().await, [1, 1]);
        assert_eq!(caches.clear(Some("two")), ["two"]);
        assert_eq!(entries().await, [1, 0]);
        assert_eq!(caches.clear(Some("three")), Vec::<String>::new());
        assert_eq!(caches.clear(None), ["one", "two"]);
        assert_eq!(entries().await, [0, 0]);
    }

    #[tokio::test]
    async fn a_cache_made_anew_takes_its_namesake_s_place() {
        let caches = Caches::default();
        caches.add("one", 10, Hits::default(), words(&["a"]));
        caches.add("one", 10, Hits::default(), words(&["a", "b"]));
        let stats = caches.stats().await;
        assert_eq!(stats.iter().map(|stats| stats.entries).collect::<Vec<_>>(), [2]);
    }
}
