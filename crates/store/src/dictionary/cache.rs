//! What the dictionary remembers, both ways, bounded in bytes. Holds committed ids only.

use std::collections::BTreeSet;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};
use futures_util::future::BoxFuture;
use millrace_runtime::caches::{Cached, Hits, Usage};

/// What one remembered pair costs beside its text: key, value and the cache's own bookkeeping.
const ENTRY_BYTES: usize = 160;

#[derive(Debug, Clone)]
pub(super) struct Cache {
    ids: moka::sync::Cache<Arc<str>, i64>,
    texts: moka::sync::Cache<i64, Arc<str>>,
    hits: Hits,
}

impl Cached for Cache {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        self.ids.run_pending_tasks();
        self.texts.run_pending_tasks();
        Box::pin(std::future::ready(Usage {
            entries: self.ids.entry_count() + self.texts.entry_count(),
            bytes: self.ids.weighted_size() + self.texts.weighted_size(),
        }))
    }

    fn clear(&self) {
        self.ids.invalidate_all();
        self.texts.invalidate_all();
    }

    fn forget<'a>(&'a self, key: &'a str) -> BoxFuture<'a, bool> {
        let id = self.ids.remove(key);
        if let Some(id) = id {
            self.texts.invalidate(&id);
        }
        Box::pin(std::future::ready(id.is_some()))
    }
}

impl Cache {
    pub(super) fn new(bytes_max: u64) -> Cache {
        let weight = |text: &Arc<str>| u32::try_from(text.len() + ENTRY_BYTES).unwrap_or(u32::MAX);
        Cache {
            ids: moka::sync::Cache::builder()
                .max_capacity(bytes_max / 2)
                .weigher(move |text, _| weight(text))
                .build(),
            texts: moka::sync::Cache::builder()
                .max_capacity(bytes_max / 2)
                .weigher(move |_, text| weight(text))
                .build(),
            hits: Hits::default(),
        }
    }

    /// How often it was of use.
    pub(super) fn hits(&self) -> Hits {
        self.hits.clone()
    }

    /// The ids known here, and the other texts: sorted, each once.
    pub(super) fn ids(&self, texts: &[&str]) -> (HashMap<String, i64>, Vec<String>) {
        let mut known = HashMap::with_capacity(texts.len());
        let mut missing = BTreeSet::new();
        for text in texts {
            match self.ids.get(*text) {
                Some(id) => {
                    known.insert((*text).to_owned(), id);
                }
                None => {
                    missing.insert((*text).to_owned());
                }
            }
        }
        self.hits.hit(known.len());
        self.hits.miss(missing.len());
        (known, missing.into_iter().collect())
    }

    /// The texts known here, and the other ids: sorted, each once.
    pub(super) fn texts(&self, ids: &[i64]) -> (HashMap<i64, Arc<str>>, Vec<i64>) {
        let mut known = HashMap::with_capacity(ids.len());
        let mut missing = BTreeSet::new();
        for id in ids {
            match self.texts.get(id) {
                Some(text) => {
                    known.insert(*id, text);
                }
                None => {
                    missing.insert(*id);
                }
            }
        }
        self.hits.hit(known.len());
        self.hits.miss(missing.len());
        (known, missing.into_iter().collect())
    }

    /// Remembers pairs read or committed, and adds them to `known`.
    pub(super) fn learn(&self, pairs: Vec<(String, i64)>, known: &mut HashMap<String, i64>) {
        for (text, id) in pairs {
            self.ids.insert(Arc::from(text.as_str()), id);
            known.insert(text, id);
        }
    }

    /// The same for texts asked for by id.
    pub(super) fn learn_texts(
        &self,
        pairs: Vec<(String, i64)>,
        known: &mut HashMap<i64, Arc<str>>,
    ) {
        for (text, id) in pairs {
            let text: Arc<str> = text.into();
            self.texts.insert(id, Arc::clone(&text));
            known.insert(id, text);
        }
    }
}
