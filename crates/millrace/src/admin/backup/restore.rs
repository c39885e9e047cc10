//! Putting a backup back, as planned.
//!
//! Everything is made ready beside the place (files) or inside one transaction (PostgreSQL), and then changes
//! places at once. What the tables must be told for having been away is told on the way.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use millrace_ingest::restored::{self, Kept};
use millrace_log::backup::FILE_NAME as LOG_FILE;
use millrace_store::backup::{self, Edit, Restore};
use millrace_store::{Domain, EngineKind, StoreConfig, StoreError, Tx};

use super::make::blocking;
use super::plan::{LogAfter, OffsetAfter, Plan, Resync, files_in_the_way, known};
use super::swap::{self, Journal, Move};
use super::{Place, failed, room, whole};
use crate::admin::schema::DOMAINS;
use crate::failure::{Failure, ProgramError};

/// Folder, inside the one that is restored, in which files are made ready.
const STAGING: &str = "restore.partial";

/// Does it. The folder's locks must be held.
///
/// # Errors
/// Nothing was replaced, or, where the moves had begun, running it again finishes them.
pub async fn run(place: &Place, data_dir: &Path, plan: &Plan) -> Result<(), Failure> {
    let staged = Staged::new(place, plan);
    let copied = {
        let (staged, plan) = (staged.clone(), plan.clone());
        blocking(move || staged.fill(&plan)).await
    };
    let restored = match copied {
        Ok(()) => put_back(place, plan, &staged).await,
        Err(error) => Err(error.into()),
    };
    if let Err(error) = restored {
        staged.remove();
        return Err(error);
    }
    let journal = staged.journal(place, plan);
    let explain = |error: std::io::Error| failed(&plan.backup, error);
    swap::begin(data_dir, &journal).map_err(explain)?;
    Ok(swap::finish(data_dir, &journal).map_err(explain)?)
}

/// Finishes a restore that was begun here; whether there was one.
///
/// # Errors
/// It cannot be finished.
pub fn finish_begun(data_dir: &Path) -> Result<Option<PathBuf>, ProgramError> {
    let explain = |error: std::io::Error| ProgramError::FolderUnusable {
        path: data_dir.join(swap::JOURNAL),
        reason: error.to_string(),
    };
    let Some(journal) = swap::load(data_dir).map_err(explain)? else { return Ok(None) };
    swap::finish(data_dir, &journal).map_err(explain)?;
    Ok(Some(journal.backup))
}

/// Files made ready, in the folders they will be moved within.
#[derive(Clone)]
struct Staged {
    /// Of the tables, where they are files.
    store: Option<PathBuf>,
    /// Of the log, where the backup's is taken.
    log: Option<PathBuf>,
}

impl Staged {
    fn new(place: &Place, plan: &Plan) -> Self {
        let sqlite = place.store.engine == EngineKind::Sqlite;
        Self {
            store: sqlite.then(|| place.store.dir().join(STAGING)),
            log: (plan.log == LogAfter::Backup).then(|| place.log.dir().join(STAGING)),
        }
    }

    fn dirs(&self) -> Vec<PathBuf> {
        let mut dirs: Vec<PathBuf> = self.store.iter().chain(&self.log).cloned().collect();
        dirs.dedup();
        dirs
    }

    fn fill(&self, plan: &Plan) -> Result<(), ProgramError> {
        let explain = |error: std::io::Error| failed(&plan.backup, error);
        self.remove();
        for dir in self.dirs() {
            fs::create_dir_all(&dir).map_err(explain)?;
        }
        if let Some(dir) = self.dirs().first() {
            let fits = room::fits(dir, plan.manifest.bytes()).map_err(explain)?;
            fits.map_err(|free| ProgramError::NoRoom {
                path: dir.clone(),
                wanted: plan.manifest.bytes(),
                free,
            })?;
        }
        for file in &plan.manifest.files {
            let dir = if file.name == LOG_FILE { &self.log } else { &self.store };
            let Some(dir) = dir else { continue };
            let copied = whole::copy(&plan.backup.join(&file.name), &dir.join(&file.name));
            if copied.map_err(explain)? != *file {
                return Err(super::damaged(&plan.backup, format!("{} changed", file.name)));
            }
        }
        Ok(())
    }

    fn journal(&self, place: &Place, plan: &Plan) -> Journal {
        let moves = files_in_the_way(place, plan).into_iter().map(|file| {
            let name = file.file_name().unwrap_or_default().to_owned();
            let log = name.to_string_lossy().starts_with(LOG_FILE);
            let dir = if log { &self.log } else { &self.store };
            let staged = dir.as_ref().map(|dir| dir.join(&name)).filter(|staged| staged.exists());
            Move { aside: Path::new(&plan.aside).join(&name), staged, file }
        });
        Journal { backup: plan.backup.clone(), moves: moves.collect(), staging: self.dirs() }
    }

    fn remove(&self) {
        for dir in self.dirs() {
            // What is left is removed by the next attempt.
            let _ = fs::remove_dir_all(dir);
        }
    }
}

async fn put_back(place: &Place, plan: &Plan, staged: &Staged) -> Result<(), Failure> {
    let target = match &staged.store {
        Some(dir) => StoreConfig { dir: Some(dir.clone()), ..place.store.clone() },
        None => place.store.clone(),
    };
    let domains = plan.manifest.domains.iter().filter_map(|copied| {
        let (domain, migrations) = known(&copied.domain)?;
        Some((domain, migrations, copied.clone()))
    });
    let domains: Vec<_> = domains.collect();
    let absent = DOMAINS.iter().map(|(domain, _)| *domain);
    let absent = absent.chain([Domain::DataplaneRebuild]);
    let absent = absent.filter(|domain| !domains.iter().any(|(there, ..)| there == domain));
    let restore = Restore {
        target,
        absent: absent.collect(),
        domains,
        dir: plan.backup.clone(),
        aside: stamp_of(&plan.aside),
    };
    let wanted = Arc::new(AtomicU64::new(0));
    backup::restore(restore, edit(plan, Arc::clone(&wanted)), &place.clock).await?;
    let accounts = wanted.load(Ordering::Relaxed);
    if accounts > 0 {
        crate::output::note(&format!("{accounts} repositories will be fetched"));
    }
    Ok(())
}

/// What tables are told for having been away.
fn edit(plan: &Plan, wanted: Arc<AtomicU64>) -> Edit {
    let (offsets, resync) = (plan.offsets.clone(), plan.resync);
    Box::new(move |domain, tx| match (domain, resync) {
        (Domain::Dataplane | Domain::Own, _) => {
            offsets.iter().try_for_each(|place| set_offset(tx, place))
        }
        (Domain::Ingest, Resync::None) => Ok(()),
        (Domain::Ingest, Resync::Changed) => fetch_all(tx, Kept::Records, &wanted),
        (Domain::Ingest, Resync::All) => fetch_all(tx, Kept::Nothing, &wanted),
        _ => Ok(()),
    })
}

fn fetch_all(tx: &mut Tx, kept: Kept, wanted: &AtomicU64) -> Result<(), StoreError> {
    restored::note_gaps(tx)?;
    wanted.store(restored::want_all(tx, kept)?, Ordering::Relaxed);
    Ok(())
}

fn set_offset(tx: &mut Tx, place: &OffsetAfter) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE projection_offset SET next_offset = $4
         WHERE projection = $1 AND topic = $2 AND partition = $3",
        &[
            (&place.projection).into(),
            (&place.topic).into(),
            place.partition.into(),
            place.after.into(),
        ],
    )
    .map(drop)
}

/// What schemas that are replaced are called from now on: their name and this.
fn stamp_of(aside: &str) -> String {
    let digits = aside.rsplit('-').next().unwrap_or_default();
    format!("replaced_{digits}")
}
