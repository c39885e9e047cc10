//! Making a backup.
//!
//! The order of copies: `own` and `session`, which nobody refers to; then the tables that read the log, with
//! their offsets and cursors; then the log, which by now holds all that they cover; and last the dictionary,
//! which by now has every number that the others use.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millrace_atproto::datetime::format_ms_us;
use millrace_log::backup::{self as log_file, PartitionMark};
use millrace_log::{LogConfig, LogEngine, LogError};
use millrace_store::backup::{self, Control, CopiedDomain};
use millrace_store::{Domain, EngineKind};

use super::manifest::{FORMAT, FileMark, LogPart, MANIFEST, Manifest, SUMS, SourceMark};
use super::{Content, Place, beside, failed, room, sync_dir, whole};
use crate::failure::ProgramError;

/// What one is asked for.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct MakeBackup {
    /// A folder that is not there yet; absolute, because a server has a working directory of its own.
    pub path: PathBuf,
    pub content: Content,
}

/// Bytes that a backup will take, about.
///
/// # Errors
/// The tables cannot be looked at.
pub async fn estimate_bytes(place: &Place, content: Content) -> Result<u64, ProgramError> {
    let domains: Vec<Domain> =
        before_log(content).iter().chain(&[Domain::Dictionary]).copied().collect();
    let tables = backup::estimate_bytes(&place.store, &domains, &place.clock);
    let tables = tables.await.map_err(|error| failed(place.store.dir(), error))?;
    let log = if content == Content::All { log_file::file_bytes(&place.log) } else { None };
    Ok(tables.saturating_add(log.unwrap_or(0)))
}

/// Whether a backup could be made at `path` at all.
///
/// # Errors
/// The place is taken, or there is no room for `bytes`.
pub fn check_target(path: &Path, bytes: u64) -> Result<(), ProgramError> {
    match fs::read_dir(path).map(|mut files| files.next().is_some()) {
        Ok(false) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Ok(true) => return Err(ProgramError::BackupExists { path: path.to_owned() }),
        // A file, or a folder that may not be looked into.
        Err(_) if path.is_file() => {
            return Err(ProgramError::BackupExists { path: path.to_owned() });
        }
        Err(error) => return Err(failed(path, error)),
    }
    let parent = parent(path);
    let fits = room::fits(&parent, bytes)
        .map_err(|error| failed(path, format!("{}: {error}", parent.display())))?;
    fits.map_err(|free| ProgramError::NoRoom { path: parent, wanted: bytes, free })
}

/// Makes a backup. Blocks no async thread; `marks` says where the log stands if it is not copied.
///
/// # Errors
/// Nothing has the backup's name then, and what was written is removed.
pub async fn make(
    place: &Place,
    wanted: &MakeBackup,
    marks: Vec<PartitionMark>,
    control: Arc<Control>,
) -> Result<Manifest, ProgramError> {
    check_target(&wanted.path, estimate_bytes(place, wanted.content).await?)?;
    let partial = Partial::make(&wanted.path)?;
    let made = write(place, wanted, marks, control, &partial.dir).await;
    match made {
        Ok(manifest) => {
            partial.finish()?;
            Ok(manifest)
        }
        Err(error) => {
            partial.remove();
            Err(error)
        }
    }
}

async fn write(
    place: &Place,
    wanted: &MakeBackup,
    marks: Vec<PartitionMark>,
    control: Arc<Control>,
    dir: &Path,
) -> Result<Manifest, ProgramError> {
    let explain = |error: millrace_store::StoreError| failed(&wanted.path, error);
    let created_us = place.clock.now_us();
    let tables = before_log(wanted.content);
    let copied = backup::copy(&place.store, tables, dir, Arc::clone(&control), &place.clock);
    let mut domains = copied.await.map_err(explain)?;
    let sources = sources(place).await.map_err(explain)?;
    let log = copy_log(place, wanted, marks, &control, dir).await?;
    let last = [Domain::Dictionary];
    domains.extend(
        backup::copy(&place.store, &last, dir, control, &place.clock).await.map_err(explain)?,
    );
    if domains.is_empty() {
        return Err(failed(&wanted.path, "there are no tables to copy yet"));
    }
    offsets_fit(&wanted.path, &domains, &log)?;
    let manifest = Manifest {
        format: FORMAT,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: format_ms_us(created_us),
        created_us,
        content: wanted.content,
        store: engine_name(place.store.engine).to_owned(),
        log,
        domains,
        sources,
        files: Vec::new(),
    };
    let (path, dir) = (wanted.path.clone(), dir.to_owned());
    blocking(move || seal(&path, &dir, manifest)).await
}

/// What is copied before the log.
fn before_log(content: Content) -> &'static [Domain] {
    match content {
        Content::Owned => &[Domain::Own, Domain::Session, Domain::Ingest],
        Content::All => &[Domain::Own, Domain::Session, Domain::Dataplane, Domain::Ingest],
    }
}

async fn copy_log(
    place: &Place,
    wanted: &MakeBackup,
    marks: Vec<PartitionMark>,
    control: &Arc<Control>,
    dir: &Path,
) -> Result<LogPart, ProgramError> {
    let is_file = place.log.engine == LogEngine::Sqlite;
    let there = is_file && place.log.dir().join(log_file::FILE_NAME).exists();
    let copied = there && wanted.content == Content::All;
    let partitions = match copied {
        true => {
            let (config, dir, control) = (place.log.clone(), dir.to_owned(), Arc::clone(control));
            let done = blocking(move || copy_log_file(&config, &dir, &control)).await;
            done.map_err(|error| failed(&wanted.path, error))?
        }
        false => marks,
    };
    let engine = if is_file { "sqlite" } else { "kafka" };
    Ok(LogPart { engine: engine.to_owned(), copied, partitions })
}

fn copy_log_file(
    config: &LogConfig,
    dir: &Path,
    control: &Control,
) -> Result<Vec<PartitionMark>, LogError> {
    log_file::copy_file(config, dir, |bytes| control.step(bytes).is_ok())
}

async fn sources(place: &Place) -> Result<Vec<SourceMark>, millrace_store::StoreError> {
    let found = millrace_store::probe::read(&place.store, Domain::Ingest, &place.clock, |tx| {
        millrace_ingest::restored::positions(tx)
    });
    let positions = found.await?.unwrap_or_default();
    Ok(positions
        .into_iter()
        .map(|position| SourceMark {
            name: position.source,
            address: position.address,
            cursor: position.cursor,
            event_us: position.event_us,
        })
        .collect())
}

/// While tables and log were copied, retention may have removed what the tables had yet to apply.
fn offsets_fit(path: &Path, domains: &[CopiedDomain], log: &LogPart) -> Result<(), ProgramError> {
    for place in domains.iter().flat_map(|domain| &domain.offsets).filter(|_| log.copied) {
        let mut marks = log.partitions.iter();
        let mark = marks.find(|m| m.topic == place.topic && m.partition == place.partition);
        let fits = mark.is_some_and(|m| (m.oldest..=m.tail).contains(&place.next_offset));
        if !fits {
            let reason = format!(
                "{} stands at {} of {}/{}, which the copied log does not have; try again",
                place.projection, place.next_offset, place.topic, place.partition
            );
            return Err(failed(path, reason));
        }
    }
    Ok(())
}

/// Reads every file once more, and writes the manifest and, last, the checksums.
fn seal(path: &Path, dir: &Path, mut manifest: Manifest) -> Result<Manifest, ProgramError> {
    let explain = |error: std::io::Error| failed(path, error);
    let mut names: Vec<String> =
        manifest.domains.iter().flat_map(|domain| domain.files.clone()).collect();
    names.extend(manifest.log.copied.then(|| log_file::FILE_NAME.to_owned()));
    manifest.files = names
        .iter()
        .map(|name| whole::sum(&dir.join(name)))
        .collect::<Result<Vec<FileMark>, _>>()
        .map_err(explain)?;
    let text = serde_json::to_vec_pretty(&manifest).expect("invariant: a manifest serialises");
    write_synced(&dir.join(MANIFEST), &text).map_err(explain)?;
    let mut files = manifest.files.clone();
    files.push(whole::sum(&dir.join(MANIFEST)).map_err(explain)?);
    write_synced(&dir.join(SUMS), whole::sums_text(&files).as_bytes()).map_err(explain)?;
    sync_dir(dir).map_err(explain)?;
    Ok(manifest)
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The folder in which a backup is made.
struct Partial {
    path: PathBuf,
    dir: PathBuf,
    /// Held while it is written; whoever was killed holds it no more.
    _lock: File,
}

impl Partial {
    fn make(path: &Path) -> Result<Self, ProgramError> {
        let dir = beside(path, ".partial");
        let explain = |error: std::io::Error| failed(path, format!("{}: {error}", dir.display()));
        if let Ok(left) = File::open(&dir) {
            match left.try_lock() {
                // Somebody was killed while making it.
                Ok(()) => fs::remove_dir_all(&dir).map_err(explain)?,
                Err(TryLockError::WouldBlock) => {
                    return Err(failed(path, "another backup is being made there"));
                }
                Err(TryLockError::Error(error)) => return Err(explain(error)),
            }
        }
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&dir).map_err(explain)?;
        let lock = File::open(&dir).map_err(explain)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock, dir }),
            Err(_) => Err(failed(path, "another backup is being made there")),
        }
    }

    /// Gives it its name. An empty folder of that name is replaced, nothing else.
    fn finish(self) -> Result<(), ProgramError> {
        let renamed =
            fs::rename(&self.dir, &self.path).and_then(|()| sync_dir(&parent(&self.path)));
        renamed.map_err(|error| failed(&self.path, error))
    }

    fn remove(self) {
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            tracing::warn!(path = %self.dir.display(), %error, "what is left of a backup cannot be removed");
        }
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// An engine, as it is configured.
pub const fn engine_name(engine: EngineKind) -> &'static str {
    match engine {
        EngineKind::Sqlite => "sqlite",
        EngineKind::Postgres => "postgres",
    }
}

/// Runs what reads and writes files where it holds nobody up.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
