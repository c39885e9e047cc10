//! The log is ahead of the cursor, as after a crash between the two: duplicates may follow, gaps may not.

use std::fs;
use std::path::Path;

use millrace_ingest::SyncState;
use tempfile::tempdir;

use crate::bed::{Bed, config};
use crate::jet::Jet;
use crate::jetstream::{WIRES, config_of, position};
use crate::person::Person;
use crate::stage::Stage;

fn copy_tables(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap().starts_with("ingest.db") {
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
}

fn replace_tables(from: &Path, to: &Path) {
    for file in fs::read_dir(to).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap().starts_with("ingest.db") {
            fs::remove_file(file.path()).unwrap();
        }
    }
    copy_tables(from, to);
}

#[tokio::test(flavor = "multi_thread")]
async fn story_01_events_are_repeated_rather_than_lost() {
    let stage = Stage::start().await;
    let (mut alice, mut bob) = (Person::new(&stage, "alice"), Person::new(&stage, "bob"));
    let (dir, old) = (tempdir().unwrap(), tempdir().unwrap());
    stage.emit(alice.post("a1"));
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(1).await;
    bed.stop().await;
    copy_tables(dir.path(), old.path());

    stage.emit(alice.post("a2"));
    stage.emit(bob.post("b1"));
    stage.emit(alice.post("a3"));
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(4).await;
    bed.stop().await;

    // What the cursor's transaction wrote is lost, what the log has is not.
    replace_tables(old.path(), dir.path());
    stage.emit(bob.post("b2"));
    let bed = Bed::start(&stage, dir.path(), config(&stage)).await;
    bed.until_cursor(5).await;
    assert_eq!(bed.story(&alice.did).await, ["a1", "a2", "a3", "a2", "a3"]);
    assert_eq!(bed.story(&bob.did).await, ["b1", "b1", "b2"]);
    let account =
        bed.until_account(&alice.did, |account| account.rev == Some(alice.repo.rev())).await;
    assert_eq!(account.sync_state, SyncState::Partial, "a repetition is no gap");
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn story_01_a_jetstreams_events_are_repeated_rather_than_lost() {
    for kind in WIRES {
        let (stage, jet) = (Stage::start().await, Jet::start().await);
        let mut alice = Person::new(&stage, "alice");
        let at: Vec<i64> = (1..=4).map(|n| position(kind, n)).collect();
        let (dir, old) = (tempdir().unwrap(), tempdir().unwrap());
        jet.tell(kind, &[at[0]], &alice.post("one")(1));
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[0]).await;
        bed.stop().await;
        copy_tables(dir.path(), old.path());
        jet.tell(kind, &[at[1]], &alice.post("two")(1));
        jet.tell(kind, &[at[2]], &alice.post("three")(1));
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[2]).await;
        bed.stop().await;

        replace_tables(old.path(), dir.path());
        jet.tell(kind, &[at[3]], &alice.post("four")(1));
        let bed = Bed::start(&stage, dir.path(), config_of(&stage, &jet, kind)).await;
        bed.until_cursor(at[3]).await;
        let story = bed.story(&alice.did).await;
        assert_eq!(story, ["one", "two", "three", "two", "three", "four"], "{kind:?}");
        assert!(stage.set(|play| play.repos_asked.is_empty()), "a repetition is no gap");
        bed.stop().await;
    }
}
