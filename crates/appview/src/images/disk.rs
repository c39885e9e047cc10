//! Images on disk, so many bytes of them; those that were not asked for longest make room.
//!
//! ```text
//! <folder>/ab/cdef…   name: SHA-256 of the key    content: SHA-256 of the image (32 bytes), the image
//! ```
//! A file is written whole under another name and then renamed. One that is not what its head says is
//! removed and made again: the folder may be emptied, cut short or written to by anybody.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use millrace_atproto::crypto::sha256;
use millrace_runtime::caches::Usage;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::metrics::Metrics;

const DIGEST_BYTES: usize = 32;
/// What a file takes at least, and what its size is rounded up to.
const BLOCK_BYTES: u64 = 4_096;
/// Names of files that are not whole yet begin so.
const UNFINISHED: &str = "unfinished-";

type Name = [u8; DIGEST_BYTES];

/// Images on disk. Clones are the same.
#[derive(Clone)]
pub(super) struct Disk {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    bytes_max: u64,
    /// What there was at the start has been looked at.
    is_read: OnceCell<()>,
    index: Mutex<Index>,
    written: AtomicU64,
    metrics: Metrics,
}

/// Which files there are, the one not asked for longest first.
#[derive(Default)]
struct Index {
    files: HashMap<Name, Kept>,
    by_turn: BTreeMap<u64, Name>,
    turn: u64,
    bytes: u64,
}

struct Kept {
    bytes: u64,
    turn: u64,
}

impl Disk {
    pub(super) fn new(folder: PathBuf, bytes_max: u64, metrics: Metrics) -> Self {
        let inner = Inner {
            folder,
            bytes_max,
            is_read: OnceCell::new(),
            index: Mutex::default(),
            written: AtomicU64::new(0),
            metrics,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The image kept under a key.
    pub(super) async fn get(&self, key: &str) -> Option<Bytes> {
        let name = sha256(key.as_bytes());
        self.on_disk(move |inner| inner.get(&name)).await.flatten()
    }

    /// Keeps an image, as long as there is room.
    pub(super) async fn put(&self, key: &str, image: Bytes) {
        let name = sha256(key.as_bytes());
        let written = self.on_disk(move |inner| inner.put(&name, &image)).await;
        if let Some(Err(error)) = written {
            tracing::warn!(folder = %self.inner.folder.display(), %error, "an image cannot be kept");
        }
    }

    /// Forgets what is kept under a key; whether there was anything.
    pub(super) async fn forget(&self, key: &str) -> bool {
        let name = sha256(key.as_bytes());
        self.on_disk(move |inner| inner.remove(&name)).await.unwrap_or(false)
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        let names: Vec<Name> = self.inner.index.lock().files.keys().copied().collect();
        for name in names {
            self.inner.remove(&name);
        }
    }

    pub(super) fn usage(&self) -> Usage {
        let index = self.inner.index.lock();
        Usage { entries: index.files.len() as u64, bytes: index.bytes }
    }

    /// Runs what asks the disk beside the async threads; nothing of it is lost when the caller hangs up.
    async fn on_disk<T: Send + 'static>(
        &self,
        task: impl FnOnce(&Inner) -> T + Send + 'static,
    ) -> Option<T> {
        let inner = Arc::clone(&self.inner);
        self.inner.is_read.get_or_init(|| read(Arc::clone(&inner))).await;
        tokio::task::spawn_blocking(move || task(&inner)).await.ok()
    }
}

/// Looks at what there is, once.
async fn read(inner: Arc<Inner>) {
    let read = tokio::task::spawn_blocking(move || inner.read().map_err(|error| (inner, error)));
    if let Ok(Err((inner, error))) = read.await {
        tracing::warn!(folder = %inner.folder.display(), %error, "kept images cannot be read");
    }
}

impl Inner {
    /// Takes over what an earlier process kept, by when it was written.
    fn read(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let first = entry.file_name();
            if first.to_string_lossy().starts_with(UNFINISHED) {
                let _ = fs::remove_file(entry.path());
                continue;
            }
            if !entry.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(entry.path())? {
                let file = file?;
                let whole = format!("{}{}", first.to_string_lossy(), file.file_name().display());
                let name = HEXLOWER.decode(whole.as_bytes()).ok();
                if let Some(name) = name.and_then(|name| Name::try_from(name).ok()) {
                    let about = file.metadata()?;
                    found.push((about.modified()?, name, about.len()));
                }
            }
        }
        found.sort_unstable();
        let mut index = self.index.lock();
        for (_, name, bytes) in found {
            index.add(name, bytes);
        }
        drop(index);
        self.make_room();
        Ok(())
    }

    fn get(&self, name: &Name) -> Option<Bytes> {
        if !self.index.lock().touch(name) {
            return None;
        }
        let whole = fs::read(self.path(name)).ok();
        let image = whole.and_then(|whole| {
            let whole = Bytes::from(whole);
            let (digest, image) = whole.split_at_checked(DIGEST_BYTES)?;
            (sha256(image) == digest).then(|| whole.slice(DIGEST_BYTES..))
        });
        if image.is_none() {
            self.remove(name);
        }
        image
    }

    fn put(&self, name: &Name, image: &[u8]) -> io::Result<()> {
        if blocks(image.len() as u64) > self.bytes_max {
            return Ok(());
        }
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        let whole = [&sha256(image), image].concat();
        let written = fs::write(&unfinished, &whole).and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
            return written;
        }
        self.index.lock().add(*name, whole.len() as u64);
        self.make_room();
        Ok(())
    }

    /// Removes what was not asked for longest until the rest may stay.
    fn make_room(&self) {
        loop {
            let mut index = self.index.lock();
            self.metrics.cache_bytes.set(i64::try_from(index.bytes).unwrap_or(i64::MAX));
            if index.bytes <= self.bytes_max {
                return;
            }
            let Some(name) = index.by_turn.first_key_value().map(|(_, name)| *name) else {
                return;
            };
            index.leave_out(&name);
            drop(index);
            let _ = fs::remove_file(self.path(&name));
            self.metrics.evicted.inc();
        }
    }

    fn remove(&self, name: &Name) -> bool {
        let had = self.index.lock().leave_out(name);
        let _ = fs::remove_file(self.path(name));
        self.make_room();
        had
    }

    fn path(&self, name: &Name) -> PathBuf {
        let name = HEXLOWER.encode(name);
        let (first, rest) = name.split_at(2);
        Path::new(&self.folder).join(first).join(rest)
    }
}

impl Index {
    fn add(&mut self, name: Name, bytes: u64) {
        self.leave_out(&name);
        let bytes = blocks(bytes);
        self.turn += 1;
        self.files.insert(name, Kept { bytes, turn: self.turn });
        self.by_turn.insert(self.turn, name);
        self.bytes += bytes;
    }

    /// It was asked for; whether it is there.
    fn touch(&mut self, name: &Name) -> bool {
        self.turn += 1;
        let turn = self.turn;
        let Some(kept) = self.files.get_mut(name) else { return false };
        self.by_turn.remove(&kept.turn);
        self.by_turn.insert(turn, *name);
        kept.turn = turn;
        true
    }

    fn leave_out(&mut self, name: &Name) -> bool {
        let Some(kept) = self.files.remove(name) else { return false };
        self.by_turn.remove(&kept.turn);
        self.bytes -= kept.bytes;
        true
    }
}

fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK_BYTES).max(1) * BLOCK_BYTES
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use millrace_runtime::metrics::Registry;

    use super::*;

    fn disk(folder: &Path, blocks: u64) -> Disk {
        let metrics = Metrics::new(&Registry::new());
        Disk::new(folder.to_owned(), blocks * BLOCK_BYTES, metrics)
    }

    fn image(byte: u8) -> Bytes {
        vec![byte; 100].into()
    }

    #[tokio::test]
    async fn what_was_not_asked_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let kept = disk(folder.path(), 3);
        for (key, byte) in [("a", 1), ("b", 2), ("c", 3)] {
            kept.put(key, image(byte)).await;
        }
        assert_eq!(kept.get("a").await, Some(image(1)));
        kept.put("d", image(4)).await;
        assert_eq!(kept.get("b").await, None);
        assert_eq!(kept.usage(), Usage { entries: 3, bytes: 3 * BLOCK_BYTES });
        // Larger than everything: not kept, and nothing goes for it.
        kept.put("e", vec![0; 4 * BLOCK_BYTES as usize].into()).await;
        assert_eq!(kept.usage().entries, 3);
        // The next process finds them, and keeps as many as it may.
        let next = disk(folder.path(), 2);
        let mut found = 0;
        for key in ["a", "c", "d"] {
            found += usize::from(next.get(key).await.is_some());
        }
        assert_eq!((found, next.usage().entries), (2, 2));
    }

    #[tokio::test]
    async fn a_file_that_is_not_whole_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let kept = disk(folder.path(), 100);
        fs::write(folder.path().join("unfinished-1-1"), b"x").unwrap();
        for key in ["cut", "emptied", "changed", "gone"] {
            kept.put(key, image(7)).await;
        }
        let path = |key: &str| kept.inner.path(&sha256(key.as_bytes()));
        let whole = fs::read(path("cut")).unwrap();
        fs::write(path("cut"), &whole[..whole.len() - 1]).unwrap();
        fs::write(path("emptied"), b"").unwrap();
        fs::write(path("changed"), [&whole[..40], b"x", &whole[41..]].concat()).unwrap();
        fs::remove_file(path("gone")).unwrap();
        for key in ["cut", "emptied", "changed", "gone"] {
            assert_eq!(kept.get(key).await, None, "{key}");
            kept.put(key, image(8)).await;
            assert_eq!(kept.get(key).await, Some(image(8)), "{key}");
        }
        assert!(!folder.path().join("unfinished-1-1").exists());
        assert!(kept.forget("cut").await && !kept.forget("cut").await);
        kept.clear();
        assert_eq!(kept.usage(), Usage::default());
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_keeps_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), b"x").unwrap();
        let kept = disk(&folder.path().join("file"), 10);
        kept.put("a", image(1)).await;
        assert_eq!(kept.get("a").await, None);
    }
}
