//! One server for one data folder.

use std::fs;
use std::net::TcpListener;

use crate::program::{Place, get, http};

#[tokio::test]
async fn a_second_server_on_the_folder_is_refused() {
    let place = Place::new();
    let mut first = place.serve(&[]).await;
    let refused = place.run(&["serve"]).refused(1, "MR-BIN-001");
    assert!(refused.stderr.contains("by process"), "{}", refused.stderr);
    first.must_run();
    assert_eq!(first.terminate().await, 0, "{}", first.log());
}

#[tokio::test]
async fn a_killed_server_leaves_the_folder_free() {
    let place = Place::new();
    for _ in 0..2 {
        place.serve(&[]).await.kill9();
    }
    let mut server = place.serve(&[]).await;
    assert_eq!(server.terminate().await, 0, "{}", server.log());
}

#[tokio::test]
async fn a_stopped_server_leaves_only_whole_files() {
    let place = Place::new();
    let mut server = place.serve(&[]).await;
    assert_eq!(server.terminate().await, 0, "{}", server.log());
    // A command on the files leaves them as whole as it found them.
    place.run(&["dlq", "list"]).fine();
    let names = fs::read_dir(place.data()).unwrap();
    let mut names: Vec<_> = names.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    let whole = [
        "LOCK",
        "LOCK.appview",
        "admin.token",
        "dataplane.db",
        "dictionary.db",
        "feeds.db",
        "ingest.db",
        "log.db",
        "own.db",
        "session.db",
        "session.secret",
    ];
    assert_eq!(names, whole);
}

#[tokio::test]
async fn a_server_makes_what_operators_need() {
    let place = Place::new();
    let server = place.serve(&[]).await;
    let token = fs::read_to_string(place.data().join("admin.token")).unwrap();
    let url = format!("{}/api/v1/admin/dlq", server.url);
    let http = http();
    let status = async |token: &str| {
        http.get(&url).bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(&token).await, 200);
    assert_eq!(status("wrong").await, 401);
    assert_eq!(get(&url).await.unwrap().status(), 401);
    for name in ["log.db", "dictionary.db", "own.db", "ingest.db", "dataplane.db"] {
        assert!(place.data().join(name).exists(), "{name}");
    }
    let metrics = get(format!("{}/metrics", server.url)).await.unwrap().text().await.unwrap();
    for name in ["millrace_log_tail_offset", "millrace_store_", "process_start_time_seconds"] {
        assert!(metrics.contains(name), "{name}");
    }
}

#[test]
fn an_address_in_use_is_named() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = held.local_addr().unwrap();
    let place = Place::with(&format!("data_dir = \"data\"\n[dataplane]\nlisten = \"{addr}\""));
    let refused = place.run(&["serve"]).refused(1, "MR-BIN-005");
    assert!(
        refused.stderr.contains(&addr.to_string()) && refused.stderr.contains("dataplane.listen")
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let place = Place::new();
    place.write("data", "a file is in the way");
    place.run(&["serve"]).refused(1, "MR-BIN-002");
    place.run(&["dlq", "list"]).refused(1, "MR-BIN-002");
}
