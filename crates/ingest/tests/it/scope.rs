//! Whose events are taken, who comes in and who goes; and the brake.

use std::time::Duration;

use millrace_atproto::Did;
use millrace_ingest::{AccountState, ChangeScope, Client, InterestConfig, ScopeKind, SyncState};
use millrace_runtime::clock::{ManualClock, SystemClock};
use millrace_store::StoreError;
use tempfile::tempdir;

use crate::bed::{Bed, config, eventually};
use crate::person::{Person, TIME};
use crate::stage::Stage;

/// Follows these accounts and nobody else.
fn by_list(stage: &Stage, people: &[&Person]) -> millrace_ingest::IngestConfig {
    millrace_ingest::IngestConfig {
        scope: ScopeKind::Dids,
        scope_dids: people.iter().map(|person| person.did.to_string()).collect(),
        ..config(stage)
    }
}

fn by_interest(stage: &Stage, grace_hours: u32) -> millrace_ingest::IngestConfig {
    millrace_ingest::IngestConfig {
        scope: ScopeKind::Interest,
        interest: InterestConfig { grace_hours, ..InterestConfig::default() },
        ..config(stage)
    }
}

async fn change(bed: &Bed, enter: &[&Person], unwanted: &[&Person]) {
    let dids = |people: &[&Person]| people.iter().map(|person| person.did.clone()).collect();
    let change = ChangeScope { enter: dids(enter), unwanted: dids(unwanted) };
    // The run may only be starting.
    eventually(async || {
        bed.client.change_scope(change.clone()).await.map_err(|error| error.to_string())
    })
    .await;
}

fn is_complete(account: &AccountState) -> bool {
    account.sync_state == SyncState::Complete
}

fn is_unfollowed(account: &AccountState) -> bool {
    let why = account.error.as_deref();
    account.out_of_scope
        && account.sync_state == SyncState::Partial
        && why == Some("out_of_scope")
        && account.next_try_us.is_none()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_others_nothing_is_looked_at_and_the_cursor_moves_on() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    stage.emit(alice.post("one"));
    alice.publish(&stage);
    // It would be rejected, and its author's document looked at.
    stage.emit(Person::resigned(bob.post("forged"), |sig| sig[0] ^= 1));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), by_list(&stage, &[&alice])).await;
    bed.until_account(&alice.did, is_complete).await;
    stage.emit(alice.post("two"));
    let last = stage.emit(bob.sync());
    bed.until_cursor(last).await;
    eventually(async || {
        let story = bed.story(&alice.did).await;
        story.last().filter(|last| *last == "two").map(drop).ok_or(format!("{story:?}"))
    })
    .await;
    assert_eq!(bed.account(&bob.did).await, None, "no row of a stranger");
    assert!(bed.story(&bob.did).await.is_empty());
    let status = bed.status().await;
    assert!(status.rejected.is_empty(), "{status:?}");
    assert_eq!((status.out_of_scope, status.verified_seq), (2, Some(last)));
    let metrics = bed.registry.encode();
    let mut skipped = metrics.lines().filter(|line| line.contains("out_of_scope"));
    assert!(
        skipped.any(|line| line.starts_with("millrace_ingest_skipped") && line.ends_with(" 2"))
    );
    let scope = bed.client.scope().await.unwrap();
    assert_eq!((scope.scope.as_str(), scope.accounts), ("dids", Some(1)));
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_in_is_fetched_and_who_goes_says_so() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    alice.publish(&stage);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), by_interest(&stage, 0)).await;
    bed.until_cursor(1).await;
    assert!(bed.story(&alice.did).await.is_empty());

    change(&bed, &[&alice], &[]).await;
    bed.until_story(&alice.did, &["repo[one]"]).await;
    let account = bed.until_account(&alice.did, is_complete).await;
    assert!(!account.out_of_scope);
    stage.emit(alice.post("two"));
    bed.until_story(&alice.did, &["repo[one]", "two"]).await;

    change(&bed, &[], &[&alice]).await;
    bed.until_account(&alice.did, is_unfollowed).await;
    let last = stage.emit(alice.post("three"));
    alice.publish(&stage);
    bed.until_cursor(last).await;
    assert_eq!(bed.story(&alice.did).await, ["repo[one]", "two"], "kept, no longer followed");

    change(&bed, &[&alice], &[]).await;
    bed.until_story(&alice.did, &["repo[one]", "two", "repo[one,two,three]"]).await;
    bed.until_account(&alice.did, is_complete).await;
    // What is told twice changes nothing.
    change(&bed, &[&alice], &[]).await;
    stage.emit(alice.post("four"));
    let story = ["repo[one]", "two", "repo[one,two,three]", "four"];
    bed.until_story(&alice.did, &story).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_in_time_is_not_fetched_again() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let dir = tempdir().unwrap();
    let clock = ManualClock::at(millrace_runtime::clock::Clock::now_us(&SystemClock));
    let bed = Bed::start_with_clock(&stage, dir.path(), by_interest(&stage, 24), &clock).await;
    change(&bed, &[&alice], &[]).await;
    bed.until_account(&alice.did, is_complete).await;
    change(&bed, &[], &[&alice]).await;
    let hour = Duration::from_secs(3_600);
    clock.advance(23 * hour);
    stage.emit(alice.post("one"));
    bed.until_story(&alice.did, &["repo[]", "one"]).await;
    change(&bed, &[&alice], &[]).await;
    clock.advance(48 * hour);
    stage.emit(alice.post("two"));
    bed.until_story(&alice.did, &["repo[]", "one", "two"]).await;
    // Nobody comes back: the grace is over a day later, however often it is said.
    change(&bed, &[], &[&alice]).await;
    clock.advance(23 * hour);
    change(&bed, &[], &[&alice]).await;
    clock.advance(2 * hour);
    bed.until_account(&alice.did, is_unfollowed).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_knows_whom_to_follow_and_finishes_what_was_cut_off() {
    let stage = Stage::start().await;
    let mut people = ["alice", "bob", "carol"].map(|name| Person::new(&stage, name));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), by_interest(&stage, 0)).await;
    let [alice, bob, carol] = &people;
    change(&bed, &[alice, bob], &[]).await;
    bed.until_account(&alice.did, is_complete).await;
    bed.until_account(&bob.did, is_complete).await;
    // As a crash leaves it: in the table, and told to nobody.
    let (came, went) = (carol.did.to_string(), bob.did.to_string());
    let cut: Result<(), StoreError> = bed
        .store
        .write(move |tx| {
            let sql = "INSERT INTO scope_account (did, state, entered_us) VALUES ($1, 1, 0)";
            tx.execute(sql, &[(&came).into()])?;
            let sql = "UPDATE scope_account SET state = 2 WHERE did = $1";
            tx.execute(sql, &[(&went).into()]).map(drop)
        })
        .await;
    cut.unwrap();
    bed.stop().await;

    let bed = Bed::start(&stage, dir.path(), by_interest(&stage, 0)).await;
    bed.until_account(&people[2].did, is_complete).await;
    bed.until_account(&people[1].did, is_unfollowed).await;
    let mut last = 0;
    for person in &mut people {
        last = stage.emit(person.post("later"));
    }
    bed.until_cursor(last).await;
    bed.until_story(&people[0].did, &["repo[]", "later"]).await;
    bed.until_story(&people[2].did, &["repo[]", "later"]).await;
    assert_eq!(bed.story(&people[1].did).await, ["repo[]"]);
    let page = bed.client.list_scope(String::new()).await.unwrap();
    let followed: Vec<&str> = page.accounts.iter().map(|account| account.did.as_str()).collect();
    assert_eq!(followed, ["did:plc:alice", "did:plc:carol"]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_who_is_kept_the_status_still_counts() {
    let stage = Stage::start().await;
    let (mut alice, bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), by_interest(&stage, 0)).await;
    change(&bed, &[&alice], &[]).await;
    bed.until_account(&alice.did, is_complete).await;
    change(&bed, &[], &[&alice]).await;
    bed.until_account(&alice.did, is_unfollowed).await;

    stage.emit(bob.status(false, Some("takendown"), TIME));
    stage.emit(alice.status(false, Some("takendown"), TIME));
    bed.until_story(&alice.did, &["repo[]", "inactive:takendown"]).await;
    assert_eq!(bed.account(&bob.did).await, None, "a stranger stays one");
    stage.set(|play| {
        play.statuses.insert(
            alice.did.to_string(),
            serde_json::json!({"did": alice.did.as_str(), "active": true}),
        )
    });
    stage.emit(alice.status(true, None, TIME));
    bed.until_story(&alice.did, &["repo[]", "inactive:takendown", "active"]).await;
    let last = stage.emit(alice.post("unread"));
    bed.until_cursor(last).await;
    bed.until_account(&alice.did, is_unfollowed).await;
    assert_eq!(bed.story(&alice.did).await.len(), 3, "its records are not followed");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_accounts_is_read_again_when_it_changes() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    let dir = tempdir().unwrap();
    let path = dir.path().join("accounts.txt");
    std::fs::write(&path, format!("{} # she\n", alice.did)).unwrap();
    let settings = millrace_ingest::IngestConfig {
        scope_dids_file: Some(path.clone()),
        ..by_list(&stage, &[])
    };
    let bed = Bed::start(&stage, dir.path(), settings).await;
    bed.until_account(&alice.did, is_complete).await;
    std::fs::write(&path, format!("{}\nbob.test\n", bob.did)).unwrap();
    let last = stage.emit(alice.post("one"));
    bed.until_cursor(last).await;
    bed.until_story(&alice.did, &["repo[]", "one"]).await;
    assert_eq!(bed.account(&bob.did).await, None, "a slip changes nothing");
    std::fs::write(&path, format!("{}\n", bob.did)).unwrap();
    bed.until_account(&bob.did, is_complete).await;
    bed.until_account(&alice.did, is_unfollowed).await;
    let last = [alice.post("two"), bob.post("two")].map(|post| stage.emit(post))[1];
    bed.until_cursor(last).await;
    bed.until_story(&bob.did, &["repo[]", "two"]).await;
    assert_eq!(bed.story(&alice.did).await, ["repo[]", "one"]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_that_narrows_or_widens_is_told_by_every_row() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    let last = [alice.post("one"), bob.post("one")].map(|post| stage.emit(post))[1];
    bed.until_cursor(last).await;
    bed.stop().await;

    let bed = Bed::start(&stage, dir.path(), by_list(&stage, &[&alice])).await;
    alice.publish(&stage);
    bed.until_account(&alice.did, is_complete).await;
    bed.until_account(&bob.did, is_unfollowed).await;
    let last = stage.emit(bob.post("two"));
    bob.publish(&stage);
    bed.until_cursor(last).await;
    assert_eq!(bed.story(&bob.did).await, ["one"]);
    bed.stop().await;

    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    let is_missing = |account: &AccountState| account.sync_state == SyncState::Desynchronized;
    bed.until_account(&bob.did, is_missing).await;
    bed.until_account(&alice.did, is_complete).await;
    assert_eq!(bed.client.scope().await.unwrap().accounts, None);
    stage.emit(bob.post("three"));
    bob.publish(&stage);
    bed.until_account(&bob.did, is_complete).await;
    let story = bed.story(&bob.did).await;
    assert!(story.contains(&"repo[one,two,three]".to_owned()), "{story:?}");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_may_be_followed_are_refused() {
    let stage = Stage::start().await;
    let people = ["alice", "bob", "carol"].map(|name| Person::new(&stage, name));
    let dir = tempdir().unwrap();
    let mut settings = by_interest(&stage, 0);
    settings.interest.accounts_max = 2;
    let bed = Bed::start(&stage, dir.path(), settings).await;
    let all: Vec<&Person> = people.iter().collect();
    change(&bed, &all, &[]).await;
    let accounts = bed.client.scope().await.unwrap().accounts;
    assert_eq!(accounts, Some(2));
    assert!((bed.metric("millrace_ingest_scope_refused") - 1.0).abs() < 0.1);
    let many: Vec<Did> = vec![people[0].did.clone(); 1_001];
    let refused = bed.client.change_scope(ChangeScope { enter: many, ..ChangeScope::default() });
    assert!(refused.await.is_err());
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brake_disconnects_and_nothing_is_lost() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    let Client::Local(local) = &bed.client else { panic!("it runs here") };
    let first = stage.emit(alice.post("one"));
    bed.until_cursor(first).await;
    local.brake(Some("no room".to_owned()));
    let is_braked = |status: &millrace_ingest::SourceStatus| {
        !status.connected && status.paused.as_deref() == Some("no room")
    };
    bed.until_status_of(0, is_braked).await;
    let last = [alice.post("two"), alice.post("three")].map(|post| stage.emit(post))[1];
    // What is asked for is durable, and done when there is room.
    bed.client.request_resync(&alice.did).await.unwrap();
    let status = bed.status().await;
    assert_eq!((status.received_seq, status.cursor), (Some(first), Some(first)));
    assert_eq!(bed.story(&alice.did).await, ["one"]);
    alice.publish(&stage);
    local.brake(None);
    bed.until_cursor(last).await;
    bed.until_account(&alice.did, |account| account.rev == Some(alice.repo.rev())).await;
    bed.until_account(&alice.did, is_complete).await;
    bed.stop().await;
}
