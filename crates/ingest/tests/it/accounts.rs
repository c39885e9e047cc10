//! Statuses: whom to believe, and what follows.

use millrace_ingest::{AccountState, Backfill, BackfillMode, SourceKind, SyncState};
use serde_json::json;
use tempfile::tempdir;

use crate::bed::{Bed, config, put_back, tables};
use crate::person::Person;
use crate::stage::Stage;

const EARLIER: &str = "2026-01-01T00:00:00.000Z";
const LATER: &str = "2026-01-05T00:00:00.000Z";
const LATEST: &str = "2026-01-06T00:00:00.000Z";

fn at_host(stage: &Stage, person: &Person, active: bool, status: Option<&str>) {
    let mut answer = json!({"did": person.did.as_str(), "active": active});
    if let Some(status) = status {
        answer["status"] = json!(status);
    }
    stage.set(|play| play.statuses.insert(person.did.to_string(), answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_every_status_is_passed_on() {
    for (active, status) in [
        (false, "takendown"),
        (false, "suspended"),
        (false, "deactivated"),
        (false, "deleted"),
        (true, "desynchronized"),
        (true, "throttled"),
        (false, "a word of the future"),
    ] {
        let stage = Stage::start().await;
        let mut alice = Person::new(&stage, "alice");
        stage.emit(alice.post("one"));
        at_host(&stage, &alice, active, Some(status));
        stage.emit(alice.status(active, Some(status), LATER));
        let dir = tempdir().unwrap();
        let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
        let told = format!("{}{status}", if active { "active" } else { "inactive:" });
        bed.until_story(&alice.did, &["one", &told]).await;
        bed.until_cursor(2).await;
        let account = bed.until_account(&alice.did, |account| account.active == active).await;
        assert_eq!(account.status.as_deref(), Some(status));
        assert_eq!(account.sync_state == SyncState::Gone, status == "deleted");
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_the_later_event_wins_whatever_the_order_of_arrival() {
    let stage = Stage::start().await;
    let alice = Person::new(&stage, "alice");
    stage.emit(alice.status(true, None, LATER));
    stage.emit(alice.status(false, Some("takendown"), EARLIER));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;
    assert_eq!(bed.story(&alice.did).await, ["active"]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_an_old_hosts_deactivation_is_settled_by_asking_the_present_one() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    at_host(&stage, &alice, true, None);
    // The relay passes on what the old host said after the account had moved.
    stage.emit(alice.status(false, Some("deactivated"), LATER));
    stage.emit(alice.post("two"));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "active", "two"]);
    assert_eq!(stage.set(|play| play.statuses_asked), 1);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_a_host_that_is_not_the_accounts_has_no_say() {
    let (stage, elsewhere) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    // The account lives elsewhere, and is well there.
    let document = alice.document(&elsewhere.origin());
    stage.set(|play| play.documents.insert(alice.did.to_string(), (200, document)));
    at_host(&elsewhere, &alice, true, None);
    stage.emit(alice.status(false, Some("deleted"), LATER));
    stage.emit(alice.post("two"));
    let mut config = config(&stage);
    config.sources[0].kind = SourceKind::Pds;
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "active", "two"]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inactive_accounts_commits_are_ignored_until_it_is_back() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    at_host(&stage, &alice, false, Some("takendown"));
    stage.emit(alice.status(false, Some("takendown"), LATER));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(2).await;
    stage.emit(alice.post("hidden"));
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "inactive:takendown"]);
    at_host(&stage, &alice, true, None);
    stage.emit(alice.status(true, None, LATEST));
    stage.emit(alice.post("three"));
    alice.publish(&stage);
    bed.until_story(&alice.did, &["one", "inactive:takendown", "active", "repo[one,hidden,three]"])
        .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_a_deleted_account_that_comes_back_is_fetched_again() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    at_host(&stage, &alice, false, Some("deleted"));
    stage.emit(alice.status(false, Some("deleted"), LATER));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "inactive:deleted"]).await;
    let account =
        bed.until_account(&alice.did, |account| account.sync_state == SyncState::Gone).await;
    assert_eq!((account.rev, account.data), (None, None));
    alice.publish(&stage);
    stage.emit(alice.status(true, None, LATEST));
    bed.until_story(&alice.did, &["one", "inactive:deleted", "active", "repo[one]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_who_was_away_when_to_be_fetched_is_fetched_when_back() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let _before = alice.post("one");
    at_host(&stage, &alice, false, Some("deactivated"));
    stage.emit(alice.status(false, Some("deactivated"), LATER));
    let mut config = config(&stage);
    config.backfill = Backfill::Mode(BackfillMode::All);
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config).await;
    let given_up = |account: &AccountState| !account.active && account.next_try_us.is_none();
    bed.until_account(&alice.did, given_up).await;
    alice.publish(&stage);
    at_host(&stage, &alice, true, None);
    stage.emit(alice.status(true, None, LATEST));
    bed.until_story(&alice.did, &["inactive:deactivated", "active", "repo[one]"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_present_host_is_away_a_relay_is_believed() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    let document = alice.document("http://127.0.0.1:1");
    stage.set(|play| play.documents.insert(alice.did.to_string(), (200, document)));
    stage.emit(alice.post("one"));
    stage.emit(alice.status(false, Some("deactivated"), LATER));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "inactive:deactivated"]).await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_after_a_move_both_hosts_speak_and_the_new_one_is_believed_in_any_order() {
    for old_first in [true, false] {
        let (old, new) = (Stage::start().await, Stage::start().await);
        let mut alice = Person::new(&old, "alice");
        old.emit(alice.post("one"));
        let mut config = config(&old);
        config.sources[0].kind = SourceKind::Pds;
        let mut second = config.sources[0].clone();
        (second.name, second.url) = ("new".to_owned(), new.socket());
        config.sources.push(second);
        let dir = tempdir().unwrap();
        let bed = Bed::start(&old, dir.path(), config).await;
        bed.until_cursor(1).await;
        // The account moves; each host says what is true there.
        let document = alice.document(&new.origin());
        old.set(|play| play.documents.insert(alice.did.to_string(), (200, document)));
        at_host(&old, &alice, false, Some("deactivated"));
        at_host(&new, &alice, true, None);
        old.emit(alice.identity());
        let goodbye = alice.status(false, Some("deactivated"), LATEST);
        let welcome = alice.status(true, None, LATER);
        if old_first {
            old.emit(goodbye);
            bed.until_cursor(3).await;
            new.emit(welcome);
        } else {
            new.emit(welcome);
            bed.until_cursor_of(1, 1).await;
            old.emit(goodbye);
        }
        new.emit(alice.post("two"));
        bed.until_cursor_of(0, 3).await;
        bed.until_cursor_of(1, 2).await;
        assert_eq!(bed.story(&alice.did).await, ["one", "active", "two"], "old first: {old_first}");
        let account = bed.until_account(&alice.did, |_| true).await;
        assert_eq!(account.pds.as_deref(), Some(new.origin().as_str()));
        bed.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_who_moved_while_deactivated_is_not_stuck() {
    let (old, new) = (Stage::start().await, Stage::start().await);
    let mut alice = Person::new(&old, "alice");
    old.emit(alice.post("one"));
    at_host(&old, &alice, false, Some("deactivated"));
    old.emit(alice.status(false, Some("deactivated"), LATER));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&old, dir.path(), config(&old)).await;
    bed.until_story(&alice.did, &["one", "inactive:deactivated"]).await;
    // It is active at the new host, which nobody says but that host when it is asked.
    let _there = alice.post("two");
    let document = alice.document(&new.origin());
    let car = alice.repo.car();
    let told =
        json!({"did": alice.did.as_str(), "active": true, "rev": alice.repo.rev().to_string()});
    // The new host is ready before the directory says so, which may be read at any time.
    new.set(|play| {
        play.statuses.insert(alice.did.to_string(), told);
        play.repos.insert(alice.did.to_string(), crate::stage::Repo::Car(car))
    });
    old.set(|play| play.documents.insert(alice.did.to_string(), (200, document)));
    old.emit(alice.identity());
    bed.until_story(&alice.did, &["one", "inactive:deactivated", "active", "repo[one,two]"]).await;
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete).await;
    assert_eq!(new.set(|play| play.statuses_asked), 1, "asked once");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_that_an_account_is_back_is_settled_by_asking_too() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    at_host(&stage, &alice, false, Some("suspended"));
    stage.emit(alice.status(false, Some("suspended"), LATER));
    // The relay passes on a host's word that is not the account's any more.
    stage.emit(alice.status(true, None, LATEST));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(3).await;
    assert_eq!(bed.story(&alice.did).await, ["one", "inactive:suspended"]);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_an_old_deletion_after_the_return_erases_nothing() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    at_host(&stage, &alice, false, Some("deleted"));
    stage.emit(alice.status(false, Some("deleted"), LATER));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "inactive:deleted"]).await;
    // It is back, and the process ends while its repository is fetched.
    alice.publish(&stage);
    let car = alice.repo.car();
    stage.set(|play| play.repos.insert(alice.did.to_string(), crate::stage::Repo::Gated(car)));
    let back = stage.emit(alice.status(true, None, LATEST));
    bed.until_account(&alice.did, |account| account.sync_state == SyncState::InProgress).await;
    bed.until_cursor(back).await;
    bed.stop().await;
    // The deletion comes again, under a higher number.
    alice.publish(&stage);
    let again = stage.emit(alice.status(false, Some("deleted"), LATER));
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(again).await;
    bed.until_story(&alice.did, &["one", "inactive:deleted", "active", "repo[one]"]).await;
    let account =
        bed.until_account(&alice.did, |account| account.sync_state == SyncState::Complete);
    assert!(account.await.active);
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_08_a_status_that_a_crash_left_in_the_log_alone_is_put_right() {
    let stage = Stage::start().await;
    let mut alice = Person::new(&stage, "alice");
    stage.emit(alice.post("one"));
    at_host(&stage, &alice, true, None);
    stage.emit(alice.status(true, None, EARLIER));
    let dir = tempdir().unwrap();
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "active"]).await;
    bed.until_cursor(2).await;
    bed.stop().await;
    let before = tables(dir.path());
    at_host(&stage, &alice, false, Some("deactivated"));
    stage.emit(alice.status(false, Some("deactivated"), LATER));
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "active", "inactive:deactivated"]).await;
    bed.stop().await;
    // Only the log was quick enough; and when the event is read again, the account is back.
    put_back(dir.path(), &before);
    at_host(&stage, &alice, true, None);
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_story(&alice.did, &["one", "active", "inactive:deactivated", "active"]).await;
    bed.stop().await;
}
