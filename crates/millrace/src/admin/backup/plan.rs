//! What putting a backup back would mean: whether it is whole and fits, which log the tables will stand
//! beside, where they go on in it, and what has to be fetched again. Looks, and changes nothing.
//!
//! | the log afterwards | the data-plane's offset | repositories |
//! | --- | --- | --- |
//! | the backup's own | as copied | fetched again only if the backup is older than what relays keep |
//! | the same, gone on | as copied: it catches up | as above |
//! | lacks what the offset stands at | moved into the log, never beyond its tail | all fetched again |
//! | (no data-plane in the backup) | none: it is applied from the oldest entry | all fetched as if never seen |

use std::path::{Path, PathBuf};

use millrace_log::backup::{FILE_NAME as LOG_FILE, PartitionMark};
use millrace_log::{Log, LogEngine, Topic};
use millrace_runtime::metrics::Registry;
use millrace_store::backup::{self, CopiedOffset};
use millrace_store::{Domain, EngineKind, Migration};
use serde::Serialize;

use super::make::{blocking, engine_name};
use super::manifest::Manifest;
use super::{Content, Place, job, whole};
use crate::admin::schema::DOMAINS;
use crate::failure::{Failure, ProgramError};

/// What lies beside a database's file.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];
const HOUR_US: i64 = 3_600_000_000;

/// What is wanted.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub path: PathBuf,
    /// Leave the log that is there, whatever the backup has.
    pub keep_log: bool,
    /// Have every repository fetched again.
    pub resync: bool,
    /// How far back sources can be read.
    pub window_hours: u32,
}

/// What a restore will do.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub backup: PathBuf,
    pub created_at: String,
    pub content: Content,
    pub bytes: u64,
    pub domains: Vec<String>,
    /// `backup`: the backup's own; `kept`: the one that is there; `new`: an empty one.
    pub log: LogAfter,
    /// Where the data-plane goes on, partition by partition.
    pub offsets: Vec<OffsetAfter>,
    /// `none`, `changed` (fetch all, apply what is new) or `all` (as if never seen).
    pub resync: Resync,
    /// Why.
    pub because: Option<String>,
    /// What is there now and would be kept under `aside`.
    pub replaces: Vec<String>,
    pub aside: String,
    #[serde(skip)]
    pub(super) manifest: Manifest,
}

/// The log beside which the tables will stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogAfter {
    Backup,
    Kept,
    New,
}

/// Which repositories are fetched again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Resync {
    None,
    Changed,
    All,
}

/// Where a projection goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OffsetAfter {
    pub projection: String,
    pub topic: String,
    pub partition: u32,
    pub copied: i64,
    pub after: i64,
}

/// Reads the backup whole, and says what putting it back here would mean. Changes nothing.
///
/// # Errors
/// The backup is damaged or does not fit this program or this place.
pub async fn plan(place: &Place, data_dir: &Path, wanted: &Wanted) -> Result<Plan, Failure> {
    let path = wanted.path.clone();
    let manifest = blocking(move || whole::check(&path)).await?;
    fits(place, wanted, &manifest)?;
    let log = log_after(place, wanted, &manifest);
    let found = match log {
        LogAfter::Kept => Found::kept(place, &manifest).await?,
        LogAfter::Backup => Found::restored(&manifest),
        LogAfter::New => Found { marks: Vec::new(), same: Vec::new() },
    };
    let now_us = place.clock.now_us();
    let (offsets, lost) = offsets_after(&manifest, &found);
    let (resync, because) = resync(wanted, &manifest, lost, now_us);
    let stamp = stamp(now_us);
    let mut plan = Plan {
        backup: wanted.path.clone(),
        created_at: manifest.created_at.clone(),
        content: manifest.content,
        bytes: manifest.bytes(),
        domains: manifest.domains.iter().map(|domain| domain.domain.clone()).collect(),
        log,
        offsets,
        resync,
        because,
        replaces: Vec::new(),
        aside: aside(place, data_dir, &stamp),
        manifest,
    };
    plan.replaces = replaces(place, &plan).await?;
    Ok(plan)
}

fn fits(place: &Place, wanted: &Wanted, manifest: &Manifest) -> Result<(), Failure> {
    let unfit = |reason: String| ProgramError::BackupUnfit { path: wanted.path.clone(), reason };
    let engine = engine_name(place.store.engine);
    if manifest.store != engine {
        let reason = format!("its tables are of {}, store.engine is {engine}", manifest.store);
        return Err(unfit(reason).into());
    }
    for copied in &manifest.domains {
        let Some((domain, migrations)) = known(&copied.domain) else {
            let reason = format!("this program knows no domain `{}`", copied.domain);
            return Err(unfit(reason).into());
        };
        backup::check_schema(copied, domain, migrations)?;
    }
    for name in ["dictionary", "own", "ingest"] {
        if manifest.domain(name).is_none() {
            return Err(unfit(format!("it has no `{name}`")).into());
        }
    }
    Ok(())
}

pub(super) fn known(name: &str) -> Option<(Domain, &'static [Migration])> {
    DOMAINS.iter().find(|(domain, _)| domain.name() == name).copied()
}

fn log_after(place: &Place, wanted: &Wanted, manifest: &Manifest) -> LogAfter {
    let is_file = place.log.engine == LogEngine::Sqlite;
    let there = !is_file || place.log.dir().join(LOG_FILE).exists();
    match (manifest.log.copied && is_file && !wanted.keep_log, there) {
        (true, _) => LogAfter::Backup,
        (false, true) => LogAfter::Kept,
        (false, false) => LogAfter::New,
    }
}

/// The log that tables will stand beside.
struct Found {
    marks: Vec<PartitionMark>,
    /// Whether each partition is the one the backup was made beside.
    same: Vec<bool>,
}

impl Found {
    fn restored(manifest: &Manifest) -> Self {
        let marks = manifest.log.partitions.clone();
        Self { same: vec![true; marks.len()], marks }
    }

    async fn kept(place: &Place, manifest: &Manifest) -> Result<Self, Failure> {
        let (config, clock) = (place.log.clone(), place.clock.clone());
        let log = blocking(move || Log::open(&config, clock, &Registry::new())).await?;
        let found = Self::of(&log, manifest).await;
        log.close().await;
        found
    }

    async fn of(log: &Log, manifest: &Manifest) -> Result<Self, Failure> {
        let marks = job::marks(log).await?;
        let mut same = Vec::new();
        for mark in &marks {
            let before = manifest.mark(&mark.topic, mark.partition);
            let last = before.and_then(|before| before.last);
            same.push(match (last, Topic::parse(&mark.topic)) {
                (Some(last), Some(topic)) => {
                    job::item_at(log, topic, mark.partition, last.offset).await? == Some(last)
                }
                // Nothing had been written then.
                (None, _) => before.is_some_and(|before| before.tail == 0),
                (Some(_), None) => false,
            });
        }
        Ok(Self { marks, same })
    }
}

/// Where projections go on, and what they miss.
fn offsets_after(manifest: &Manifest, found: &Found) -> (Vec<OffsetAfter>, Option<String>) {
    let mut lost = None;
    let copied = manifest.domains.iter();
    let copied = copied.flat_map(|domain| domain.offsets.iter().map(move |place| (domain, place)));
    let offsets = copied.map(|(domain, place)| {
        let (after, missing) = offset_after(place, found);
        // What webhooks miss no repository has: nothing is fetched for them.
        lost = lost.take().or(missing.filter(|_| domain.domain != Domain::Own.to_string()));
        OffsetAfter {
            projection: place.projection.clone(),
            topic: place.topic.clone(),
            partition: place.partition,
            copied: place.next_offset,
            after,
        }
    });
    let offsets = offsets.collect();
    (offsets, lost)
}

fn offset_after(place: &CopiedOffset, found: &Found) -> (i64, Option<String>) {
    let mut marks = found.marks.iter().zip(&found.same);
    let mark =
        marks.find(|(mark, _)| mark.topic == place.topic && mark.partition == place.partition);
    let next = place.next_offset;
    match mark {
        None if next == 0 => (0, None),
        None => (0, Some("the log it was made beside is not there".to_owned())),
        Some((mark, true)) if (mark.oldest..=mark.tail).contains(&next) => (next, None),
        Some((mark, true)) => (
            next.clamp(mark.oldest, mark.tail),
            Some(format!("the log holds {} to {}, not {next}", mark.oldest, mark.tail)),
        ),
        // Another log, or one whose entries of then are gone: all that it has is applied.
        Some((mark, false)) => {
            (mark.oldest, Some("the log is not the one it was made beside, gone on".to_owned()))
        }
    }
}

fn resync(
    wanted: &Wanted,
    manifest: &Manifest,
    lost: Option<String>,
    now_us: i64,
) -> (Resync, Option<String>) {
    if manifest.domain("dataplane").is_none() {
        return (Resync::All, Some("the backup has no data-plane".to_owned()));
    }
    if wanted.resync {
        return (Resync::Changed, Some("asked for".to_owned()));
    }
    if let Some(lost) = lost {
        return (Resync::Changed, Some(lost));
    }
    let age_us = now_us.saturating_sub(manifest.created_us);
    if age_us > i64::from(wanted.window_hours).saturating_mul(HOUR_US) {
        let reason = format!(
            "it is {} hours old, and sources are taken to keep {}",
            age_us / HOUR_US,
            wanted.window_hours
        );
        return (Resync::Changed, Some(reason));
    }
    (Resync::None, None)
}

/// What is in the way, as names.
async fn replaces(place: &Place, plan: &Plan) -> Result<Vec<String>, Failure> {
    let mut found: Vec<String> = files_in_the_way(place, plan)
        .into_iter()
        .filter(|file| file.exists())
        .map(|file| file.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    if place.store.engine == EngineKind::Postgres {
        for (domain, _) in DOMAINS {
            let there =
                millrace_store::probe::read(&place.store, *domain, &place.clock, |_| Ok(()));
            if there.await?.is_some() {
                found.push(format!("schema {domain}"));
            }
        }
    }
    Ok(found)
}

/// Every file whose place the backup's files take, or that must not be left beside them.
pub(super) fn files_in_the_way(place: &Place, plan: &Plan) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut add = |dir: &Path, name: &str| {
        files.extend(BESIDE.map(|suffix| dir.join(format!("{name}{suffix}"))));
    };
    if place.store.engine == EngineKind::Sqlite {
        for domain in Domain::ALL.into_iter().chain([Domain::DataplaneRebuild]) {
            add(place.store.dir(), &format!("{domain}.db"));
        }
    }
    if plan.log == LogAfter::Backup {
        add(place.log.dir(), LOG_FILE);
    }
    files
}

/// `20261121180155`: sorts as it happened, and is part of a name anywhere.
fn stamp(now_us: i64) -> String {
    let text = millrace_atproto::datetime::format_ms_us(now_us);
    text.chars().filter(char::is_ascii_digit).take(14).collect()
}

/// Where what is replaced goes: a folder beside the files, or schemas with this at their end.
fn aside(place: &Place, data_dir: &Path, stamp: &str) -> String {
    let dir = match place.store.engine {
        EngineKind::Sqlite => place.store.dir(),
        EngineKind::Postgres => data_dir,
    };
    dir.join(format!("replaced-{stamp}")).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(next_offset: i64) -> CopiedOffset {
        let topic = Topic::NetworkEntries.name().to_owned();
        CopiedOffset { projection: "dataplane".to_owned(), topic, partition: 0, next_offset }
    }

    fn found(oldest: i64, tail: i64, same: bool) -> Found {
        let topic = Topic::NetworkEntries.name().to_owned();
        let mark = PartitionMark { topic, partition: 0, oldest, tail, last: None };
        Found { marks: vec![mark], same: vec![same] }
    }

    #[test]
    fn an_offset_stands_in_the_log_whatever_log_that_is() {
        let check = |next: i64, found: &Found, expected: i64, lost: bool| {
            let (after, missing) = offset_after(&place(next), found);
            assert_eq!((after, missing.is_some()), (expected, lost), "{next}");
        };
        // The same log, gone on.
        check(50, &found(10, 90, true), 50, false);
        check(90, &found(10, 90, true), 90, false);
        check(10, &found(10, 90, true), 10, false);
        // The same, but older, or what was to be read is gone.
        check(91, &found(10, 90, true), 90, true);
        check(9, &found(10, 90, true), 10, true);
        // Another: everything in it is new.
        check(50, &found(0, 90, false), 0, true);
        check(500, &found(0, 90, false), 0, true);
        // None at all.
        let none = Found { marks: Vec::new(), same: Vec::new() };
        check(0, &none, 0, false);
        check(7, &none, 0, true);
    }

    #[test]
    fn what_is_kept_aside_is_named_by_its_time() {
        assert_eq!(stamp(1_767_225_600_000_000), "20260101000000");
    }
}
