//! `millrace backup` and `restore` on both stores: what comes back, what is refused, and what is left when
//! one of them is killed.

use std::fs;
use std::path::{Path, PathBuf};

use millrace_dataplane::purge;
use millrace_log::{Append, Log, LogConfig, Topic};
use millrace_runtime::clock::SystemClock;
use millrace_runtime::metrics::Registry;
use millrace_store::testing::Engine;
use millrace_store::{Domain, Store, StoreError, Tx, probe};
use serde_json::{Value, json};

use crate::program::{Place, Server, http, until};

const ALICE: &str = "did:plc:alice2222222222222222222";
const BOB: &str = "did:plc:bob222222222222222222222";

/// Asks the data-plane as an AppView does.
async fn internal(server: &Server, method: &str, question: Value) -> Value {
    let request = http().post(format!("{}/internal/{method}", server.url)).json(&question);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "{method}: {}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

async fn mute(server: &Server, who: &str) {
    internal(server, "muteActor", json!({ "actor": ALICE, "subject": who })).await;
}

/// Whether Alice mutes somebody, as the tables say: of people the network does not have, no answer tells.
async fn mutes(place: &Place, who: &str) -> bool {
    let (store, clock) = (place.store(), SystemClock::shared());
    let muted = probe::read(&store, Domain::Own, &clock, |tx| {
        let sql = "SELECT subject FROM actor_mute WHERE did = $1";
        tx.query(sql, &[ALICE.into()], |row| row.get::<String>(0))
    });
    muted.await.unwrap().unwrap().iter().any(|subject| subject == who)
}

/// Entries in the log, and places in the tables that say they were read.
async fn fill_log(place: &Place, count: usize, bytes: usize) {
    let log = Log::open(&LogConfig::in_dir(place.data()), SystemClock::shared(), &Registry::new())
        .unwrap();
    for chunk in (0..count).collect::<Vec<_>>().chunks(64) {
        let items = chunk.iter().map(|n| Append::new("did:plc:poison", vec![*n as u8; bytes]));
        log.append(Topic::NetworkEntries, items.collect()).await.unwrap();
    }
    log.close().await;
}

fn parked(place: &Place) -> usize {
    let list = place.run(&["dlq", "list", "--json"]).fine().json();
    list["parked"].as_array().unwrap().len()
}

fn backup(place: &Place, name: &str, args: &[&str]) -> PathBuf {
    let path = place.path().join(name);
    place.run(&[&["backup", path.to_str().unwrap()], args].concat()).fine();
    path
}

fn restore(place: &Place, path: &Path, args: &[&str]) -> crate::program::Output {
    place.run(&[&["restore", path.to_str().unwrap()], args].concat())
}

/// Everything in a folder but the locks, with its bytes.
fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file() && !path.ends_with("LOCK") && !path.ends_with("LOCK.appview"))
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn what_is_restored_goes_on_where_the_backup_was_made() {
    for engine in Engine::ALL {
        if let Some(place) = Place::on(engine).await {
            goes_on(&place, engine).await;
        }
    }
}

async fn goes_on(place: &Place, engine: Engine) {
    fill_log(place, 3, 100).await;
    let mut server = place.serve(&[]).await;
    until("three parked entries", || (parked(place) == 3).then_some(())).await;
    mute(&server, BOB).await;
    let all = backup(place, "all", &["--all"]);
    let manifest: Value =
        serde_json::from_slice(&fs::read(all.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["content"], "all");
    assert_eq!(manifest["store"], engine.name());
    assert_eq!(manifest["log"]["partitions"][0]["tail"], 3);
    assert!(
        fs::read_dir(place.path())
            .unwrap()
            .all(|file| { !file.unwrap().file_name().to_string_lossy().ends_with(".partial") })
    );
    place.run(&["backup", all.to_str().unwrap()]).refused(1, "MR-BIN-017");
    // What is done after the backup is gone after the restore.
    mute(&server, "did:plc:carol2222222222222222222").await;
    restore(place, &all, &["--yes"]).refused(1, "MR-BIN-001");
    server.kill9();

    restore(place, &all, &[]).refused_in_the_end(2, "MR-BIN-008");
    let plan = restore(place, &all, &["--dry-run", "--json"]).fine().json();
    assert_eq!(plan["log"], "backup");
    assert_eq!(plan["resync"], "none");
    assert_eq!(plan["offsets"][0]["after"], 3);
    assert!(!plan["replaces"].as_array().unwrap().is_empty());
    restore(place, &all, &["--yes"]).fine();
    let mut server = place.serve(&[]).await;
    assert!(mutes(place, BOB).await);
    assert!(!mutes(place, "did:plc:carol2222222222222222222").await);
    assert_eq!(parked(place), 3);
    assert_eq!(place.run(&["status", "--json"]).fine().json()["lagEntries"], 0);
    assert_eq!(server.terminate().await, 0, "{}", server.log());
    if engine == Engine::Sqlite {
        let aside = fs::read_dir(place.data()).unwrap().map(|file| file.unwrap().path());
        let aside = aside.filter(|path| path.is_dir()).collect::<Vec<_>>();
        assert_eq!(aside.len(), 1, "{aside:?}");
        assert!(aside[0].join("own.db").exists());
    }
}

/// Everything that an account can tell Millrace alone: a row in each table of `own`.
async fn tell_everything(server: &Server) {
    let post = format!("at://{BOB}/app.bsky.feed.post/a");
    let cid = "bafyreiclp443lavogvhj3d2ob2cxbfuscni2k5jk7bebjzg7khl3esabwq";
    let wish = json!({ "reason": "like", "onlyFollows": true, "list": true, "push": false });
    let device = json!({ "platform": "web", "appId": "app", "token": "t" });
    let browser =
        json!({ "endpoint": "https://push.example/1", "keys": { "p256dh": "a", "auth": "b" } });
    let media = json!({
        "cid": cid, "mimeType": "image/png", "bytes": 1, "width": 1, "height": 1, "alt": "",
    });
    mute(server, BOB).await;
    for (command, said) in [
        ("noteReader", json!({})),
        ("updateSeen", json!({ "seenAtUs": 7 })),
        ("markFeedSeen", json!({ "items": [{ "uri": post }], "upToUs": 7 })),
        ("muteActorList", json!({ "list": format!("at://{BOB}/app.bsky.graph.list/a") })),
        ("muteThread", json!({ "root": post })),
        ("createBookmark", json!({ "post": post, "cid": cid })),
        ("createDraft", json!({ "draft": "{\"posts\":[]}" })),
        ("putNotificationPreferences", json!({ "preferences": [wish] })),
        ("putNotificationPriority", json!({ "priority": true })),
        ("putActivitySubscription", json!({ "subject": BOB, "post": true, "reply": false })),
        ("registerPush", json!({ "device": device, "devicesMax": 1 })),
        ("putWebPush", json!({ "subscription": browser, "devicesMax": 1 })),
        ("keepMedia", json!({ "media": media })),
        (
            "putLimitedPost",
            json!({
                "rkey": "a", "visibility": "FOLLOWERS", "content": "among us",
                "withdraws": { "rkey": "b", "grantId": "grant" },
            }),
        ),
    ] {
        let mut said = said;
        said["actor"] = json!(ALICE);
        internal(server, command, said).await;
    }
    let takedown = json!({ "subject": { "kind": "account", "did": BOB }, "by": "operator" });
    internal(server, "takeDown", takedown).await;
    let label = json!({
        "src": ALICE, "uri": BOB, "val": "spam", "cts": "2026-01-01T00:00:00Z", "sig": "AA",
    });
    internal(server, "issueLabels", json!({ "labels": [label] })).await;
    internal(server, "curate", json!({ "list": "people", "subjects": [BOB] })).await;
}

/// What a webhook took, and what it did not: only who sends writes that.
async fn tell_of_deliveries(place: &Place) {
    let (store, clock, registry) = (place.store(), SystemClock::shared(), Registry::new());
    let own = millrace_dataplane::schema::OWN;
    let own = Store::open(&store, Domain::Own, own, &[], &clock, &registry).await.unwrap();
    let write = |tx: &mut Tx| {
        tx.execute(
            "INSERT INTO inbox (consumer, event_id, processed_at_us) VALUES ('webhook:a', '1', 1)",
            &[],
        )?;
        let bytes: &[u8] = &[0xff];
        tx.execute(
            "INSERT INTO dlq (consumer, event_id, topic, original_topic, partition, log_offset, key, did, headers,
               payload, error, reason, attempts, first_at_us, last_at_us, state, resolution, actor)
             VALUES ('webhook:a', '2', 't', 't', 0, 0, $1, $2, $1, $1, '', '', 1, 1, 1, 2, 'by hand', 'operator')",
            &[bytes.into(), BOB.into()],
        )
    };
    let written: Result<u64, StoreError> = own.write(write).await;
    written.unwrap();
    own.close().await;
}

/// How many rows each table of `own` has that an account tells Millrace, and what follows from them.
async fn told(place: &Place) -> Vec<(&'static str, i64)> {
    let (store, clock) = (place.store(), SystemClock::shared());
    let rows = probe::read(&store, Domain::Own, &clock, |tx| {
        let operators = purge::OPERATORS;
        let tables = purge::TABLES.into_iter().chain(operators).chain(purge::DERIVED);
        let tables = tables.chain(purge::EVENTS).chain(purge::NAMELESS);
        let count = |table| {
            let sql = format!("SELECT count(*) FROM {table}");
            Ok((table, tx.query_one(&sql, &[], |row| row.get(0))?))
        };
        tables.map(count).collect()
    });
    rows.await.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_owned_alone_can_be_put_into_an_empty_place() {
    for engine in Engine::ALL {
        let Some(place) = Place::on(engine).await else { continue };
        let mut server = place.serve(&[]).await;
        tell_everything(&server).await;
        assert_eq!(server.terminate().await, 0);
        tell_of_deliveries(&place).await;
        let before = told(&place).await;
        assert!(before.iter().all(|(_, rows)| *rows == 1), "{before:?}");
        let owned = backup(&place, "owned", &[]);
        let files = contents(&owned);
        assert!(files.iter().all(|(name, _)| !name.starts_with("dataplane") && name != "log.db"));
        // A new place: another folder, or a database in which nothing is.
        let Some(new) = Place::on(engine).await else { continue };
        let plan = restore(&new, &owned, &["--dry-run", "--json"]).fine().json();
        assert_eq!((&plan["log"], &plan["resync"]), (&json!("new"), &json!("all")));
        assert_eq!(plan["replaces"], json!([]));
        assert!(!new.data().exists(), "a dry run makes nothing");
        restore(&new, &owned, &[]).fine();
        let mut server = new.serve(&[]).await;
        assert!(mutes(&new, BOB).await);
        assert_eq!(told(&new).await, before);
        assert_eq!(server.terminate().await, 0, "{}", server.log());
    }
}

#[tokio::test]
async fn tables_catch_up_with_a_log_that_went_on() {
    let place = Place::new();
    fill_log(&place, 2, 100).await;
    let mut server = place.serve(&[]).await;
    until("two parked entries", || (parked(&place) == 2).then_some(())).await;
    assert_eq!(server.terminate().await, 0);
    let all = backup(&place, "all", &["--all"]);
    fill_log(&place, 3, 100).await;

    // The same log, gone on: what came meanwhile is applied.
    let plan = restore(&place, &all, &["--keep-log", "--dry-run", "--json"]).fine().json();
    assert_eq!((&plan["log"], &plan["resync"]), (&json!("kept"), &json!("none")));
    assert_eq!(plan["offsets"][0]["after"], 2);
    restore(&place, &all, &["--keep-log", "--yes"]).fine();
    let mut server = place.serve(&[]).await;
    until("five parked entries", || (parked(&place) == 5).then_some(())).await;
    assert_eq!(server.terminate().await, 0);

    // No log any more: the tables stand at its end, never beyond, and everything is fetched again.
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(place.data().join(format!("log.db{suffix}")));
    }
    let plan = restore(&place, &all, &["--keep-log", "--dry-run", "--json"]).fine().json();
    assert_eq!((&plan["log"], &plan["resync"]), (&json!("new"), &json!("changed")));
    assert_eq!(plan["offsets"][0]["after"], 0);
    restore(&place, &all, &["--keep-log", "--yes"]).fine();
    let mut server = place.serve(&[]).await;
    assert_eq!(place.run(&["status", "--json"]).fine().json()["lagEntries"], 0);
    assert_eq!(server.terminate().await, 0);

    // Another log: all that it has is new.
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(place.data().join(format!("log.db{suffix}")));
    }
    fill_log(&place, 4, 100).await;
    let plan = restore(&place, &all, &["--keep-log", "--dry-run", "--json"]).fine().json();
    assert_eq!((&plan["log"], &plan["resync"]), (&json!("kept"), &json!("changed")));
    assert_eq!(plan["offsets"][0]["after"], 0);
    assert!(plan["because"].as_str().unwrap().contains("not the one"), "{plan:#}");
}

#[tokio::test]
async fn an_old_backup_has_repositories_fetched_again() {
    let place = Place::new();
    let mut server = place.serve(&[]).await;
    assert_eq!(server.terminate().await, 0);
    let all = backup(&place, "all", &["--all"]);
    let plan = |args: &[&str]| {
        restore(&place, &all, &[&["--dry-run", "--json"], args].concat()).fine().json()["resync"]
            .clone()
    };
    assert_eq!(plan(&[]), "none");
    assert_eq!(plan(&["--resync"]), "changed");
    assert_eq!(plan(&["--window-hours", "0"]), "changed");
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_nothing_replaced() {
    for engine in Engine::ALL {
        let Some(place) = Place::on(engine).await else { continue };
        let mut server = place.serve(&[]).await;
        mute(&server, BOB).await;
        assert_eq!(server.terminate().await, 0);
        let whole = backup(&place, "whole", &["--all"]);
        let before = contents(&place.data());
        let names: Vec<String> = contents(&whole).into_iter().map(|(name, _)| name).collect();
        assert!(names.len() >= 6, "{names:?}");
        // Of many tables some stand for all; of few files each is broken.
        let every = if names.len() > 20 { 11 } else { 1 };
        let texts = ["manifest.json".to_owned(), "SHA256SUMS".to_owned()];
        for name in names.iter().step_by(every).chain(&texts) {
            for damage in [flip, cut, remove] {
                let broken = place.path().join("broken");
                copy_dir(&whole, &broken);
                damage(&broken.join(name));
                restore(&place, &broken, &["--yes"]).refused(1, "MR-BIN-019");
                fs::remove_dir_all(&broken).unwrap();
            }
        }
        assert_eq!(contents(&place.data()), before, "nothing was touched");
        for nothing in ["no-such-folder", "data"] {
            restore(&place, &place.path().join(nothing), &["--yes"]).refused(1, "MR-BIN-019");
        }
        restore(&place, &whole, &["--yes"]).fine();
    }
}

/// One bit in the middle.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    match bytes.get_mut(middle) {
        Some(byte) => *byte ^= 1,
        None => bytes.push(1),
    }
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() - 1]).unwrap();
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for (name, bytes) in contents(from) {
        fs::write(to.join(name), bytes).unwrap();
    }
}

#[tokio::test]
async fn a_backup_that_is_killed_is_none() {
    let place = Place::new();
    place.run(&["schema", "apply", "--yes"]).fine();
    fill_log(&place, 1_024, 64 << 10).await;
    let path = place.path().join("killed");
    let partial = place.path().join("killed.partial");
    let mut killed = 0;
    while killed < 3 {
        let args = ["backup", "--all", path.to_str().unwrap()];
        let mut child = place.command(&args, &[]).spawn().unwrap();
        until("a file of the backup", || {
            (partial.join("own.db").exists() || path.exists()).then_some(())
        })
        .await;
        child.kill().unwrap();
        child.wait().unwrap();
        if path.exists() {
            // It was faster than we.
            fs::remove_dir_all(&path).unwrap();
            continue;
        }
        killed += 1;
        assert!(partial.exists());
        restore(&place, &partial, &["--yes"]).refused(1, "MR-BIN-019");
        restore(&place, &path, &["--yes"]).refused(1, "MR-BIN-019");
    }
    // The next one clears up and is whole.
    backup(&place, "killed", &["--all"]);
    assert!(!partial.exists());
    restore(&place, &path, &["--yes"]).fine();
    let mut server = place.serve(&[]).await;
    assert_eq!(server.terminate().await, 0);
}

#[test]
fn a_folder_in_which_files_change_places_is_left_alone() {
    let place = Place::new();
    place.run(&["schema", "apply", "--yes"]).fine();
    let all = backup(&place, "all", &[]);
    let journal = json!({ "backup": all, "moves": [], "staging": [] });
    fs::write(place.data().join("RESTORE"), journal.to_string()).unwrap();
    for command in [&["dlq", "list"][..], &["status"]] {
        place.run(command).refused(1, "MR-BIN-021");
    }
    let served = place.run(&["serve"]);
    assert!(served.code == 1 && served.stderr.contains("MR-BIN-021"), "{served:?}");
    let finished = restore(&place, &all, &["--yes"]).fine();
    assert!(finished.stderr.contains("is finished"), "{finished:?}");
    assert_eq!(place.run(&["status"]).code, 3);
}

#[test]
fn a_backup_needs_something_to_copy_and_room() {
    let place = Place::new();
    let path = place.path().join("backup");
    place.run(&["backup", path.to_str().unwrap()]).refused(1, "MR-BIN-002");
    place.run(&["schema", "apply", "--yes"]).fine();
    let dry = place.run(&["backup", path.to_str().unwrap(), "--dry-run"]).fine();
    assert!(dry.stderr.contains("would copy"), "{dry:?}");
    assert!(!path.exists());
    let nowhere = place.path().join("no/such/folder");
    place.run(&["backup", nowhere.to_str().unwrap()]).refused(1, "MR-BIN-016");
    fs::write(&path, "a file").unwrap();
    place.run(&["backup", path.to_str().unwrap()]).refused(1, "MR-BIN-017");
}

#[test]
fn a_backup_of_another_engine_or_a_newer_program_does_not_fit() {
    let place = Place::new();
    place.run(&["schema", "apply", "--yes"]).fine();
    let all = backup(&place, "all", &[]);
    let forge = |change: &dyn Fn(&mut Value)| {
        let path = all.join("manifest.json");
        let mut manifest: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut manifest);
        fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
        resum(&all);
    };
    forge(&|manifest| manifest["store"] = json!("postgres"));
    restore(&place, &all, &["--yes"]).refused(1, "MR-BIN-020");
    forge(&|manifest| {
        manifest["store"] = json!("sqlite");
        let schema = manifest["domains"][0]["schema"].as_array_mut().unwrap();
        let mut newer = schema.last().unwrap().clone();
        newer["number"] = json!(newer["number"].as_u64().unwrap() + 1);
        newer["compatibleBackTo"] = newer["number"].clone();
        schema.push(newer);
    });
    restore(&place, &all, &["--yes"]).refused(1, "MR-STO-010");
    forge(&|manifest| manifest["format"] = json!(2));
    restore(&place, &all, &["--yes"]).refused(1, "MR-BIN-020");
}

/// Writes the checksums anew, as somebody would who means to deceive.
fn resum(dir: &Path) {
    let files = contents(dir).into_iter().filter(|(name, _)| name != "SHA256SUMS");
    let lines = files.map(|(name, bytes)| {
        let sum = millrace_atproto::crypto::sha256(&bytes);
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{sum}  {name}\n")
    });
    fs::write(dir.join("SHA256SUMS"), lines.collect::<String>()).unwrap();
}
