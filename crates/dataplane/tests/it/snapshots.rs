//! Whole repositories, statuses and handles.

use millrace_atproto::syntax::AtIdentifier;
use millrace_dataplane::query::actors::{GetActors, GetRepoRev};
use millrace_dataplane::query::author_feed::{AuthorFilter, GetAuthorFeed};
use millrace_dataplane::query::profiles::GetProfile;
use millrace_dataplane::resync;
use millrace_sim::records;

use crate::entries::{self, POST, PROFILE, START_US, did, tid};
use crate::harness::{Harness, on_every_engine};

on_every_engine!(
    a_snapshot_equals_the_commits,
    a_part_touches_its_range_alone,
    an_old_snapshot_changes_nothing,
    a_deleted_account_leaves_nothing,
    an_older_status_yields,
    a_handle_has_one_holder,
    a_wish_for_a_repository_waits_until_it_is_taken,
);

fn note(n: i64) -> (String, Vec<u8>) {
    (
        format!("{POST}/{}", tid(n)),
        records::post(&format!("post {n}"), START_US + n * 1_000, None, None, None),
    )
}

fn op(note: &(String, Vec<u8>)) -> millrace_atproto::entry::EntryOp {
    let (collection, rkey) = note.0.split_once('/').unwrap();
    entries::put(collection, rkey, note.1.clone())
}

async fn posts(harness: &Harness) -> Vec<String> {
    let feed = GetAuthorFeed {
        actor: AtIdentifier::Did(did("alice")),
        filter: AuthorFilter::default(),
        limit: 100,
        cursor: None,
    };
    let page = harness.client.ask(feed).await.unwrap();
    page.items
        .into_iter()
        .map(|item| item.uri.rsplit('/').next().unwrap_or_default().to_owned())
        .collect()
}

fn keys(ns: &[i64]) -> Vec<String> {
    ns.iter().map(|n| tid(*n).to_string()).collect()
}

async fn a_snapshot_equals_the_commits(harness: Harness) {
    let alice = did("alice");
    let notes: Vec<_> = (1..6).map(note).collect();
    // The store missed two commits: one post too many, one too few.
    harness.apply(&[entries::commit(&alice, 1, vec![op(&notes[0]), op(&note(9))])]).await;
    harness.apply(&[entries::snapshot(&alice, 10, None, None, &notes)]).await;
    assert_eq!(posts(&harness).await, keys(&[5, 4, 3, 2, 1]));
    harness.apply(&[entries::snapshot(&alice, 10, None, None, &notes)]).await;
    let profile =
        harness.client.ask(GetProfile { actor: AtIdentifier::Did(alice.clone()) }).await.unwrap();
    assert_eq!(profile.posts_count, 5);
    let rev = harness.client.ask(GetRepoRev { did: alice }).await.unwrap().rev;
    assert_eq!(rev, Some(tid(10)));
}

async fn a_part_touches_its_range_alone(harness: Harness) {
    let alice = did("alice");
    let notes: Vec<_> = (1..5).map(note).collect();
    harness.apply(&[entries::commit(&alice, 1, notes.iter().map(op).collect())]).await;
    let (after, through) = (notes[0].0.as_str(), notes[2].0.as_str());
    harness.apply(&[entries::snapshot(&alice, 2, Some(after), Some(through), &[])]).await;
    assert_eq!(posts(&harness).await, keys(&[4, 1]));
}

async fn an_old_snapshot_changes_nothing(harness: Harness) {
    let alice = did("alice");
    harness.apply(&[entries::commit(&alice, 5, vec![op(&note(1))])]).await;
    harness.apply(&[entries::snapshot(&alice, 4, None, None, &[])]).await;
    assert_eq!(posts(&harness).await, keys(&[1]));
}

async fn a_deleted_account_leaves_nothing(harness: Harness) {
    let alice = did("alice");
    let profile = entries::put(PROFILE, "self", records::profile("Alice", "", START_US));
    harness.apply(&[entries::commit(&alice, 1, vec![profile, op(&note(1))])]).await;
    harness.apply(&[entries::account(&alice, 2, false, Some("deleted"))]).await;
    let dump = harness.dump().await;
    let left: Vec<&String> = dump.iter().filter(|row| !row.starts_with("actor|")).collect();
    assert_eq!(
        left.iter().map(|row| row.as_str()).collect::<Vec<_>>(),
        ["actor_count|1|0|0|0|0|0|0|0|0|0|0"]
    );
}

async fn an_older_status_yields(harness: Harness) {
    let alice = did("alice");
    harness.apply(&[entries::account(&alice, 5, true, None)]).await;
    harness.apply(&[entries::account(&alice, 4, false, Some("deactivated"))]).await;
    let asked = GetActors { actors: vec![AtIdentifier::Did(alice.clone())] };
    assert!(harness.client.ask(asked).await.unwrap().actors[0].active);
}

async fn a_handle_has_one_holder(harness: Harness) {
    let (alice, bob) = (did("alice"), did("bob"));
    harness
        .apply(&[
            entries::identity(&alice, 1, Some("x.test")),
            entries::identity(&bob, 2, Some("x.test")),
        ])
        .await;
    let asked = GetActors {
        actors: vec![AtIdentifier::parse("x.test").unwrap(), AtIdentifier::Did(alice)],
    };
    let actors = harness.client.ask(asked).await.unwrap().actors;
    assert_eq!(actors[0].did, bob);
    assert_eq!(actors[1].handle, None);
}

async fn a_wish_for_a_repository_waits_until_it_is_taken(harness: Harness) {
    let alice = did("alice");
    harness.overflow(&alice).await;
    harness.overflow(&alice).await;
    let wanted = resync::wanted(&harness.store).await.unwrap();
    assert_eq!(wanted, std::slice::from_ref(&alice));
    resync::taken(&harness.store, alice).await.unwrap();
    assert_eq!(resync::wanted(&harness.store).await.unwrap(), []);
}
