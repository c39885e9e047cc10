//! Images already made, in memory and on disk, and refusals for a while. However many ask for one image at
//! the same time, it is looked for once.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use millrace_runtime::caches::Hits;
use millrace_runtime::metrics::Registry;
use moka::Expiry;
use moka::future::Cache;

use super::cached;
use super::config::ImagesConfig;
use super::disk::Disk;
use super::fault::Fault;
use super::metrics::Metrics;
use super::origin::Origin;
use super::path::Asked;
use super::{Found, Kept};

/// How long a blob that cannot be an image is not fetched again, …
const REFUSED_FOR: Duration = Duration::from_secs(600);
/// … one that its PDS does not have, …
const ABSENT_FOR: Duration = Duration::from_secs(30);
/// … and one that could not be had just now.
const FAILED_FOR: Duration = Duration::from_secs(2);

/// What an entry takes beside its key and image, roughly.
const ENTRY_BYTES: usize = 128;

type Made = Result<Bytes, Fault>;
pub(super) type Memory = Cache<String, Made>;

pub(super) struct Shelf {
    memory: Memory,
    disk: Option<Disk>,
    origin: Origin,
    in_memory: Hits,
    on_disk: Hits,
}

impl Shelf {
    pub(super) fn new(
        config: &ImagesConfig,
        origin: Origin,
        metrics: Metrics,
        registry: &Registry,
    ) -> Self {
        let memory = Cache::builder()
            .max_capacity(config.memory_cache_bytes_max)
            .weigher(|key: &String, made: &Made| {
                let bytes = key.len() + made.as_ref().map_or(0, Bytes::len) + ENTRY_BYTES;
                u32::try_from(bytes).unwrap_or(u32::MAX)
            })
            .expire_after(Lifetimes)
            .build();
        let folder = config.cache_dir.clone().filter(|_| config.cache_bytes_max > 0);
        let disk = folder.map(|folder| Disk::new(folder, config.cache_bytes_max, metrics));
        let (in_memory, on_disk) = (Hits::default(), Hits::default());
        cached::add(registry.caches(), config, (&memory, &in_memory), (disk.as_ref(), &on_disk));
        Self { memory, disk, origin, in_memory, on_disk }
    }

    /// The image that was asked for, made now if it is not here.
    pub(super) async fn get(&self, asked: &Asked) -> Result<Found, Fault> {
        let key = asked.key();
        let looked = OnceLock::new();
        let made = self.memory.get_with_by_ref(&key, async {
            let (made, kept) = self.look(&key, asked).await;
            let _ = looked.set(kept);
            made
        });
        let bytes = made.await;
        let kept = looked.get().copied().unwrap_or(Kept::Memory);
        match kept {
            Kept::Memory => self.in_memory.hit(1),
            Kept::Disk | Kept::Origin => self.in_memory.miss(1),
        }
        bytes.map(|bytes| Found { bytes, kept })
    }

    async fn look(&self, key: &str, asked: &Asked) -> (Made, Kept) {
        let Some(disk) = &self.disk else { return (self.origin.image(asked).await, Kept::Origin) };
        if let Some(image) = disk.get(key).await {
            self.on_disk.hit(1);
            return (Ok(image), Kept::Disk);
        }
        self.on_disk.miss(1);
        let made = self.origin.image(asked).await;
        if let Ok(image) = &made {
            disk.put(key, image.clone()).await;
        }
        (made, Kept::Origin)
    }
}

/// How long what was made is kept in memory: an image until there is no room for it.
struct Lifetimes;

impl Expiry<String, Made> for Lifetimes {
    fn expire_after_create(&self, _: &String, made: &Made, _: Instant) -> Option<Duration> {
        match made {
            Ok(_) => None,
            Err(fault) if fault.is_the_blobs() => Some(REFUSED_FOR),
            Err(Fault::Absent | Fault::Mismatch) => Some(ABSENT_FOR),
            Err(_) => Some(FAILED_FOR),
        }
    }
}
