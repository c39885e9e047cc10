//! The simulated network, whole: what its people wrote is what the log says they have.

use std::collections::BTreeMap;

use millrace_atproto::Did;
use millrace_atproto::entry::EntryBody;
use millrace_ingest::{Backfill, BackfillMode, SourceKind, SyncState};
use millrace_runtime::clock::SystemClock;
use millrace_sim::{Network, SimConfig};
use tempfile::tempdir;

use crate::bed::{self, Bed, eventually};
use crate::stage::Stage;

/// Applies the log as a projection would: the records of each account, by path.
async fn replayed(bed: &Bed) -> BTreeMap<Did, BTreeMap<String, Vec<u8>>> {
    let mut accounts: BTreeMap<Did, BTreeMap<String, Vec<u8>>> = BTreeMap::new();
    for entry in bed.entries().await {
        let records = accounts.entry(entry.header.did).or_default();
        match entry.body {
            EntryBody::Commit { ops } => {
                for op in ops {
                    let path = format!("{}/{}", op.collection, op.rkey);
                    match op.record {
                        Some(record) => records.insert(path, record),
                        None => records.remove(&path),
                    };
                }
            }
            EntryBody::Snapshot { after, through, records: found, .. } => {
                records.retain(|path, _| {
                    after.as_ref().is_some_and(|after| path <= after)
                        || through.as_ref().is_some_and(|through| path > through)
                });
                records.extend(found.into_iter().map(|record| (record.path, record.record)));
            }
            EntryBody::Identity { .. } | EntryBody::Account { .. } | EntryBody::Mark => {}
        }
    }
    accounts
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
    let expected: BTreeMap<Did, BTreeMap<String, Vec<u8>>> = network.look(|world| {
        let records = world.accounts().map(|account| {
            let records = account.repo.records().iter();
            let records = records.map(|(path, (_, record))| (path.clone(), record.clone()));
            (account.identity.did.clone(), records.collect())
        });
        records.collect()
    });
    eventually(async || {
        let found = replayed(&bed).await;
        let missing =
            expected.iter().filter(|(did, records)| found.get(*did) != Some(*records)).count();
        if missing == 0 {
            Ok(())
        } else {
            Err(format!("{missing} of {} accounts differ", expected.len()))
        }
    })
    .await;
    assert!(bed.status().await.rejected.is_empty());
    if live {
        for did in expected.keys() {
            bed.until_account(did, |account| account.sync_state == SyncState::Complete).await;
        }
    }
    bed.stop().await;
}

/// What the log says of each account, without what differs by nature: source, number, time, trace.
async fn told(bed: &Bed) -> BTreeMap<Did, Vec<(Option<millrace_atproto::Tid>, EntryBody)>> {
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
        let truth: BTreeMap<Did, BTreeMap<String, Vec<u8>>> = network.look(|world| {
            let records = world.accounts().map(|account| {
                let records = account.repo.records().iter();
                let records = records.filter(|(_, (_, record))| is_record(record));
                let records = records.map(|(path, (_, record))| (path.clone(), record.clone()));
                (account.identity.did.clone(), records.collect())
            });
            records.collect()
        });
        eventually(async || {
            let found = replayed(&bed).await;
            let differ = truth.iter().filter(|(did, records)| found.get(*did) != Some(*records));
            match differ.count() {
                0 => Ok(()),
                n => Err(format!("{kind:?}: {n} of {} accounts differ", truth.len())),
            }
        })
        .await;
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
