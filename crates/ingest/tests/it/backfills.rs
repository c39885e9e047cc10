//! Backfills: who is fetched, what is told of it, and what a process before this one had begun.

use millrace_atproto::Did;
use millrace_atproto::syntax::AtUri;
use millrace_ingest::{
    AddToBackfill, BackfillChange, BackfillJob, BackfillKind, BackfillState, BeginBackfill,
    ChangeBackfill, IngestConfig, IngestError, SyncState,
};
use millrace_sim::records;
use millrace_sim::repo::Write;
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually, put_back, tables};
use crate::person::{Person, TIME};
use crate::stage::{Repo, Stage};

const LIST: &str = "app.bsky.graph.list";
const PACK: &str = "app.bsky.graph.starterpack";

fn of(kind: BackfillKind, dids: &[&Did]) -> BeginBackfill {
    let dids = dids.iter().map(|did| (*did).clone()).collect();
    BeginBackfill { kind, list: None, dids, more: false, again: false }
}

fn named(dids: &[&Did]) -> BeginBackfill {
    of(BackfillKind::Dids, dids)
}

fn network() -> BeginBackfill {
    of(BackfillKind::Network, &[])
}

fn listed(uri: &str) -> BeginBackfill {
    BeginBackfill { list: Some(AtUri::parse(uri).unwrap()), ..of(BackfillKind::List, &[]) }
}

async fn job(bed: &Bed, id: i64) -> BackfillJob {
    let list = bed.client.list_backfills().await.unwrap();
    list.backfills.into_iter().find(|job| job.id == id).unwrap()
}

async fn until(bed: &Bed, id: i64, wanted: impl Fn(&BackfillJob) -> bool) -> BackfillJob {
    eventually(async || {
        let job = job(bed, id).await;
        if wanted(&job) { Ok(job) } else { Err(format!("{job:?}")) }
    })
    .await
}

async fn done(bed: &Bed, wanted: BeginBackfill) -> BackfillJob {
    let id = bed.client.begin_backfill(wanted).await.unwrap().id;
    until(bed, id, |job| job.state == BackfillState::Done).await
}

fn failed(job: &BackfillJob) -> Vec<(&str, u64)> {
    job.failed.iter().map(|(reason, accounts)| (reason.as_str(), *accounts)).collect()
}

fn asked(stage: &Stage, person: &Person) -> u32 {
    stage.set(|play| play.repos_asked.get(person.did.as_str()).copied().unwrap_or(0))
}

/// With so many posts, published and never announced.
fn person(stage: &Stage, name: &str, posts: usize) -> Person {
    let mut person = Person::new(stage, name);
    for n in 0..posts {
        let _ = person.post(&format!("{name} {n}"));
    }
    person.publish(stage);
    person
}

/// Nothing is followed that would tell of anybody.
fn quiet(stage: &Stage) -> IngestConfig {
    IngestConfig { sources: Vec::new(), ..config(stage) }
}

#[tokio::test(flavor = "multi_thread")]
async fn named_accounts_are_fetched_once_and_counted() {
    let stage = Stage::start().await;
    let (alice, bob) = (person(&stage, "alice", 2), person(&stage, "bob", 3));
    let nobody = Did::parse("did:plc:nobody").unwrap();
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), quiet(&stage)).await;
    let first = done(&bed, named(&[&alice.did, &bob.did, &nobody, &bob.did])).await;
    assert_eq!((first.found, first.passed, first.fetched), (3, 0, 2), "{first:?}");
    assert_eq!(failed(&first), [("identity", 1)]);
    assert_eq!((first.records, first.waiting(), first.listing), (5, 0, false));
    assert!(first.bytes > 500 && first.ended_us.is_some(), "{first:?}");
    assert_eq!(bed.story(&alice.did).await, ["repo[alice 0,alice 1]"]);
    assert_eq!(bed.metric("millrace_ingest_backfill_accounts_total{result=\"fetched\"}"), 2.0);
    assert_eq!(bed.metric("millrace_ingest_resync_records_total"), 5.0);

    let second = done(&bed, named(&[&alice.did, &bob.did])).await;
    assert_eq!((second.found, second.passed, second.fetched), (2, 2, 0), "nothing is missing");
    assert_eq!((asked(&stage, &alice), asked(&stage, &bob)), (1, 1));
    let again = done(&bed, BeginBackfill { again: true, ..named(&[&alice.did]) }).await;
    assert_eq!((again.passed, again.fetched, again.records), (0, 1, 2));
    assert_eq!(asked(&stage, &alice), 2);
    let list = bed.client.list_backfills().await.unwrap().backfills;
    let ids: Vec<i64> = list.iter().map(|job| job.id).collect();
    assert_eq!(ids, [again.id, second.id, first.id], "the newest first");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_backfills_of_one_account_fetch_it_once() {
    let stage = Stage::start().await;
    let alice = person(&stage, "alice", 1);
    stage.set(|play| {
        play.repos.insert(alice.did.to_string(), Repo::Gated(alice.repo.car()));
    });
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), quiet(&stage)).await;
    let one = bed.client.begin_backfill(named(&[&alice.did])).await.unwrap().id;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::InProgress).await;
    let two = bed.client.begin_backfill(named(&[&alice.did])).await.unwrap().id;
    stage.release();
    for id in [one, two] {
        let job = until(&bed, id, |job| job.state == BackfillState::Done).await;
        assert_eq!(job.passed + job.fetched, 1, "{job:?}");
    }
    assert_eq!(asked(&stage, &alice), 1);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_may_be_told_in_parts() {
    let stage = Stage::start().await;
    let (alice, bob) = (person(&stage, "alice", 1), person(&stage, "bob", 1));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), quiet(&stage)).await;
    let begin = BeginBackfill { more: true, ..named(&[&alice.did]) };
    let id = bed.client.begin_backfill(begin).await.unwrap().id;
    let job = until(&bed, id, |job| job.fetched == 1).await;
    assert_eq!((job.state, job.listing), (BackfillState::Running, true), "more may come");
    let add = AddToBackfill { id, dids: vec![bob.did.clone()], more: false };
    bed.client.add_to_backfill(add.clone()).await.unwrap();
    let job = until(&bed, id, |job| job.state == BackfillState::Done).await;
    assert_eq!((job.found, job.fetched), (2, 2));
    let late = bed.client.add_to_backfill(add).await.unwrap_err();
    assert!(matches!(late, IngestError::InvalidRequest(_)), "{late}");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_is_refused_with_its_reason() {
    let stage = Stage::start().await;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), quiet(&stage)).await;
    let many: Vec<Did> = (0..1_001).map(|n| Did::parse(&format!("did:plc:{n}")).unwrap()).collect();
    let many: Vec<&Did> = many.iter().collect();
    for (wanted, why) in [
        (named(&[]), "no account"),
        (named(&many), "at most 1000"),
        (of(BackfillKind::List, &[]), "list's URI"),
        (listed("at://did:plc:alice/app.bsky.feed.post/3jzfcijpj2z2a"), "not the URI of a list"),
        (network(), "ingest.resync.relay_url"),
    ] {
        let refused = bed.client.begin_backfill(wanted).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    let change = ChangeBackfill { id: 7, change: BackfillChange::Pause };
    let refused = bed.client.change_backfill(change).await.unwrap_err().to_string();
    assert!(refused.contains("no backfill 7"), "{refused}");
    assert!(bed.client.list_backfills().await.unwrap().backfills.is_empty());
    bed.stop().await;
}

fn put(collection: &str, rkey: &str, record: Vec<u8>) -> Write {
    Write::Put { path: format!("{collection}/{rkey}"), record }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_of_a_list_and_of_a_starter_pack_are_fetched() {
    let stage = Stage::start().await;
    let (bob, carol, dan) =
        (person(&stage, "bob", 1), person(&stage, "carol", 1), person(&stage, "dan", 1));
    let mut alice = Person::new(&stage, "alice");
    let uri = |collection: &str, rkey: &str| format!("at://did:plc:alice/{collection}/{rkey}");
    let item = |n: u8, list: &str, subject: &Person| {
        let record = records::list_item(&uri(LIST, list), &subject.did, TIME);
        put("app.bsky.graph.listitem", &format!("3jzfcijpj2z2{}", char::from(b'a' + n)), record)
    };
    let purpose = "app.bsky.graph.defs#curatelist";
    let pack = records::StarterPack {
        name: "pack".to_owned(),
        list: uri(LIST, "two"),
        created_at: TIME.to_owned(),
        ..records::StarterPack::default()
    };
    let _ = alice.write(vec![
        put(LIST, "one", records::list(purpose, "one", None, TIME)),
        put(LIST, "two", records::list(purpose, "two", None, TIME)),
        item(0, "one", &bob),
        item(1, "one", &carol),
        item(2, "two", &dan),
        put(PACK, "pack", pack.encode()),
    ]);
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), quiet(&stage)).await;
    let of_list = done(&bed, listed(&uri(LIST, "one"))).await;
    assert_eq!((of_list.found, of_list.fetched), (2, 2), "{of_list:?}");
    assert_eq!(of_list.asked, uri(LIST, "one"));
    assert_eq!(bed.account(&dan.did).await, None);
    let of_pack = done(&bed, listed(&uri(PACK, "pack"))).await;
    assert_eq!((of_pack.found, of_pack.fetched), (1, 1), "{of_pack:?}");
    for member in [&bob, &carol, &dan] {
        bed.until_account(&member.did, |account| account.sync_state == SyncState::Complete).await;
    }
    let none = bed.client.begin_backfill(listed(&uri(LIST, "none"))).await.unwrap().id;
    let none = until(&bed, none, |job| job.state == BackfillState::Failed).await;
    assert!(none.error.unwrap().contains("is no list"));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_whom_hosts_list_is_fetched_whatever_some_of_them_send() {
    let stage = Stage::start().await;
    let people: Vec<Person> = (0..12).map(|n| person(&stage, &format!("p{n}"), 2)).collect();
    let car = |n: usize| people[n].repo.car();
    let set = |n: usize, repo: Repo| {
        stage.set(|play| play.repos.insert(people[n].did.to_string(), repo));
    };
    set(0, Repo::Busy { car: car(0), times: 1 });
    set(1, Repo::Truncated { car: car(1), times: 1 });
    set(2, Repo::Car(car(3)));
    set(3, Repo::Error(400, "RepoDeactivated"));
    set(4, Repo::Car(b"no archive at all".to_vec()));
    set(5, Repo::Car(vec![0x3a; 200_000]));
    let dir = tempdir().unwrap();
    let mut config = config(&stage);
    config.resync.repo_bytes_max = 100_000;
    let bed = Bed::start(&stage, dir.path(), config).await;
    let job = done(&bed, network()).await;
    assert_eq!((job.found, job.fetched, job.failed_total()), (12, 8, 4), "{job:?}");
    assert_eq!(job.records, 16);
    assert_eq!(job.failed.get("deactivated"), Some(&1), "{job:?}");
    for n in (0..2).chain(6..12) {
        let posts = [0, 1].map(|post| format!("p{n} {post}"));
        let story = [format!("repo[{}]", posts.join(","))];
        assert_eq!(bed.story(&people[n].did).await, story, "p{n}");
    }
    for person in &people[2..6] {
        let story = bed.story(&person.did).await;
        assert!(!story.iter().any(|entry| entry.starts_with("repo")), "{}: {story:?}", person.did);
    }
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stalls_keeps_nobody_else_waiting() {
    let stage = Stage::start().await;
    let slow = Stage::start().await;
    let mut config = quiet(&stage);
    config.resync.host_concurrency = 2;
    let stalled: Vec<Person> = (0..6).map(|n| person(&stage, &format!("slow{n}"), 1)).collect();
    for person in &stalled {
        let document = person.document(&slow.origin());
        stage.set(|play| play.documents.insert(person.did.to_string(), (200, document)));
        slow.set(|play| play.repos.insert(person.did.to_string(), Repo::Gated(person.repo.car())));
    }
    let others: Vec<Person> = (0..6).map(|n| person(&stage, &format!("quick{n}"), 1)).collect();
    let dids: Vec<&Did> = stalled.iter().chain(&others).map(|person| &person.did).collect();
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    let id = bed.client.begin_backfill(named(&dids)).await.unwrap().id;
    let job = until(&bed, id, |job| job.fetched == 6).await;
    assert_eq!((job.state, job.waiting()), (BackfillState::Running, 6));
    assert!(slow.set(|play| play.repos_given.1) <= 2, "bounded per host");
    slow.release();
    until(&bed, id, |job| job.state == BackfillState::Done && job.fetched == 12).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_is_paused_resumed_and_another_cancelled() {
    let stage = Stage::start().await;
    let people: Vec<Person> = (0..40).map(|n| person(&stage, &format!("p{n:02}"), 1)).collect();
    for person in &people {
        let car = Repo::Gated(person.repo.car());
        stage.set(|play| play.repos.insert(person.did.to_string(), car));
    }
    let mut config = quiet(&stage);
    config.resync.concurrency = 2;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    let dids: Vec<&Did> = people.iter().map(|person| &person.did).collect();
    let id = bed.client.begin_backfill(named(&dids)).await.unwrap().id;
    let change =
        |id: i64, change: BackfillChange| bed.client.change_backfill(ChangeBackfill { id, change });
    eventually(async || match stage.set(|play| play.repos_given.0) {
        2 => Ok(()),
        n => Err(format!("{n} are being given")),
    })
    .await;
    let paused = change(id, BackfillChange::Pause).await.unwrap();
    assert_eq!(paused.state, BackfillState::Paused);
    stage.release();
    // What was wished for ahead is still fetched: for each of two fetches, four.
    let job = until(&bed, id, |job| job.fetched >= 8).await;
    assert_eq!((job.fetched, job.state), (8, BackfillState::Paused));
    let other = bed.client.begin_backfill(named(&dids[..1])).await.unwrap().id;
    until(&bed, other, |job| job.state == BackfillState::Done).await;
    assert_eq!(job.fetched, 8, "the other went on, this one did not");
    change(id, BackfillChange::Resume).await.unwrap();
    until(&bed, id, |job| job.state == BackfillState::Done && job.fetched == 40).await;

    let begin = BeginBackfill { more: true, ..named(&dids) };
    let third = bed.client.begin_backfill(begin).await.unwrap().id;
    let cancelled = change(third, BackfillChange::Cancel).await.unwrap();
    assert_eq!((cancelled.state, cancelled.listing), (BackfillState::Cancelled, false));
    let over = change(third, BackfillChange::Resume).await.unwrap_err().to_string();
    assert!(over.contains("has ended"), "{over}");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crash_cut_off_goes_on_and_nothing_is_fetched_twice() {
    let stage = Stage::start().await;
    let people: Vec<Person> = (0..30).map(|n| person(&stage, &format!("p{n:02}"), 2)).collect();
    for person in &people[20..] {
        let car = Repo::Gated(person.repo.car());
        stage.set(|play| play.repos.insert(person.did.to_string(), car));
    }
    // Those that are held up must not keep the others waiting.
    let config = |stage: &Stage| {
        let mut config = config(stage);
        config.resync.concurrency = 64;
        config.resync.host_concurrency = 64;
        config
    };
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    let id = bed.client.begin_backfill(network()).await.unwrap().id;
    until(&bed, id, |job| job.fetched == 20).await;
    bed.stop().await;
    let cut_off = tables(dir.path());

    // A process after it fetches some more, and all that its tables say of it is lost.
    for person in &people[20..25] {
        person.publish(&stage);
    }
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    until(&bed, id, |job| job.fetched == 25).await;
    bed.stop().await;
    put_back(dir.path(), &cut_off);

    stage.release();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    let job = until(&bed, id, |job| job.state == BackfillState::Done).await;
    assert_eq!((job.found, job.fetched, job.passed), (30, 30, 0), "{job:?}");
    assert_eq!(job.failed_total(), 0);
    for person in &people[..20] {
        assert_eq!(asked(&stage, person), 1, "{}", person.did);
    }
    for person in &people {
        let account = bed
            .until_account(&person.did, |account| account.sync_state == SyncState::Complete)
            .await;
        assert!(account.counts_exact.own, "{account:?}");
    }
    bed.stop().await;
    // They are counted at the start: now that everybody is here, others' numbers are exact too.
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_account(&people[0].did, |account| account.counts_exact.by_others).await;
    bed.stop().await;
}
