//! The simulated network, whole: what its people wrote is what the log says they have.

use std::collections::BTreeMap;

use millrace_atproto::entry::EntryBody;
use millrace_atproto::{Did, Tid};
use millrace_ingest::{
    Backfill, BackfillKind, BackfillMode, BackfillState, BeginBackfill, SourceConfig, SourceKind,
    SyncState,
};
use millrace_runtime::clock::SystemClock;
use millrace_sim::{FaultConfig, Network, SimConfig};
use tempfile::tempdir;

use crate::bed::{self, Bed, eventually};
use crate::stage::Stage;

type Records = BTreeMap<String, Vec<u8>>;

/// Applies the log as a projection must: the records of each account, by path. What is not newer than
/// what was applied is passed over.
async fn replayed(bed: &Bed) -> BTreeMap<Did, Records> {
    let mut accounts: BTreeMap<Did, (Option<Tid>, Records)> = BTreeMap::new();
    for entry in bed.entries().await {
        let (rev, records) = accounts.entry(entry.header.did).or_default();
        match entry.body {
            EntryBody::Commit { ops } if entry.header.rev > *rev => {
                *rev = entry.header.rev;
                for op in ops {
                    let path = format!("{}/{}", op.collection, op.rkey);
                    match op.record {
                        Some(record) => records.insert(path, record),
                        None => records.remove(&path),
                    };
                }
            }
            EntryBody::Snapshot { after, through, records: found, last }
                if entry.header.rev >= *rev =>
            {
                records.retain(|path, _| {
                    after.as_ref().is_some_and(|after| path <= after)
                        || through.as_ref().is_some_and(|through| path > through)
                });
                records.extend(found.into_iter().map(|record| (record.path, record.record)));
                if last {
                    *rev = entry.header.rev;
                }
            }
            EntryBody::Account { active: false, status }
                if status.as_deref() == Some("deleted") =>
            {
                records.clear();
            }
            _ => {}
        }
    }
    accounts.into_iter().map(|(did, (_, records))| (did, records)).collect()
}

/// What the network's active accounts have, without what no reader can decode.
fn truth(network: &Network) -> BTreeMap<Did, Records> {
    network.look(|world| {
        let active = world.accounts().filter(|account| account.status.is_active());
        let records = active.map(|account| {
            let records = account.repo.records().iter();
            let records = records.filter(|(_, (_, record))| is_record(record));
            let records = records.map(|(path, (_, record))| (path.clone(), record.clone()));
            (account.identity.did.clone(), records.collect())
        });
        records.collect()
    })
}

/// Waits until the log leads to the truth.
async fn until_true(bed: &Bed, network: &Network, what: &str) {
    eventually(async || {
        let (truth, found) = (truth(network), replayed(bed).await);
        let empty = Records::new();
        let differ: Vec<&Did> = truth
            .iter()
            .filter(|(did, records)| found.get(*did).unwrap_or(&empty) != *records)
            .map(|(did, _)| did)
            .collect();
        match differ.first() {
            None => Ok(()),
            Some(did) => {
                let (story, account) = (bed.story(did).await, bed.account(did).await);
                let end = story.iter().rev().take(3).collect::<Vec<_>>();
                Err(format!(
                    "{what}: {} of {} accounts, as {did}: {account:?} {end:?}",
                    differ.len(),
                    truth.len()
                ))
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_oldest_event_on_every_record_is_here() {
    check(Backfill::default(), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_backfill_a_live_start_has_every_record_too() {
    check(Backfill::Mode(BackfillMode::All), true).await;
}

async fn check(backfill: Backfill, live: bool) {
    let sim = SimConfig { writes_per_s: 0.0, ..SimConfig::default() };
    let network = Network::start(&sim, SystemClock::shared()).await.unwrap();
    // Only for its address as a template; the configuration then points at the network.
    let unused = Stage::start().await;
    let mut config = bed::config(&unused);
    config.sources[0].url = network.relay_url();
    config.sources[0].cursor = (!live).then_some(0);
    config.backfill = backfill;
    let dir = tempdir().unwrap();
    let bed = Bed::start_at(&network.plc_url(), &network.pds_url(), dir.path(), config).await;
    until_true(&bed, &network, "").await;
    assert!(bed.status().await.rejected.is_empty());
    if live {
        for did in truth(&network).keys() {
            bed.until_account(did, |account| account.sync_state == SyncState::Complete).await;
        }
    }
    bed.stop().await;
}

/// What the log says of each account, without what differs by nature: source, number, time, trace.
async fn told(bed: &Bed) -> BTreeMap<Did, Vec<(Option<Tid>, EntryBody)>> {
    let mut told: BTreeMap<Did, Vec<_>> = BTreeMap::new();
    for entry in bed.entries().await {
        // Handles are looked at when it suits; marks show sources' numbers.
        if !matches!(entry.body, EntryBody::Identity { .. } | EntryBody::Mark) {
            told.entry(entry.header.did).or_default().push((entry.header.rev, entry.body));
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn one_world_through_a_firehose_and_both_jetstreams_gives_the_same_log() {
    let sim = SimConfig { writes_per_s: 0.0, history_writes: 800, ..SimConfig::default() };
    let network = Network::start(&sim, SystemClock::shared()).await.unwrap();
    let unused = Stage::start().await;
    let mut logs = Vec::new();
    for (kind, url) in [
        (SourceKind::Relay, network.relay_url()),
        (SourceKind::JetstreamV1, network.jetstream_url()),
        (SourceKind::JetstreamV2, network.jetstream_url()),
    ] {
        let mut config = bed::config(&unused);
        config.sources[0].url = url;
        config.sources[0].kind = kind;
        let dir = tempdir().unwrap();
        let bed = Bed::start_at(&network.plc_url(), &network.pds_url(), dir.path(), config).await;
        until_true(&bed, &network, kind.name()).await;
        logs.push(told(&bed).await);
        bed.stop().await;
    }
    let [firehose, v1, v2] = logs.as_slice() else { panic!() };
    for (did, expected) in firehose {
        assert_eq!(v1.get(did), Some(expected), "{did} by the first wire");
        assert_eq!(v2.get(did), Some(expected), "{did} by the second wire");
    }
    assert_eq!((v1.len(), v2.len()), (firehose.len(), firehose.len()));
    let commits: usize = firehose.values().map(Vec::len).sum();
    assert!(commits > 800, "{commits}");
}

fn is_record(bytes: &[u8]) -> bool {
    millrace_atproto::cbor::validate_record(bytes).is_ok()
}

/// People act while hosts lie, break off, fall silent and move accounts about; then the sources named
/// here must have led to the truth.
/// `MILLRACE_STORM_SEED` chooses another storm.
async fn storm(seed: u64, what: &str, sources: impl Fn(&Network) -> Vec<SourceConfig>) {
    let chosen = std::env::var("MILLRACE_STORM_SEED").ok();
    let seed = chosen.map_or(seed, |chosen| chosen.parse().unwrap());
    let sim = SimConfig {
        seed,
        writes_per_s: 0.0,
        history_writes: 300,
        account_events_per_mille: 40,
        faults: FaultConfig::storm(),
        ..SimConfig::default()
    };
    let network = Network::start(&sim, SystemClock::shared()).await.unwrap();
    let unused = Stage::start().await;
    let mut config = bed::config(&unused);
    config.sources = sources(&network);
    // What was lost before an account was first seen is not missing, as far as anybody can tell.
    config.backfill = Backfill::Mode(BackfillMode::All);
    config.resync.relay_url = Some(network.relay_url().replacen("ws", "http", 1));
    config.identity.status_check_min_ms = 10;
    let dir = tempdir().unwrap();
    let bed = Bed::start_at(&network.plc_url(), &network.pds_url(), dir.path(), config).await;
    for round in 0..8 {
        let seen = bed.metric("millrace_ingest_entries_total");
        network.act(60).unwrap();
        if round % 3 == 2 {
            network.cut_connections();
        }
        eventually(async || match bed.metric("millrace_ingest_entries_total") {
            n if n > seen => Ok(()),
            n => Err(format!("{what}: {n} entries")),
        })
        .await;
    }
    network.close_gaps();
    until_true(&bed, &network, &format!("{what}, seed {seed}")).await;
    let statuses: Vec<(Did, bool)> = network.look(|world| {
        let accounts = world.accounts();
        accounts.map(|account| (account.identity.did.clone(), account.status.is_active())).collect()
    });
    for (did, active) in statuses {
        eventually(async || {
            let account = bed.account(&did).await;
            match account.as_ref().is_none_or(|account| account.active) {
                here if here == active => Ok(()),
                _ => Err(format!(
                    "{what}, seed {seed}: {active}, {account:?} {:?}",
                    bed.story(&did).await
                )),
            }
        })
        .await;
    }
    bed.stop().await;
}

/// Everybody is asked for while people act and hosts lie; what was away then is had by asking once more.
#[tokio::test(flavor = "multi_thread")]
async fn through_a_storm_backfills_lead_to_the_truth() {
    let sim = SimConfig {
        seed: 6,
        writes_per_s: 0.0,
        history_writes: 300,
        account_events_per_mille: 40,
        faults: FaultConfig::storm(),
        ..SimConfig::default()
    };
    let network = Network::start(&sim, SystemClock::shared()).await.unwrap();
    let unused = Stage::start().await;
    let mut config = bed::config(&unused);
    config.sources = vec![SourceConfig { cursor: None, ..relay(&network) }];
    config.resync.relay_url = Some(network.relay_url().replacen("ws", "http", 1));
    config.identity.status_check_min_ms = 10;
    let dir = tempdir().unwrap();
    let bed = Bed::start_at(&network.plc_url(), &network.pds_url(), dir.path(), config).await;
    let everybody = || BeginBackfill {
        kind: BackfillKind::Network,
        list: None,
        dids: Vec::new(),
        more: false,
        again: false,
    };
    bed.client.begin_backfill(everybody()).await.unwrap();
    for _ in 0..6 {
        network.act(60).unwrap();
        network.cut_connections();
    }
    network.close_gaps();
    bed.client.begin_backfill(everybody()).await.unwrap();
    until_true(&bed, &network, "backfills").await;
    eventually(async || {
        let backfills = bed.client.list_backfills().await.unwrap().backfills;
        match backfills.iter().all(|job| job.state == BackfillState::Done && job.waiting() == 0) {
            true => Ok(()),
            false => Err(format!("{backfills:?}")),
        }
    })
    .await;
    bed.stop().await;
}

fn source(name: &str, kind: SourceKind, url: String) -> SourceConfig {
    SourceConfig { name: name.to_owned(), kind, url, cursor: Some(0), ..SourceConfig::default() }
}

fn relay(network: &Network) -> SourceConfig {
    source("relay", SourceKind::Relay, network.relay_url())
}

fn jetstreams(network: &Network) -> Vec<SourceConfig> {
    vec![
        source("v1", SourceKind::JetstreamV1, network.jetstream_url()),
        source("v2", SourceKind::JetstreamV2, network.jetstream_url()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_storm_a_relay_leads_to_the_truth() {
    storm(1, "relay", |network| vec![relay(network)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_storm_a_relay_and_every_pds_together_lead_to_the_truth() {
    storm(2, "relay and PDSs", |network| {
        let hosts = (0..3).map(|host| {
            source(&format!("pds{host}"), SourceKind::Pds, network.host_stream_url(host))
        });
        std::iter::once(relay(network)).chain(hosts).collect()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_storm_each_jetstream_leads_to_the_truth() {
    storm(3, "v1", |network| jetstreams(network).drain(..1).collect()).await;
    storm(4, "v2", |network| jetstreams(network).drain(1..).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_a_storm_proofs_and_no_proofs_together_lead_to_the_truth() {
    storm(5, "all", |network| std::iter::once(relay(network)).chain(jetstreams(network)).collect())
        .await;
}
