//! The log is ahead of the cursor, as after a crash between the two: duplicates may follow, gaps may not.

use std::fs;
use std::path::Path;

use millrace_ingest::SyncState;
use tempfile::tempdir;

use crate::bed::{Bed, config};
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

#[tokio::test(flavor = "multi_thread")]
async fn events_are_repeated_rather_than_lost() {
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
    for file in fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        if file.file_name().to_str().unwrap().starts_with("ingest.db") {
            fs::remove_file(file.path()).unwrap();
        }
    }
    copy_tables(old.path(), dir.path());
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
