//! What the dictionary remembers, both ways, bounded in bytes. Holds committed ids only.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What one remembered pair costs beside its text: key, value and the cache's own bookkeeping.
const ENTRY_BYTES: usize = 160;

#[derive(Debug, Clone)]
pub(super) struct Cache {
    ids: moka::sync::Cache<Arc<str>, i64>,
    texts: moka::sync::Cache<i64, Arc<str>>,
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
        }
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
