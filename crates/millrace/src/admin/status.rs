//! How a Millrace stands, on one page: of a running server, or of its tables and log as it left them.

use std::collections::BTreeMap;

use millrace_dataplane::client::Local;
use millrace_dataplane::query::progress::GetSourceProgress;
use millrace_dataplane::query::standing::{GetStanding, Place as Offset, Standing};
use millrace_dataplane::query::{Context, Question as _};
use millrace_feeds::parked::by_reason;
use millrace_ingest::restored;
use millrace_log::backup::file_bytes;
use millrace_log::{Log, LogEngine, LogError, Topic};
use millrace_runtime::clock::SharedClock;
use millrace_runtime::metrics::Registry;
use millrace_store::{Domain, StoreError, probe};
use serde::{Deserialize, Serialize};

use super::backup::make::engine_name;
use super::backup::{Place, job};
use super::schema::DOMAINS;
use super::scrape::Scrape;
use crate::disk::measure::free_bytes;
use crate::failure::Failure;

const SECOND_US: i64 = 1_000_000;

/// The page.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    pub version: String,
    /// Absent when no server runs.
    pub server: Option<ServerPart>,
    /// `sqlite` or `postgres`.
    pub store: String,
    /// `sqlite` or `kafka`.
    pub log_engine: String,
    pub sources: Vec<SourcePart>,
    /// Entries that are in the log and not yet applied, over all projections and partitions.
    pub lag_entries: u64,
    /// Age of the oldest of them.
    pub lag_us: i64,
    /// Entries applied since the server started.
    pub applied_total: u64,
    /// Accounts by how much of them is here.
    pub accounts: BTreeMap<String, i64>,
    /// Parked entries by reason, and what homes could not take.
    pub parked: BTreeMap<String, u64>,
    /// Events refused since the server started, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Bytes of the log's file; absent where the log is a cluster.
    pub log_bytes: Option<u64>,
    pub log: Vec<LogPart>,
    pub domains: Vec<DomainPart>,
    /// Free on the disk of the data folder.
    pub disk_free_bytes: Option<u64>,
    /// What an operator should look at; empty when all is well.
    pub problems: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerPart {
    pub version: String,
    pub pid: u32,
    pub uptime_us: i64,
    pub roles: String,
    pub memory_bytes: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourcePart {
    pub name: String,
    pub kind: String,
    pub url: String,
    /// `connected`, `connecting` or `stopped`; `-` when no server runs.
    pub state: String,
    pub cursor: Option<i64>,
    /// The highest number whose effect answers show.
    pub visible_seq: Option<i64>,
    /// How far behind our clock its events were when they were read.
    pub lag_us: Option<i64>,
    /// When its last event happened, by its own clock.
    pub event_us: Option<i64>,
    /// Events read since the server started.
    pub events_total: u64,
    /// Parts of its stream that may be missing, noticed since the server started.
    pub gaps: u64,
    pub last_error: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPart {
    pub topic: String,
    pub partition: u32,
    pub oldest: i64,
    pub tail: i64,
    /// When the oldest entry was appended.
    pub oldest_us: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DomainPart {
    pub domain: String,
    pub bytes: u64,
}

/// What only a running server knows.
#[derive(Clone)]
pub struct Running {
    pub log: Log,
    pub ingest: millrace_ingest::Client,
    pub dataplane: std::sync::Arc<Local>,
    pub registry: Registry,
    pub started_us: i64,
    pub roles: String,
    /// Entries behind the log from which on it is not ready.
    pub lag_entries_max: u64,
}

/// Of a running server.
///
/// # Errors
/// The tables or the log cannot be read.
pub async fn of_server(place: &Place, running: &Running) -> Result<Status, Failure> {
    let scrape = Scrape::parse(&running.registry.encode());
    let mut status = tables(place, &running.log).await?;
    status.server = Some(ServerPart {
        version: status.version.clone(),
        pid: std::process::id(),
        uptime_us: place.clock.now_us().saturating_sub(running.started_us),
        roles: running.roles.clone(),
        memory_bytes: scrape.sum("process_resident_memory_bytes") as u64,
    });
    status.applied_total = scrape.sum("millrace_store_entries_total") as u64;
    // Counted by ingest now and then: there may be millions.
    let counted = scrape.by("millrace_ingest_accounts", "sync_state");
    status.accounts =
        counted.into_iter().map(|(state, accounts)| (state, accounts as i64)).collect();
    sources(&mut status, running, &scrape).await?;
    for source in &status.sources {
        if source.state != "connected" {
            let why = source.last_error.as_deref().unwrap_or("it has not connected yet");
            status.problems.push(format!("source {} is {}: {why}", source.name, source.state));
        }
    }
    if status.lag_entries > running.lag_entries_max {
        status.problems.push(format!("{} entries are not applied yet", status.lag_entries));
    }
    Ok(status)
}

async fn sources(status: &mut Status, running: &Running, scrape: &Scrape) -> Result<(), Failure> {
    let visible = running.dataplane.ask(GetSourceProgress {}).await.map_err(Failure::plain)?;
    let events = scrape.by("millrace_ingest_frames_total", "source");
    let mut rejected: BTreeMap<String, u64> = BTreeMap::new();
    for source in running.ingest.list_sources().await.map_err(Failure::plain)? {
        for (reason, count) in &source.rejected {
            *rejected.entry(reason.clone()).or_default() += count;
        }
        let progress = visible.sources.iter().find(|visible| visible.source == source.name);
        let state = match (source.stopped, source.connected) {
            (true, _) => "stopped",
            (false, true) => "connected",
            (false, false) => "connecting",
        };
        status.sources.push(SourcePart {
            state: state.to_owned(),
            cursor: source.cursor,
            visible_seq: progress.map(|progress| progress.visible_seq),
            lag_us: source.lag_us,
            event_us: source.received_time_us,
            events_total: events.get(&source.name).copied().unwrap_or(0.0) as u64,
            gaps: source.gaps,
            last_error: source.last_error,
            name: source.name,
            kind: source.kind,
            url: source.url,
        });
    }
    status.rejected = rejected;
    Ok(())
}

/// Of tables and a log that no server works on.
///
/// # Errors
/// They cannot be read.
pub async fn of_tables(place: &Place) -> Result<Status, Failure> {
    let mut status = match open_log(place)? {
        None => without_log(place).await?,
        Some(log) => {
            let status = tables(place, &log).await;
            log.close().await;
            status?
        }
    };
    let ingest = probe::read(&place.store, Domain::Ingest, &place.clock, |tx| {
        Ok((restored::account_counts(tx)?, restored::positions(tx)?))
    });
    let (accounts, positions) = ingest.await?.unwrap_or_default();
    status.accounts = accounts.into_iter().collect();
    status.sources = positions
        .into_iter()
        .map(|position| SourcePart {
            name: position.source,
            url: position.address,
            state: "-".to_owned(),
            cursor: Some(position.cursor),
            event_us: position.event_us,
            ..SourcePart::default()
        })
        .collect();
    status.problems.push("no server runs on this data".to_owned());
    Ok(status)
}

/// The log, unless it is a file that nobody has made yet.
fn open_log(place: &Place) -> Result<Option<Log>, LogError> {
    if place.log.engine == LogEngine::Sqlite && file_bytes(&place.log) == Some(0) {
        return Ok(None);
    }
    Log::open(&place.log, place.clock.clone(), &Registry::new()).map(Some)
}

async fn tables(place: &Place, log: &Log) -> Result<Status, Failure> {
    let mut status = without_log(place).await?;
    status.log_bytes = file_bytes(&place.log);
    for topic in Topic::ALL {
        for partition in 0..log.partitions(topic) {
            let (oldest, tail) =
                (log.oldest(topic, partition).await?, log.tail(topic, partition).await?);
            let first = job::item_at(log, topic, partition, oldest).await?;
            status.log.push(LogPart {
                topic: topic.name().to_owned(),
                partition,
                oldest,
                tail,
                oldest_us: first.map(|first| first.appended_us),
            });
        }
    }
    let places = standing(place).await?.map(|standing| standing.offsets);
    lag(place, log, places.unwrap_or_default(), &mut status).await?;
    Ok(status)
}

/// How far projections are, as they answer it themselves; `None` before there are tables.
async fn standing(place: &Place) -> Result<Option<Standing>, Failure> {
    let asked = probe::read(&place.store, Domain::Dataplane, &place.clock, |tx| {
        Ok(GetStanding {}.answer(tx, &Context::default()))
    });
    asked.await?.transpose().map_err(Failure::plain)
}

/// What homes could not take, by why; nothing where there are none.
async fn of_homes(place: &Place) -> Result<BTreeMap<String, u64>, Failure> {
    let asked = probe::read(&place.store, Domain::Feeds, &place.clock, by_reason);
    Ok(asked.await?.unwrap_or_default())
}

/// What is in the log and not applied.
async fn lag(
    place: &Place,
    log: &Log,
    places: Vec<Offset>,
    status: &mut Status,
) -> Result<(), Failure> {
    for place_of in places {
        let Some(topic) = Topic::parse(&place_of.topic) else { continue };
        if place_of.partition >= log.partitions(topic) {
            continue;
        }
        let tail = log.tail(topic, place_of.partition).await?;
        let next = place_of.next_offset.max(log.oldest(topic, place_of.partition).await?);
        status.lag_entries += u64::try_from(tail - next).unwrap_or(0);
        if next < tail
            && let Some(first) = job::item_at(log, topic, place_of.partition, next).await?
        {
            let age_us = place.clock.now_us().saturating_sub(first.appended_us);
            status.lag_us = status.lag_us.max(age_us);
        }
    }
    Ok(())
}

async fn without_log(place: &Place) -> Result<Status, Failure> {
    let mut parked = BTreeMap::new();
    for count in standing(place).await?.map(|standing| standing.parked).unwrap_or_default() {
        *parked.entry(count.reason).or_default() += count.entries;
    }
    for (reason, count) in of_homes(place).await? {
        *parked.entry(reason).or_default() += count;
    }
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        store: engine_name(place.store.engine).to_owned(),
        log_engine: match place.log.engine {
            LogEngine::Sqlite => "sqlite",
            LogEngine::Kafka => "kafka",
        }
        .to_owned(),
        parked,
        domains: domains(place, &place.clock).await?,
        disk_free_bytes: free_bytes(place.log.dir()).ok(),
        ..Status::default()
    })
}

async fn domains(place: &Place, clock: &SharedClock) -> Result<Vec<DomainPart>, StoreError> {
    let mut parts = Vec::new();
    for (domain, _) in DOMAINS {
        let bytes = probe::bytes(&place.store, *domain, clock).await?;
        parts.push(DomainPart { domain: domain.name().to_owned(), bytes });
    }
    Ok(parts)
}

/// A time for people: the two largest units.
pub fn shown_time(us: i64) -> String {
    let seconds = us / SECOND_US;
    match seconds {
        ..=0 => format!("{} ms", us / 1_000),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..=172_799 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}
