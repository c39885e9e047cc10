//! The two places of images as an operator sees them. A key is written `<did>/<cid>` and means the blob in
//! every size and format.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use millrace_runtime::caches::{Cached, Caches, Hits, Usage};

use super::config::ImagesConfig;
use super::disk::Disk;
use super::path::{Asked, parse_key};
use super::shelf::Memory;

struct InMemory(Memory);
struct OnDisk(Disk);

pub(super) fn add(
    caches: &Caches,
    config: &ImagesConfig,
    (memory, in_memory): (&Memory, &Hits),
    (disk, on_disk): (Option<&Disk>, &Hits),
) {
    let kept = Arc::new(InMemory(memory.clone()));
    caches.add("images", config.memory_cache_bytes_max, in_memory.clone(), kept);
    if let Some(disk) = disk {
        let kept = Arc::new(OnDisk(disk.clone()));
        caches.add("images-on-disk", config.cache_bytes_max, on_disk.clone(), kept);
    }
}

impl Cached for InMemory {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        Box::pin(async move {
            self.0.run_pending_tasks().await;
            Usage { entries: self.0.entry_count(), bytes: self.0.weighted_size() }
        })
    }

    fn clear(&self) {
        self.0.invalidate_all();
    }

    fn forget<'a>(&'a self, key: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let mut had = false;
            for asked in parse_key(key) {
                had |= self.0.remove(&asked.key()).await.is_some();
            }
            had
        })
    }
}

impl Cached for OnDisk {
    fn usage(&self) -> BoxFuture<'_, Usage> {
        Box::pin(async move { self.0.usage() })
    }

    fn clear(&self) {
        self.0.clear();
    }

    fn forget<'a>(&'a self, key: &'a str) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            let mut had = false;
            for asked in parse_key(key).iter().map(Asked::key) {
                had |= self.0.forget(&asked).await;
            }
            had
        })
    }
}
