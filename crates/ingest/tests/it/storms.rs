//! Many repositories to be fetched at once, from hosts that are slow, busy, or send garbage.

use millrace_ingest::{Backfill, SyncState};
use millrace_runtime::clock::{Clock as _, SystemClock};
use serde_json::json;
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::person::Person;
use crate::stage::{Repo, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn story_10_what_happened_during_a_move_is_fetched_although_nothing_came_through() {
    let (old, new) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&old, "alice");
    old.emit(alice.post("one"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&old, dir.path(), config(&old)).await;
    bed.until_cursor(1).await;
    let _at_the_new_host = alice.post("two");
    let (document, car) = (alice.document(&new.origin()), alice.repo.car());
    let rev = alice.repo.rev().to_string();
    old.set(|play| play.documents.insert(alice.did.to_string(), (200, document)));
    new.set(|play| {
        let told = json!({"did": alice.did.as_str(), "active": true, "rev": rev});
        play.statuses.insert(alice.did.to_string(), told);
        play.repos.insert(alice.did.to_string(), Repo::Car(car))
    });
    // The relay does not crawl the new host; all it has is the hint.
    old.emit(alice.identity());
    bed.until_story(&alice.did, &["one", "repo[one,two]"]).await;
    let account =
        bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    assert_eq!(account.pds.as_deref(), Some(new.origin().as_str()));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_10_a_busy_host_is_asked_again_when_it_said() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let _before = alice.post("one");
    let car = alice.repo.car();
    stage.set(|play| play.repos.insert(alice.did.to_string(), Repo::Busy { car, times: 1 }));
    let mut config = config(&stage);
    config.backfill = Backfill::Dids(vec![alice.did.to_string()]);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    let waiting = bed.until_account(&alice.did, |account| account.attempts == 1).await;
    // Our own pause would be 5 ms.
    assert!(waiting.next_try_us > Some(SystemClock.now_us() + 500_000), "{waiting:?}");
    assert!(waiting.error.as_ref().unwrap().contains("rate limited"), "{waiting:?}");
    assert!(bed.metric("millrace_ingest_resyncs_total{result=\"rate_limited\"}") >= 1.0);
    bed.until_story(&alice.did, &["repo[one]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_11_a_storm_asks_one_host_for_no_more_than_so_many_at_once() {
    let stage = Stage::start().await;
    let mut people: Vec<Person> = (0..40).map(|n| Person::new(&stage, &format!("p{n}"))).collect();
    for person in &mut people {
        let _before = person.post("one");
        let car = person.repo.car();
        stage.set(|play| play.repos.insert(person.did.to_string(), Repo::Gated(car)));
    }
    let mut live = Person::new(&stage, "live");
    let mut config = config(&stage);
    config.backfill = Backfill::Dids(people.iter().map(|person| person.did.to_string()).collect());
    config.resync.concurrency = 6;
    config.resync.host_concurrency = 2;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    eventually(async || match stage.set(|play| play.repos_given) {
        (2, _) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    // Live events do not wait for the storm.
    let last = stage.emit(live.post("meanwhile"));
    bed.until_cursor(last).await;
    stage.release();
    for person in &people {
        bed.until_story(&person.did, &["repo[one]"]).await;
    }
    assert_eq!(stage.set(|play| play.repos_given.1), 2);
    assert!(bed.metric("millrace_ingest_inflight_bytes") >= 0.0);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_11_no_file_that_a_host_sends_ends_the_others_fetches() {
    let stage = Stage::start().await;
    let mut good = Person::new(&stage, "good");
    let _before = good.post("one");
    good.publish(&stage);
    let car = good.repo.car();
    let mut flipped = car.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let mut other = Person::new(&stage, "other");
    let _other = other.post("somebody else's");
    let files: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"<html>not found</html>".to_vec(),
        vec![0xff; 4_000],
        vec![0x80; 64],
        // A header of many terabytes.
        [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f].to_vec(),
        car[..car.len() - 1].to_vec(),
        car[1..].to_vec(),
        [car.as_slice(), &[0x05, 1, 2]].concat(),
        flipped,
        other.repo.car(),
    ];
    let bad: Vec<Person> =
        (0..files.len()).map(|n| Person::new(&stage, &format!("bad{n}"))).collect();
    for (person, file) in bad.iter().zip(files) {
        stage.set(|play| play.repos.insert(person.did.to_string(), Repo::Car(file)));
    }
    let mut config = config(&stage);
    let wanted = bad.iter().chain([&good]).map(|person| person.did.to_string());
    config.backfill = Backfill::Dids(wanted.collect());
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_story(&good.did, &["repo[one]"]).await;
    for person in &bad {
        let account = bed.until_account(&person.did, |account| account.attempts >= 2).await;
        assert!(account.error.is_some(), "{account:?}");
        assert!(bed.story(&person.did).await.is_empty(), "nothing of it is believed");
    }
    bed.stop().await;
}
