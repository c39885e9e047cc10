//! Accounts that somebody looks at: fetched before all others, and only if something can be had.

use std::time::Duration;

use millrace_atproto::Did;
use millrace_ingest::{BackfillKind, BeginBackfill, LookedAt, ScopeKind, SyncState};
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::person::Person;
use crate::stage::{Repo, Stage};

async fn look(bed: &Bed, person: &Did) {
    bed.client.looked_at(LookedAt { dids: vec![person.clone()] }).await.unwrap();
}

async fn until_judged(bed: &Bed, result: &str, times: f64) {
    let metric = format!("millrace_ingest_looked_at_total{{result=\"{result}\"}}");
    eventually(async || match bed.metric(&metric) {
        n if n >= times => Ok(()),
        n => Err(format!("{result}: {n}")),
    })
    .await;
}

fn asked(stage: &Stage, person: &Person) -> u32 {
    stage.set(|play| play.repos_asked.get(person.did.as_str()).copied().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partial_account_becomes_complete_when_somebody_looks_at_it() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let _before = alice.post("before");
    stage.emit(alice.post("seen"));
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Partial).await;
    assert_eq!(bed.story(&alice.did).await, ["seen"]);
    look(&bed, &alice.did).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    assert_eq!(bed.story(&alice.did).await, ["seen", "repo[before,seen]"]);
    look(&bed, &alice.did).await;
    until_judged(&bed, "here", 1.0).await;
    assert_eq!(asked(&stage, &alice), 1, "nothing is missing any more");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_fetched_and_one_who_does_not_exist_leaves_no_trace() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let _ = alice.post("one");
    alice.publish(&stage);
    let nobody = Did::parse("did:plc:nobody").unwrap();
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    look(&bed, &nobody).await;
    until_judged(&bed, "unknown", 1.0).await;
    assert_eq!(bed.account(&nobody).await, None);
    look(&bed, &alice.did).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_looked_at_goes_before_a_backfill() {
    let stage = Stage::start().await;
    let people: Vec<Person> = (0..8).map(|n| Person::new(&stage, &format!("p{n}"))).collect();
    let mut alice = Person::new(&stage, "alice");
    let _ = alice.post("one");
    alice.publish(&stage);
    for person in &people {
        let car = Repo::Gated(person.repo.car());
        stage.set(|play| play.repos.insert(person.did.to_string(), car));
    }
    let mut config = config(&stage);
    config.resync.concurrency = 2;
    config.resync.host_concurrency = 2;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    let dids = people.iter().map(|person| person.did.clone()).collect();
    let begin =
        BeginBackfill { kind: BackfillKind::Dids, list: None, dids, more: false, again: false };
    bed.client.begin_backfill(begin).await.unwrap();
    eventually(async || match stage.set(|play| play.repos_given.0) {
        2 => Ok(()),
        n => Err(format!("{n} are being given")),
    })
    .await;
    look(&bed, &alice.did).await;
    until_judged(&bed, "wanted", 1.0).await;
    let account = bed.until_account(&alice.did, |account| account.next_try_us.is_some()).await;
    let due_us = account.next_try_us.unwrap();
    for person in &people {
        if let Some(other) = bed.account(&person.did).await {
            assert!(other.next_try_us.is_none_or(|other_us| due_us < other_us), "{other:?}");
        }
    }
    stage.release();
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_followed_is_fetched_once_and_not_at_every_look() {
    let stage = Stage::start().await;
    let (mut alice, bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    let _ = alice.post("one");
    alice.publish(&stage);
    let mut config = config(&stage);
    config.scope = ScopeKind::Dids;
    config.scope_dids = vec![bob.did.to_string()];
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    look(&bed, &alice.did).await;
    bed.until_story(&alice.did, &["repo[one]"]).await;
    let account = bed.until_account(&alice.did, |account| account.next_try_us.is_none()).await;
    assert_eq!((account.sync_state, account.out_of_scope), (SyncState::Partial, true));
    look(&bed, &alice.did).await;
    until_judged(&bed, "here", 1.0).await;
    assert_eq!(asked(&stage, &alice), 1);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_it_is_not_wanted_nothing_is_fetched() {
    let stage = Stage::start().await;
    let alice = Person::new(&stage, "alice");
    let mut config = config(&stage);
    config.fetch_looked_at = false;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    look(&bed, &alice.did).await;
    tokio::time::timeout(Duration::from_secs(10), bed.client.status()).await.unwrap().unwrap();
    assert_eq!(bed.account(&alice.did).await, None);
    let many = (0..101).map(|n| Did::parse(&format!("did:plc:{n}")).unwrap()).collect();
    assert!(bed.client.looked_at(LookedAt { dids: many }).await.is_err());
    bed.stop().await;
}
